import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { CloseCode } from './close-codes.ts';

/** How a request at the token route went. */
export type TokenOutcome = 'minted' | 'limited' | 'deferred' | 'unavailable';

/** What the server's parts count. No label ever holds a user's name, a token or a JWT. */
export interface Metrics {
  /** A request at the token route with a good JWT. */
  token(outcome: TokenOutcome): void;
  /** An upgrade: 101, or the status it was refused with. */
  upgrade(status: number): void;
  /** A connection that became ready, by its wire. */
  ready(wire: string): void;
  /** A connection that ended, with its close code; 1006 without a close frame. */
  end(code: number): void;
  /** A frame that came in, control frames included. */
  received(): void;
  /** A data frame that went out. */
  sent(): void;
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  token() {},
  upgrade() {},
  ready() {},
  end() {},
  received() {},
  sent() {},
};

/** What is asked for when the metrics are read. */
export interface Gauges {
  /** Ready connections of this process. */
  readonly ready: () => number;
  /** Sockets of this process that have not authenticated yet. */
  readonly unauthenticated: () => number;
}

/** Metrics that Prometheus can read. */
export interface PrometheusMetrics extends Metrics {
  /** The MIME type of the text. */
  readonly contentType: string;
  /** The text exposition format, the process's own figures (memory, event loop) included. */
  text(): Promise<string>;
}

/** Counts for Prometheus, in a registry of its own: two servers in one process do not mix. */
export function prometheusMetrics({ ready, unauthenticated }: Gauges): PrometheusMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `two_stage_${name}_total`, help, labelNames, registers });

  const tokens = counter('tokens', 'Requests at the token route, of users with a good JWT', [
    'outcome',
  ]);
  const upgrades = counter('upgrades', 'Upgrade requests', ['status']);
  const readies = counter('ready', 'Connections that became ready', ['wire']);
  const ends = counter('ends', 'Connections that ended', ['code']);
  new Gauge({
    name: 'two_stage_connections',
    help: 'Connections at the moment',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'ready' }, ready());
      this.set({ state: 'unauthenticated' }, unauthenticated());
    },
  });

  // A client may close with any of 2,000 codes: each would be another series.
  const known = new Set<number>([1000, 1001, 1005, 1006, 1007, ...Object.values(CloseCode)]);

  // Once for every frame of every connection: a sum costs nothing, a labelled counter would.
  const frames = { in: 0, out: 0 };
  new Counter({
    name: 'two_stage_frames_total',
    help: 'Frames, control frames of clients included',
    labelNames: ['direction'],
    registers,
    collect() {
      this.reset();
      this.inc({ direction: 'in' }, frames.in);
      this.inc({ direction: 'out' }, frames.out);
    },
  });
  collectDefaultMetrics({ register: registry });

  return {
    token: (outcome) => tokens.inc({ outcome }),
    upgrade: (status) => upgrades.inc({ status }),
    ready: (wire) => readies.inc({ wire }),
    end: (code) => ends.inc({ code: known.has(code) ? code : 'other' }),
    received: () => {
      frames.in += 1;
    },
    sent: () => {
      frames.out += 1;
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
