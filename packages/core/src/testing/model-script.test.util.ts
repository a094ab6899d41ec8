import fc from 'fast-check';
import { v1 } from './fakes.test.util.ts';

/** What can happen, at any time, and how likely it is to be next; what is simplest comes first. */
const weights = {
  'go on': 30,
  connect: 3,
  close: 2,
  reconnect: 2,
  send: 8,
  'switch user': 2,
  retain: 1,
  release: 1,
  renew: 2,
  check: 2,
  'check on and on': 1,
  'await ready': 1,
  'wait 10': 2,
  'wait 1000': 5,
  'wait 11000': 3,
  'wait 70000': 2,
  'sleep 5000': 1,
  'sleep 3600000': 1,
  'doze on and on': 1,
  'token comes': 3,
  'token fails': 1,
  'token refused': 1,
  'token is none': 1,
  'token comes late': 1,
  'payload comes': 3,
  'payload fails': 1,
  'payload is undefined': 1,
  'payload comes late': 1,
  accept: 3,
  ack: 3,
  'ack early': 1,
  reject: 1,
  say: 3,
  garbage: 2,
  'drop 1000': 1,
  'drop 1006': 3,
  'drop 1012': 1,
  'drop 4400': 1,
  'drop 4401': 2,
  'drop 4403': 1,
  'drop 4429': 1,
  'going-away 0': 6,
  'going-away 2000': 1,
  'old says': 1,
  'old drops 1006': 2,
  'old drops 4401': 1,
  'old drops 4403': 1,
  'old goes dead': 1,
  'go dead': 2,
  'ghost speaks': 1,
  'go offline': 2,
  'go online': 2,
  hide: 1,
  show: 1,
  pagehide: 1,
  pageshow: 2,
  resume: 1,
  'buffer fills': 2,
  'buffer drains': 2,
  'frame is refused': 1,
  'queued frame is refused': 2,
  'configure tokenRetry': 1,
  'configure queue': 1,
  'configure prefetch': 1,
  'configure timeouts': 1,
  'decide 0': 1,
  'decide 5000': 1,
  'decide false': 1,
  'luck 0': 1,
  'luck 0.5': 1,
  'luck 0.999': 1,
} as const;

export type Step = keyof typeof weights;

export const events = ['statechange', 'ready', 'message', 'error', 'close', 'unsent'] as const;

/** Where the socket calls the app, which may call the socket from there. */
export const places = [
  ...events,
  'getToken',
  'initPayload',
  'url',
  'tokenIn',
  'encode',
  'decode',
  'decide',
  'isReady',
  'isRejected',
  'isChallenge',
  'expiresIn',
  'pong',
  'ping',
  'isPong',
  'abort',
] as const;

export type Place = (typeof places)[number];

/** What the app does in there. */
const nested = [
  'close',
  'connect',
  'reconnect',
  'switch user',
  'send',
  'renew',
  'check',
  'retain',
  'release',
  'configure queue',
  'throw',
  'close and throw',
] as const;

/** What a platform reports as it pleases, where it is a listener of a signal that does it. */
export const isThrow = (step: Nested) => step === 'throw' || step === 'close and throw';

export type Nested = (typeof nested)[number];

/** How a step is taken: alone, in one tick with the next one, or with a call from inside to come. */
type Manner = 'alone' | 'tick' | readonly [nested: Nested, place: Place];

export type Move = readonly [Step, Manner];

const table: readonly Step[] = Object.entries(weights).flatMap(([step, weight]) =>
  Array<Step>(weight).fill(step as Step),
);

const insides: readonly Manner[] = places.flatMap((place) =>
  nested
    .filter((step) => !isThrow(step) || place !== 'abort')
    .map((step) => [step, place] as const),
);
const manners: readonly Manner[] = [
  ...Array<Manner>(500).fill('alone'),
  ...Array<Manner>(150).fill('tick'),
  ...insides,
];

const at = <T>(values: readonly T[]) =>
  fc.noBias(fc.nat(values.length - 1)).map((index) => values[index] as T);

/** What stays as it is throughout a run. */
export interface Setup {
  readonly wire: 'original' | typeof v1;
  readonly policy: 'refresh' | 'reuse' | 'reusable' | 'single-use';
  readonly hasToken: boolean;
  readonly hasInit: boolean;
  /** Whether the server says something first: its challenge, or the ack where there is no payload. */
  readonly speaksFirst: boolean;
  readonly prefetch: boolean;
  /** Whether codec, `isReady` and the heartbeat of the original wire are the app's own. */
  readonly isOwn: boolean;
  readonly tokenLife: number | 'garbage' | undefined;
  readonly payloadLife: number | undefined;
}

const setup = fc.record<Setup>({
  wire: at(['original', v1, v1]),
  policy: at(['refresh', 'reuse', 'reusable', 'single-use']),
  hasToken: at([true, true, true, true, false]),
  hasInit: at([true, true, true, true, false]),
  speaksFirst: at([false, false, true]),
  prefetch: at([false, true]),
  isOwn: at([false, true]),
  tokenLife: at([undefined, 5000, 900_000, 'garbage']),
  payloadLife: at([undefined, 40_000, 3_600_000]),
});

/** What leads to ready, and on into a handover. */
export const lead: readonly Step[] = [
  'connect',
  ...Array<Step>(4).fill('go on'),
  'going-away 0',
  'wait 1000',
  ...Array<Step>(3).fill('go on'),
];

/** A run: a setup, how many steps of the lead are taken before anything else, and the script. */
export type Run = readonly [Setup, number, readonly Move[]];

export const anyRun: fc.Arbitrary<Run> = fc.tuple(
  setup,
  fc.nat(lead.length),
  fc.array(fc.tuple(at(table), at(manners)), { maxLength: 40, size: 'max' }),
);

/** A run in a line. */
export function describeRun([setup, count, script]: Run): string {
  const told = script.map(([step, manner]) => {
    if (manner === 'alone') return step;
    return manner === 'tick' ? `${step} &` : `${step} (${manner[0]} in ${manner[1]})`;
  });
  const facts = Object.entries(setup).map(([name, value]) => `${name} ${value}`);
  return `${facts.join(', ')}: ${[...lead.slice(0, count), ...told].join('; ')}`;
}
