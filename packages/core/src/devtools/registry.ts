import { maskText } from './mask.ts';
import { type Inspected, type Recorder, recordSocket } from './recorder.ts';

/** How a socket is inspected. */
export interface InspectOptions {
  /** What to call it in the panel and in reports. Default: `socket 1`, `socket 2`, … */
  readonly name?: string | undefined;
  /**
   * Whether the panel shows what messages say, shortened, with what is or looks like a secret masked.
   * Default false: their type, size and the names of their members. Reports never have any of it.
   */
  readonly messages?: boolean | undefined;
}

/** A socket under a name. */
export interface Inspection extends Recorder {
  readonly id: number;
  readonly name: string;
  readonly showsMessages: boolean;
}

/** How many sockets there is room for; the one that came first makes room for another. */
const maxInspections = 20;

/** By socket, which it does not keep: who inspects one twice sees it once. */
const inspected = new WeakMap<Inspected, { readonly inspection: Inspection; holders: number }>();
const listeners = new Set<() => void>();
let inspections: readonly Inspection[] = [];
let lastId = 0;

/** Those that are inspected now, in the order in which they came. */
export const getInspections = (): readonly Inspection[] => inspections;

/** Calls `listener` whenever something has happened to any of them: thousands of times a second, perhaps. */
export function onInspections(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function addInspection(socket: Inspected, options: InspectOptions): () => void {
  const known = inspected.get(socket);
  // One that has made room for another is over, and would show nothing any more.
  const entry =
    known && inspections.includes(known.inspection)
      ? known
      : { inspection: toInspection(socket, options), holders: 0 };
  inspected.set(socket, entry);
  entry.holders += 1;
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    entry.holders -= 1;
    if (!entry.holders) remove(entry.inspection);
  };
}

function toInspection(socket: Inspected, { name, messages = false }: InspectOptions): Inspection {
  lastId += 1;
  const inspection = {
    id: lastId,
    name: maskText(name ?? `socket ${lastId}`).replace(/\s+/g, ' '),
    showsMessages: messages,
    ...recordSocket(socket, messages, tell),
  };
  inspections = [...inspections, inspection];
  const [first] = inspections;
  if (first && inspections.length > maxInspections) remove(first);
  tell();
  return inspection;
}

function remove(inspection: Inspection): void {
  inspection.stop();
  inspections = inspections.filter((other) => other !== inspection);
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}
