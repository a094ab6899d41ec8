/** A frame as it came: text, or bytes. */
export type Frame = string | Buffer;

/** A text frame of a ready connection, understood. */
export type Incoming =
  | { readonly kind: 'message'; readonly data: unknown }
  | { readonly kind: 'jwt'; readonly token: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'invalid' };

/** What the ack says. */
export interface Ready {
  readonly user: string;
  /** ms left of the JWT. */
  readonly expiresIn: number;
  /** ms between the pings a client should send; 0 for none. */
  readonly heartbeat: number;
}

/** What is said before a planned close. */
export interface GoingAway {
  /** After how many ms the client should look for another connection. */
  readonly retryAfter: number;
  /** After how many ms this one will be closed. */
  readonly deadline: number;
}

/** How frames are written and read. PROTOCOL.md sections 6 and 7 specify the two there are. */
export interface Wire {
  readonly name: 'original' | 'two-stage.v1';
  /** Whether a refused init is told so with a close code, instead of by the bare end. */
  readonly saysWhy: boolean;
  /** The frame that acknowledges the init payload. */
  ack(ready: Ready): string;
  /** The frame that carries an application's value. */
  encode(data: unknown): string;
  /** Understands a text frame of a ready connection. Never throws. */
  decode(text: string): Incoming;
  /** The answer to a `ping`. */
  readonly pong: string | undefined;
  /** The frame that announces a planned close, on wires that have one. */
  goingAway(notice: GoingAway): string | undefined;
}

/** The subprotocol's name, as offered, selected and named by the token route. */
export const TWO_STAGE = 'two-stage.v1';

/**
 * The subprotocol to select of those that were offered: for the `handleProtocols` option of `ws`. A
 * `token.…` entry is a secret, and must never be the one that is sent back.
 */
export function selectWire(offered: ReadonlySet<string>): typeof TWO_STAGE | false {
  return offered.has(TWO_STAGE) && TWO_STAGE;
}

/** The pattern's own wire: one ack, and after it every frame is the application's. */
export const originalWire: Wire = {
  name: 'original',
  saysWhy: false,
  ack: () => 'authentication successful',
  encode: (data) => (typeof data === 'string' ? data : JSON.stringify(data)),
  decode: (text) => ({ kind: 'message', data: text }),
  pong: undefined,
  goingAway: () => undefined,
};

/** JSON with a `type`, so that control frames and the application's never mix. */
export const twoStageWire: Wire = {
  name: TWO_STAGE,
  saysWhy: true,
  ack: (ready) => JSON.stringify({ type: 'ready', ...ready }),
  encode: (data) => JSON.stringify({ type: 'message', data }),
  decode(text) {
    const frame = parseTyped(text);
    switch (frame?.type) {
      case undefined:
        return { kind: 'invalid' };
      case 'message':
        return { kind: 'message', data: frame.data ?? null };
      case 'jwt':
        return typeof frame.token === 'string'
          ? { kind: 'jwt', token: frame.token }
          : { kind: 'invalid' };
      case 'ping':
        return { kind: 'ping' };
      default:
        return { kind: 'unknown' };
    }
  },
  pong: JSON.stringify({ type: 'pong' }),
  goingAway: (notice) => JSON.stringify({ type: 'going-away', ...notice }),
};

/** The JWT of an init payload, the same on both wires, or `undefined` if the frame is none. */
export function readInitPayload(frame: Frame): string | undefined {
  if (typeof frame !== 'string') return undefined;
  const payload = parseTyped(frame);
  return payload?.type === 'jwt' && typeof payload.token === 'string' ? payload.token : undefined;
}

interface Typed {
  readonly type: string;
  readonly [member: string]: unknown;
}

function parseTyped(text: string): Typed | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // Only own members count: JSON can spell `__proto__`, and a prototype must not lend a `type`.
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'type')) {
    return undefined;
  }
  const { type } = value as { type: unknown };
  return typeof type === 'string' ? (value as Typed) : undefined;
}
