import { jsonCodec } from '../codec.ts';
import type { Options, RetryOptions } from '../types.ts';
import { rejection } from './chaos-line.test.util.ts';
import type { Random } from './chaos-random.test.util.ts';
import type { World } from './chaos-world.test.util.ts';
import { originalAck } from './fakes.test.util.ts';

/** What an app's own functions throw, so that what anybody else throws stands out. */
export class Clumsiness extends Error {}

/** The slow lane is half a minute long: it is left to the clients that are not wild. */
const hurry: RetryOptions['decide'] = ({ code }, { drops }) =>
  code === 'init-dropped' && drops ? 20 : undefined;

/** Patient, however slow this machine is. */
export const calmOptions: Partial<Options<any, any>> = {
  timeouts: { token: 5000, connect: 5000, init: 5000 },
  retry: { initialDelay: 50, maxDelay: 500, minDelay: 5, decide: hurry },
  // One that is reused against its server's word is suspected once a minute, and not more often.
  tokenRetry: undefined,
  heartbeat: false,
  queue: {},
};

/** Quick, but for the slow lane: whatever is asked for too often is asked for very often. */
export const refusedOptions: Partial<Options<any, any>> = {
  retry: { initialDelay: 10, maxDelay: 50, minDelay: 1 },
};

/** The functions that an app keeps for the life of its socket, and in which it may do anything. */
export function keptOptions(
  random: Random,
  client: number,
  meddle: (place: string) => void,
): Partial<Options<any, any>> {
  const isV1 = client % 2 === 1;
  return {
    tokenIn: random.pick<NonNullable<Options['tokenIn']>>(
      isV1 ? ['query', { query: 'key' }, 'subprotocol'] : ['query'],
    ),
    isRejected(message) {
      meddle('isRejected');
      return message === rejection;
    },
    ...(random.chance(0.5) && {
      isReady(message: any) {
        meddle('isReady');
        return isV1 ? message?.type === 'ready' : message === originalAck;
      },
    }),
    ...(random.chance(0.3) && {
      codec: {
        encode: (message: unknown) => jsonCodec.encode(message),
        decode(frame: string | ArrayBuffer) {
          meddle('decode');
          return jsonCodec.decode(frame);
        },
      },
    }),
  };
}

/** What may be configured at any time: quick, so that much goes wrong in a second. */
export function quickOptions(
  world: World,
  random: Random,
  client: number,
  meddle: (place: string) => void,
): Partial<Options<any, any>> {
  const isV1 = client % 2 === 1;
  const quick = () => random.int(60, 120);

  const decide: RetryOptions['decide'] = (failure, history) => {
    meddle('decide');
    if (world.isWell || !random.chance(0.01)) return hurry(failure, history);
    world.tally.fault('app: decide throws');
    throw new Clumsiness('decide');
  };

  return {
    retry: {
      initialDelay: random.int(1, 100),
      maxDelay: 600,
      minDelay: 2,
      maxAttempts: random.chance(0.1) ? 6 : 1 / 0,
      stableAfter: random.int(5, 100),
      decide,
    },
    timeouts: { token: quick(), connect: quick(), init: quick() },
    heartbeat: random.chance(0.9) && {
      interval: isV1 ? 0 : random.int(30, 120),
      timeout: quick(),
      ping() {
        meddle('heartbeat.ping');
        return random.chance(0.9) ? 'ping' : undefined;
      },
      isPong(message) {
        meddle('heartbeat.isPong');
        return message === 'pong';
      },
    },
    prefetch: random.chance(0.3),
    tokenRetry: random.pick([undefined, 'refresh', 'reuse']),
    queue: random.chance(0.9) && {
      maxMessages: random.int(3, 60),
      maxBytes: random.int(1000, 10_000),
      maxAge: random.chance(0.2) ? 0 : random.int(10, 300),
    },
  };
}
