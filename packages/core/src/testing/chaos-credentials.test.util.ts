import { fetchToken } from '../fetch-token.ts';
import type { Context, Options, TokenContext, UrlContext } from '../types.ts';
import type { Random } from './chaos-random.test.util.ts';
import { type Session, secretMark, stampOf } from './chaos-session.test.util.ts';
import { type Faults, misbehave, type World } from './chaos-world.test.util.ts';
import { never } from './fakes.test.util.ts';

/** What the functions of an app know of it. */
export interface Asked {
  readonly world: World;
  readonly random: Random;
  readonly serverUrl: string;
  /** How often they fail. */
  readonly rate: number;
  /** The token fetches under way, whoever's they are. */
  readonly fetching: Set<AbortSignal>;
  /** Today's, where the user is closed over. */
  session(): Session;
  /** The app may do anything in here. */
  meddle(place: string): void;
}

const refuse = (facts?: object) => Promise.reject(facts);

const fail = (what: string) => {
  throw new Error(what);
};

const inAWhile = (give: () => unknown) =>
  new Promise((resolve) => setTimeout(() => resolve(give()), 20));

const tokenFaults: Faults<() => unknown, unknown> = {
  'getToken: throws': [3, () => fail('no token today')],
  'getToken: rejects with 503': [3, () => refuse({ status: 503, retryAfter: 20 })],
  'getToken: rejects with 401': [0.3, () => refuse({ status: 401 })],
  'getToken: rejects with nothing': [1, () => refuse()],
  'getToken: gives no token': [2, () => ({ token: 7 })],
  'getToken: never settles': [2, never],
};

const payloadFaults: Faults<() => unknown, unknown> = {
  'initPayload: throws': [3, () => fail('no payload today')],
  'initPayload: rejects with 403': [0.3, () => refuse({ status: 403 })],
  'initPayload: gives undefined': [3, () => undefined],
  'initPayload: never settles': [2, never],
  'initPayload: is slow': [3, inAWhile],
};

const urlFaults: Faults<{ readonly give: () => string; readonly token: string }, unknown> = {
  'url: throws with the token in it': [3, ({ token }) => fail(`no address for ${token}`)],
  'url: cannot be parsed': [0.3, ({ token }) => `ws://127.0.0.1:port/${token}`],
  'url: nobody is there': [3, () => 'ws://127.0.0.1:1/'],
  'url: never settles': [2, never],
  'url: is slow': [3, ({ give }) => inAWhile(give)],
};

/**
 * The three functions that a client asks, closed over one user. What they give says whose it is, and
 * whether they should have been asked at all.
 */
export function credentialsOf(
  user: string,
  { world, random, serverUrl, rate, fetching, session, meddle }: Asked,
): Pick<Options, 'url'> & Required<Pick<Options, 'getToken' | 'initPayload'>> {
  const { judge } = world;
  let serial = 0;

  const mintJwt = () => `${secretMark}-jwt:${stampOf(session(), user)}:${serial++}`;
  const asked = (what: string, { signal }: Context) => {
    const stamp = stampOf(session(), user);
    if (session().isOver) judge.violate('C3', `${what} asked after close(): ${stamp}`);
    if (signal.aborted) judge.violate('C3', `${what} asked, and aborted already: ${stamp}`);
    signal.addEventListener('abort', () => meddle('abort'));
    meddle(what);
  };
  const fetchIt = fetchToken(`${serverUrl}/token`, () => ({
    headers: { authorization: `Bearer ${mintJwt()}` },
  }));

  return {
    async getToken(context: TokenContext) {
      const { signal } = context;
      if ([...fetching].some(({ aborted }) => !aborted)) {
        judge.violate('C2', `two token fetches at once: ${stampOf(session(), user)}`);
      }
      fetching.add(signal);
      try {
        asked('getToken', context);
        const give = () => fetchIt(context);
        return await misbehave<() => unknown, any>(world, random, rate, tokenFaults, give, give);
      } finally {
        fetching.delete(signal);
      }
    },
    initPayload(context: Context) {
      asked('initPayload', context);
      const give = () => ({ type: 'jwt', token: mintJwt() });
      return misbehave<() => unknown, unknown>(world, random, rate, payloadFaults, give, give);
    },
    url(context: UrlContext) {
      asked('url', context);
      const at = {
        token: context.token?.token ?? '',
        give: () => `${serverUrl}/socket?app=${stampOf(session(), user)}`,
      };
      return misbehave<typeof at, any>(world, random, rate, urlFaults, at, at.give);
    },
  };
}
