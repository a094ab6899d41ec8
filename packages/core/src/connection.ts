import { type Entry, fromEnvelope, jsonCodec, parseControl, toEnvelope } from './codec.ts';
import { reportUncaught } from './emitter.ts';
import type { Failure } from './errors.ts';
import type { Facts } from './failure.ts';
import { watchLiveness } from './liveness.ts';
import type { Settings } from './options.ts';
import { createRenewal } from './renewal.ts';
import type { WebSocketLike } from './types.ts';

export const v1 = 'two-stage.v1';

/** What a connection tells of. None of it is called once it has been stopped. */
export interface ConnectionEvents {
  /** Messages that have yet to be looked at. */
  messages(messages: Iterable<unknown>): void;
  /** Something went wrong that does not end the connection. */
  trouble(failure: Failure): void;
  /** Its server is about to end it, and says in how many ms another is best opened. */
  goingAway(retryAfter: number): void;
  lost(facts: Facts, closeCode?: number): void;
}

/** A connection that is ready: both stages are through. */
export interface Connection {
  /** The server has taken a payload, and says so by this message. */
  acknowledged(ack: unknown): void;
  /** Takes a frame of the server's. Throws what the codec throws. */
  read(data: string | ArrayBuffer): void;
  /** Whether a message of the original wire is the connection's own business, not the application's. */
  takes(message: unknown): boolean;
  /** Sends a message of the application; false where it cannot be taken now. Throws as `WebSocket.send`. */
  send(entry: Entry): boolean;
  /** Makes sure that the other side is still there, where there is a way to ask. */
  probe(): void;
  /** Renews the init payload in place; nothing where the wire cannot. */
  renew(): Promise<void> | undefined;
  /** Ends what it does by itself; a renewal under way rejects with `failure`. */
  stop(failure: Failure): void;
}

export function createConnection(
  settings: Settings,
  ws: WebSocketLike,
  isV1: boolean,
  ack: any,
  askPayload: () => Promise<unknown>,
  events: ConnectionEvents,
): Connection {
  const openState = 1;
  /** The shortest interval that an ack can ask for, in ms. */
  const minInterval = 1000;
  /** How long a connection that may have died unseen has to answer, in ms. */
  const probeTimeout = 3000;

  const { heartbeat: times } = settings;
  const told = isV1 && ack.heartbeat > 0 ? Math.max(minInterval, ack.heartbeat) : 0;
  const interval = times ? times.interval || told : 0;
  const timeout = times ? Math.min(interval, times.timeout || interval) : 0;

  /** What would be buffered if nothing had left since the last question; 0 where nothing was. */
  let buffered = 0;

  /** The app's functions may end the connection that asks them. */
  const isOver = () => ws.readyState !== openState;

  /** Sends a message of the client's own; returns whether there was one, and all goes on. */
  const say = (message: unknown) => {
    if (message === undefined || isOver()) return false;
    const frame = (isV1 ? jsonCodec : settings.codec).encode(message);
    if (isOver()) return false;
    ws.send(frame);
    return true;
  };

  const ask = () => {
    const { heartbeat } = settings;
    buffered = ws.bufferedAmount;
    try {
      return heartbeat && say(isV1 ? { type: 'ping' } : heartbeat.ping());
    } catch (error) {
      reportUncaught(error);
      return false;
    }
  };
  const liveness = watchLiveness(settings.environment, interval, timeout, ask, (patience) => {
    // What still drains is alive: the question waits behind a long upload.
    if (ws.bufferedAmount < buffered) liveness.probe(patience);
    else events.lost({ code: 'heartbeat-timeout' });
  });
  const renewal =
    isV1 || settings.expiresIn
      ? createRenewal(settings, askPayload, say, events.trouble, events.lost)
      : undefined;

  const acknowledged = (message: any) =>
    renewal?.acknowledged(isV1 ? message.expiresIn : settings.expiresIn?.(message));

  return {
    acknowledged,
    read(data) {
      liveness.heard(!isV1);
      if (!isV1 || typeof data !== 'string') {
        return events.messages(settings.codec.decode(data));
      }
      const control = parseControl(data);
      if (!control) events.lost({ code: 'frame-invalid' }, 4400);
      else if (control.type === 'message') {
        events.messages(fromEnvelope(control.data ?? null, settings.codec));
      } else if (control.type === 'pong') liveness.heard(true);
      else if (control.type === 'ping') say({ type: 'pong' });
      else if (control.type === 'ready') acknowledged(control);
      else if (control.type === 'going-away') events.goingAway(Number(control.retryAfter) || 0);
    },
    takes(message) {
      const { heartbeat, isReady, isRejected } = settings;
      if (isV1) return false;
      if (heartbeat) {
        if (heartbeat.isPong(message) || isOver()) return true;
        if (say(heartbeat.pong(message)) || isOver()) return true;
      }
      if (!renewal?.isUnderWay()) return false;
      if (isReady?.(message)) acknowledged(message);
      else if (isOver() || !isRejected?.(message)) return false;
      else events.lost({ code: 'unauthorized' });
      return true;
    },
    send(entry) {
      if (isOver()) return false;
      const { queue } = settings;
      const before = ws.bufferedAmount;
      if (queue && before > queue.maxBuffered) return false;
      ws.send(isV1 ? toEnvelope(entry) : entry.frame);
      if (buffered) buffered += ws.bufferedAmount - before;
      return true;
    },
    probe: () => liveness.probe(probeTimeout),
    renew: () => renewal?.renew(),
    stop(failure) {
      liveness.stop();
      renewal?.stop(failure);
    },
  };
}
