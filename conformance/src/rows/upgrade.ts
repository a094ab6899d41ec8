import type { Answer } from '../answer.ts';
import { expectFailure } from '../http.ts';
import { expect, Failure, fail, NotRun, show } from '../outcome.ts';
import { onWire, type Row } from '../row.ts';
import type { Session } from '../session.ts';
import { sleep } from '../time.ts';
import type { UpgradeRequest } from '../upgrade.ts';
import { original, TWO_STAGE, twoStage } from '../wire.ts';

/** Sockets that want the same token in 3.4.5. */
const RIVALS = 100;

/** How long after its end a token is tried, in ms: a server's clock may count in other steps. */
const AFTER_EXPIRY = 100;

/** The shape of a token, of which the server never made one. */
const UNKNOWN = 'Vq2c0h6mB8kq4xJ0bX3nH1sS5tGfQ7aLz9wYpRuDeKo';

/** The 401 of a token that never was: what all others have to look like (4.3). */
async function unknownToken(session: Session): Promise<Answer> {
  const { status, answer } = await session.upgradePatiently({ token: UNKNOWN });
  if (status !== 401 || answer === undefined) fail('401 for an unknown token', `${status}`);
  expectFailure(answer.body);
  const challenge = answer.headers.get('www-authenticate');
  expect(
    challenge !== undefined && /^Bearer\b/i.test(challenge),
    'WWW-Authenticate: Bearer with the 401',
    challenge ?? 'no such header',
  );
  return answer;
}

async function expectSameAs(
  wanted: Answer,
  name: string,
  session: Session,
  request: UpgradeRequest,
): Promise<void> {
  const { status, answer } = await session.upgradePatiently(request);
  expect(status === 401, `401 for ${name}`, `${status}`);
  if (answer?.bytes.equals(wanted.bytes)) return;
  const got = answer?.bytes.toString() ?? '';
  throw new Failure(
    `expected the same bytes for ${name} as for an unknown token; ${firstDifference(wanted.bytes.toString(), got)}`,
  );
}

function firstDifference(wanted: string, got: string): string {
  const lines = wanted.split('\r\n');
  const others = got.split('\r\n');
  const at = lines.findIndex((line, index) => line !== others[index]);
  const index = at === -1 ? lines.length : at;
  return `got ${show(others[index] ?? 'nothing')} where that has ${show(lines[index] ?? 'nothing')}`;
}

/** Spends a single-use token, and lets go of the socket. */
async function spend(session: Session, token: string): Promise<void> {
  const { status, connection } = await session.upgradePatiently({ token });
  expect(status === 101, '101 for a good token', `${status}`);
  connection?.destroy();
}

/** Waits until a token has expired, or leaves the row. */
async function outlive(
  session: Session,
  { expiresIn, receivedAt }: { expiresIn: number | undefined; receivedAt: number },
): Promise<void> {
  if (expiresIn === undefined) {
    throw new NotRun('the server does not say how long a token lives');
  }
  session.expectPatience(
    expiresIn + AFTER_EXPIRY,
    `tokens live ${expiresIn} ms: start the server with shorter ones`,
  );
  await sleep(receivedAt + expiresIn + AFTER_EXPIRY - performance.now());
}

/** Sections 3.4 and 4: which upgrades are admitted, and how the wire is selected. */
export const upgradeRows: readonly Row[] = [
  {
    rules: ['3.4.5'],
    wire: 'http',
    title: `${RIVALS} concurrent upgrades with one token: one 101, ${RIVALS - 1} times 401`,
    async run(session) {
      // All connected first, so that nothing but the token keeps them apart.
      const rivals = await Promise.all(Array.from({ length: RIVALS }, () => session.connect()));
      const fresh = await session.token(session.user);
      if (fresh.reusable) {
        throw new NotRun('tokens are reusable: start the server with single-use ones');
      }
      const target = session.target(fresh.token);
      const statuses = await Promise.all(
        rivals.map(async (ask) => {
          const { status } = await ask({ target });
          // One that met a full server never asked for the token.
          return status === 503 ? (await session.upgradePatiently({ target })).status : status;
        }),
      );
      if (statuses.every((status) => status === 401)) session.expectFresh(fresh);
      const count = (wanted: number): number =>
        statuses.filter((status) => status === wanted).length;
      if (count(101) !== 1 || count(401) !== RIVALS - 1) {
        const others = RIVALS - count(101) - count(401);
        fail(
          `one 101 and ${RIVALS - 1} times 401`,
          `${count(101)} times 101, ${count(401)} times 401, ${others} others`,
        );
      }
    },
  },
  {
    rules: ['3.4.6'],
    wire: 'http',
    title: 'a reusable token: admits again',
    async run(session) {
      await session.withFreshToken(session.user, async ({ token, reusable }) => {
        if (!reusable) throw new NotRun('tokens are single-use');
        await spend(session, token);
        await spend(session, token);
      });
    },
  },
  {
    rules: ['3.4.7', '4.3'],
    wire: 'http',
    title: 'a token used after expiresIn: the same bytes as an unknown one',
    phase: 'waiting',
    async run(session) {
      const token = await session.token(session.user);
      await outlive(session, token);
      const wanted = await unknownToken(session);
      const target = session.target(token.token);
      await expectSameAs(wanted, 'an expired token', session, { target });
    },
  },
  {
    rules: ['4.2'],
    wire: 'http',
    title: 'another path, with everything else wrong as well: 404',
    async run(session) {
      const { socketPath } = session.options;
      for (const path of [`${socketPath}-other`, `${socketPath}/other`, '/nowhere']) {
        const target = `${path}?token=${UNKNOWN}`;
        const request = { target, origin: 'https://foreign.invalid', offer: 'token.a, token.b' };
        const { status } = await session.upgradePatiently(request);
        expect(status === 404, `404 for ${path}`, `${status}`);
      }
    },
  },
  {
    rules: ['4.2'],
    wire: 'http',
    title: 'a foreign origin and a bad token: 403',
    async run(session) {
      const origin = 'https://foreign.invalid';
      const { status } = await session.upgradePatiently({ token: UNKNOWN, origin });
      expect(status === 403, '403', `${status}`);
    },
  },
  {
    rules: ['4.2.4'],
    wire: 'http',
    title: 'a handshake of another version than 13: 426 with Sec-WebSocket-Version: 13',
    async run(session) {
      const { status, headers } = await session.upgradeAs(session.user, { version: 12 });
      expect(status === 426, '426', `${status}`);
      const versions = headers.get('sec-websocket-version') ?? '';
      const named = versions.split(',').map((version) => version.trim());
      expect(named.includes('13'), 'Sec-WebSocket-Version: 13', versions || 'no such header');
    },
  },
  {
    rules: ['4.3'],
    wire: 'http',
    title: 'a missing or malformed token: the same bytes as an unknown one',
    async run(session) {
      const wanted = await unknownToken(session);
      const { socketPath } = session.options;
      const expectAll = async (queries: Readonly<Record<string, string>>): Promise<void> => {
        for (const [name, query] of Object.entries(queries)) {
          await expectSameAs(wanted, name, session, { target: `${socketPath}${query}` });
        }
      };
      await expectAll({
        'no query': '',
        'another parameter': '?other=1',
        'an empty token': '?token=',
        'token[$gt]=': '?token[$gt]=',
        'one token twice': `?token=${UNKNOWN}&token=${UNKNOWN}`,
        '%00': '?token=%00',
        unicode: '?token=%F0%9F%94%91%C3%A9',
        'bytes that are not UTF-8': '?token=%FF%FE',
        '8000 characters': `?token=${'a'.repeat(8000)}`,
      });
      await session.withFreshToken(session.user, async (fresh) => {
        const { token } = fresh;
        await expectAll({
          'token[]=': `?token[]=${token}`,
          'a good token and another': `?token=${token}&token=${UNKNOWN}`,
          'another token and a good one': `?token=${UNKNOWN}&token=${token}`,
          'a good token and %00': `?token=${token}%00`,
        });
        // An expired one would be refused for that.
        session.expectFresh(fresh);
      });
    },
  },
  {
    rules: ['4.1', '4.3'],
    wire: 'http',
    title: 'a malformed token in Sec-WebSocket-Protocol, or in two places: the same bytes',
    async run(session) {
      const wanted = await unknownToken(session);
      const { socketPath } = session.options;
      await session.withFreshToken(session.user, async (fresh) => {
        const { token } = fresh;
        const requests: Readonly<Record<string, UpgradeRequest>> = {
          'an empty entry': { target: socketPath, offer: `${TWO_STAGE}, token.` },
          'an unknown entry': { target: socketPath, offer: `${TWO_STAGE}, token.${UNKNOWN}` },
          'two entries': { target: socketPath, offer: `token.${token}, token.${UNKNOWN}` },
          'the query and an entry': {
            target: session.target(token),
            offer: `${TWO_STAGE}, token.${token}`,
          },
        };
        for (const [name, request] of Object.entries(requests)) {
          await expectSameAs(wanted, name, session, request);
        }
        // An expired one would be refused for that.
        session.expectFresh(fresh);
      });
    },
  },
  {
    rules: ['4.3'],
    wire: 'http',
    title: 'a spent token: the same bytes as an unknown one',
    async run(session) {
      const wanted = await unknownToken(session);
      await session.withFreshToken(session.user, async (fresh) => {
        if (fresh.reusable) {
          throw new NotRun('tokens are reusable: start the server with single-use ones');
        }
        await spend(session, fresh.token);
        const target = session.target(fresh.token);
        await expectSameAs(wanted, 'a spent token', session, { target });
        // An expired one would be refused for that.
        session.expectFresh(fresh);
      });
    },
  },
  ...['two-stage.v1', 'chat, two-stage.v1', 'two-stage.v2, chat,two-stage.v1'].map((offer) =>
    onWire(twoStage, {
      rules: ['4.4.1'],
      title: `${offer} offered: two-stage.v1 selected`,
      run: (session) =>
        session.withFreshToken(session.user, ({ token }) =>
          expectSelection(session, offer, TWO_STAGE, token),
        ),
    }),
  ),
  ...[undefined, 'chat', 'two-stage.v2, two-stage'].map((offer) =>
    onWire(original, {
      rules: ['4.4.2'],
      title: `${offer ?? 'nothing'} offered: no Sec-WebSocket-Protocol, and the original wire`,
      async run(session) {
        const { status, headers, connection, jwt } = await session.upgradeAs(session.user, {
          offer,
        });
        if (connection === undefined) fail('101', `${status}`);
        const selected = headers.get('sec-websocket-protocol');
        expect(selected === undefined, 'no Sec-WebSocket-Protocol', show(selected));
        await session.readyWith(original, connection, session.longer(jwt));
      },
    }),
  ),
  onWire(twoStage, {
    rules: ['4.1.2', '4.4.3'],
    title: 'two-stage.v1, token.…: admitted, and not sent back',
    run: (session) => expectEntryAdmitted(session, (token) => `${TWO_STAGE}, ${token}`, TWO_STAGE),
  }),
  onWire(twoStage, {
    rules: ['4.4.3'],
    title: 'token.…, two-stage.v1: admitted, and not sent back',
    run: (session) => expectEntryAdmitted(session, (token) => `${token}, ${TWO_STAGE}`, TWO_STAGE),
  }),
  onWire(twoStage, {
    rules: ['4.1'],
    title: 'two-stage.v1 and token.… in lines of their own: one list',
    run: (session) => expectEntryAdmitted(session, (token) => [TWO_STAGE, token], TWO_STAGE),
  }),
  onWire(original, {
    rules: ['4.1.2', '4.4.3'],
    title: 'token.…, chat: admitted, and not sent back',
    run: (session) => expectEntryAdmitted(session, (token) => `${token}, chat`, undefined),
  }),
];

/** Requires this to be selected; the token is in the query, unless the offer has it. */
async function expectSelection(
  session: Session,
  offer: string | readonly string[],
  wanted: string | undefined,
  token?: string,
): Promise<void> {
  const { status, headers } = await session.upgradePatiently({
    offer,
    ...(token !== undefined && { token }),
  });
  expect(status === 101, '101', `${status}`);
  const selected = headers.get('sec-websocket-protocol');
  expect(
    selected === wanted,
    wanted === undefined ? 'no Sec-WebSocket-Protocol' : `Sec-WebSocket-Protocol: ${wanted}`,
    selected ?? 'no such header',
  );
}

async function expectEntryAdmitted(
  session: Session,
  offer: (entry: string) => string | readonly string[],
  wanted: string | undefined,
): Promise<void> {
  await session.withFreshToken(session.user, ({ token }) =>
    expectSelection(session, offer(`token.${token}`), wanted),
  );
}
