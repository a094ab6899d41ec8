import type { Frame } from './connection.ts';

/** The name of a wire; also that of the subprotocol, for the second. */
export type WireName = 'original' | 'two-stage.v1';

/** How a client writes and reads a wire (sections 6 and 7). */
export interface Wire {
  readonly name: WireName;
  /** What is offered at the upgrade for it. */
  readonly offer: string | undefined;
  /** Whether a frame is the ack of an init payload. */
  isAck(frame: Frame | undefined): boolean;
  /** What the ack looks like, for people. */
  readonly ack: string;
  /** The frame that carries an application's string. */
  say(text: string): string;
  /** The application's string in a frame, if there is one. */
  hear(frame: Frame): string | undefined;
  /** The close code of a refused init, which only one of the wires tells. */
  refusal(code: number): number | undefined;
}

/** The subprotocol of section 7. */
export const TWO_STAGE = 'two-stage.v1';

/** Section 6. */
export const original: Wire = {
  name: 'original',
  offer: undefined,
  isAck: (frame) => frame === 'authentication successful',
  ack: '"authentication successful"',
  say: (text) => text,
  hear: (frame) => (typeof frame === 'string' ? frame : undefined),
  refusal: () => undefined,
};

/** Section 7. */
export const twoStage: Wire = {
  name: TWO_STAGE,
  offer: TWO_STAGE,
  isAck: (frame) => frame !== undefined && readTyped(frame)?.type === 'ready',
  ack: '{"type":"ready",…}',
  say: (text) => message(text),
  hear(frame) {
    const { type, data } = readTyped(frame) ?? {};
    return type === 'message' && typeof data === 'string' ? data : undefined;
  },
  refusal: (code) => code,
};

/** Both. */
export const wires: readonly Wire[] = [twoStage, original];

/** The first frame of a socket, and a renewal. */
export const initPayload = (jwt: string): string => JSON.stringify({ type: 'jwt', token: jwt });

/** A `message` of section 7.3. */
export const message = (data: unknown): string => JSON.stringify({ type: 'message', data });

/** The object of a text frame, if it is one. */
export function readTyped(frame: Frame): Record<string, unknown> | undefined {
  if (typeof frame !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(frame);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The example pipelines' messages (10.6), which come whenever they like. */
const PIPELINE = /^(ping|broadcast message) \d+$/;

/** Whether a frame is of the individual or the broadcast pipeline. */
export function isPipeline(wire: Wire, frame: Frame): boolean {
  return PIPELINE.test(wire.hear(frame) ?? '');
}

/** Whether a frame is of the broadcast pipeline. */
export function isBroadcast(wire: Wire, frame: Frame): boolean {
  return /^broadcast message \d+$/.test(wire.hear(frame) ?? '');
}
