import { expectFailure, type Response, readEnvelope } from '../http.ts';
import { decodeJwt, type Flaw, flaws } from '../jwt.ts';
import { expect, fail, NotRun, show } from '../outcome.ts';
import type { Row } from '../row.ts';
import type { Session } from '../session.ts';
import { readToken } from '../token.ts';
import { TWO_STAGE, twoStage } from '../wire.ts';

/** 128 bits in base64url without padding. */
const LEAST_CHARACTERS = 22;

/** `Date` counts in seconds, and servers keep it for one, in ms. */
const TOLERANCE = 2500;

function expectSuccess(response: Response): void {
  const { status, message, data } = readEnvelope(response.text);
  const isEnvelope =
    status === 1 &&
    (message === undefined || typeof message === 'string') &&
    typeof data === 'object' &&
    data !== null;
  if (response.status !== 200 || !isEnvelope) {
    fail('200 with { status: 1, data: {…} }', `${response.status} with ${show(response.text)}`);
  }
  const { token, expiresIn, expiresAt, reusable } = data as Record<string, unknown>;
  expect(
    typeof token === 'string' && /^[\w-]{1,256}$/.test(token),
    'a token of A–Z a–z 0–9 - _, at most 256 of them',
    `data.token of another shape`,
  );
  expect(
    token.length >= LEAST_CHARACTERS,
    `a token of 128 bits, so ${LEAST_CHARACTERS} characters`,
    `${token.length} characters`,
  );
  expect(
    typeof expiresIn === 'number' && expiresIn > 0,
    'expiresIn as a number of ms above 0',
    `expiresIn ${show(expiresIn)}`,
  );
  expect(
    typeof expiresAt === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(expiresAt),
    'expiresAt as ISO 8601 in UTC',
    `expiresAt ${show(expiresAt)}`,
  );
  expectSameTime(response.headers.date, expiresIn, expiresAt);
  expect(typeof reusable === 'boolean', 'reusable as a boolean', `reusable ${show(reusable)}`);
  const cacheControl = response.headers['cache-control'];
  expect(
    cacheControl?.includes('no-store') === true,
    'Cache-Control: no-store',
    cacheControl === undefined ? 'no Cache-Control' : show(cacheControl),
  );
}

/** Requires both ways to say when a token expires to say the same, by the server's own clock. */
function expectSameTime(date: string | undefined, expiresIn: number, expiresAt: string): void {
  if (date === undefined) return;
  const life = Date.parse(expiresAt) - Date.parse(date);
  expect(
    Math.abs(life - expiresIn) < TOLERANCE,
    'expiresAt to be expiresIn ms from now',
    `${life} ms from the Date header to expiresAt, and expiresIn ${expiresIn}`,
  );
}

function expectUnauthorized({ status, headers, text }: Response): void {
  expect(status === 401, '401', `${status}`);
  expectFailure(text);
  const challenge = headers['www-authenticate'];
  expect(
    challenge !== undefined && /^Bearer\b/i.test(challenge),
    'WWW-Authenticate: Bearer',
    challenge === undefined ? 'no WWW-Authenticate' : show(challenge),
  );
}

/** Makes a JWT bad, or leaves the row where that is not possible. */
export async function badJwt(session: Session, flaw: Flaw): Promise<string> {
  const jwt = await session.login(session.user);
  const secret = flaw.needsSecret ? session.needSecret() : '';
  if (flaw.claim !== undefined && decodeJwt(jwt)?.claims[flaw.claim] === undefined) {
    throw new NotRun(`the server's JWTs have no ${flaw.claim}`);
  }
  return session.secrets.add(flaw.spoil(jwt, secret));
}

/** Section 3, but for CORS. */
export const tokenRouteRows: readonly Row[] = [
  {
    rules: ['3.1', '3.2', '3.4.2'],
    wire: 'http',
    title: 'POST with a JWT: the envelope, no-store, base64url, expiresIn',
    async run(session) {
      await session.withFreshToken(session.user, async ({ jwt }) => {
        expectSuccess(await session.askToken(jwt));
      });
    },
  },
  {
    rules: ['3.1'],
    wire: 'http',
    title: 'GET with a JWT: alike',
    async run(session) {
      await session.withFreshToken(session.user, async ({ jwt }) => {
        const response = await session.askToken(jwt, 'GET');
        if (response.status === 404 || response.status === 405) {
          throw new NotRun(`GET is answered ${response.status}, and only a SHOULD`);
        }
        expectSuccess(response);
      });
    },
  },
  {
    rules: ['3.2'],
    wire: 'http',
    title: 'protocol names two-stage.v1 only if that is spoken',
    async run(session) {
      const { protocol, headers } = await session.upgradeAs(session.user, {
        offer: twoStage.offer,
      });
      const isSpoken = headers.get('sec-websocket-protocol') === TWO_STAGE;
      if (protocol === undefined) {
        return isSpoken ? 'spoken, but not named, which is a SHOULD' : undefined;
      }
      expect(protocol === TWO_STAGE, `protocol ${TWO_STAGE}, or none`, show(protocol));
      expect(isSpoken, 'what protocol names to be selected', 'another selection');
      return undefined;
    },
  },
  {
    rules: ['3.1'],
    wire: 'http',
    title: 'a JWT in the query: 401',
    async run(session) {
      const { tokenPath } = session.options;
      const jwt = await session.login(session.user);
      for (const name of ['access_token', 'token', 'jwt']) {
        expectUnauthorized(await session.request('POST', `${tokenPath}?${name}=${jwt}`));
      }
    },
  },
  {
    rules: ['3.3'],
    wire: 'http',
    title: 'no JWT: 401 in the envelope',
    async run(session) {
      expectUnauthorized(await session.request('POST', session.options.tokenPath));
    },
  },
  {
    rules: ['3.3'],
    wire: 'http',
    title: 'no JWT but other words: 401 in the envelope',
    async run(session) {
      for (const authorization of ['Bearer', 'Bearer x', 'Basic YWRhOmFkYQ==', 'Bearer a.b.c']) {
        const { tokenPath } = session.options;
        expectUnauthorized(
          await session.request('POST', tokenPath, { Authorization: authorization }),
        );
      }
    },
  },
  ...flaws.map(
    (flaw): Row => ({
      rules: ['3.3'],
      wire: 'http',
      title: `a JWT with a flaw (${flaw.name}): 401 in the envelope`,
      async run(session) {
        expectUnauthorized(await session.askToken(await badJwt(session, flaw)));
      },
    }),
  ),
  {
    rules: ['3.4.1'],
    wire: 'http',
    title: 'two tokens differ',
    async run(session) {
      const jwt = await session.login(session.user);
      const [one, two] = [await session.mint(jwt), await session.mint(jwt)];
      expect(one.token !== two.token, 'another token each time', 'the same one twice');
    },
  },
];

/** Requires the token route to have answered with a token. */
export const expectToken = (response: Response): void => {
  readToken(response);
};
