import type { Session } from './session.ts';
import { type Wire, type WireName, wires } from './wire.ts';

/** When a row runs. */
export type Phase =
  /** At once, beside all others: it mostly waits. */
  | 'waiting'
  /** A few at a time. */
  | 'usual'
  /** One after the other, when the others are done: it would disturb them. */
  | 'alone'
  /** At the very end: it stops the server. */
  | 'last';

/** One line of the conformance table. */
export interface Row {
  /** Sections of PROTOCOL.md it checks. */
  readonly rules: readonly string[];
  /** The wire it is about; `http` for what comes before there is one. */
  readonly wire: 'http' | WireName;
  /** What is tested. */
  readonly title: string;
  /** Default `usual`. */
  readonly phase?: Phase;
  /**
   * Passes when it resolves; a string is a note. Throws `NotRun` when it cannot judge; anything
   * else that is thrown is a failure.
   */
  run(session: Session): Promise<unknown>;
}

/** What became of a row. */
export interface Result {
  readonly rule: string;
  readonly wire: 'http' | WireName;
  readonly title: string;
  readonly outcome: 'pass' | 'fail' | 'not-run';
  readonly detail?: string;
}

/** A row on a wire. */
export interface WireRow extends Omit<Row, 'wire' | 'run'> {
  run(session: Session, wire: Wire): Promise<unknown>;
}

/** The same row for each wire. */
export function onEachWire(row: WireRow): Row[] {
  return wires.map((wire) => onWire(wire, row));
}

/** A row for one wire. */
export function onWire(wire: Wire, row: WireRow): Row {
  return { ...row, wire: wire.name, run: (session) => row.run(session, wire) };
}
