import { expect, fail } from '../outcome.ts';
import type { Row } from '../row.ts';
import type { Session } from '../session.ts';
import { expectToken } from './token-route.ts';

/** Origins that are not on the allow-list, although some look like one that is. */
function foreignOrigins(ours: string): string[] {
  const { protocol, host } = new URL(ours);
  return [
    'https://foreign.invalid',
    'null',
    `${ours}.foreign.invalid`,
    `${protocol}//foreign-${host}`,
    `${protocol}//foreign.${host}`,
  ];
}

const hint = (session: Session): string =>
  `${session.options.origin} to be admitted (if it is not on the allow-list, pass --origin)`;

/** What 3.5 and 4.2.2 say of origins, at both places. */
export const originRows: readonly Row[] = [
  {
    rules: ['3.5', '4.2.2'],
    wire: 'http',
    title: 'token route, foreign origin, null, ours with a prefix or suffix: 403',
    async run(session) {
      const { tokenPath, origin } = session.options;
      await session.withFreshToken(session.user, async ({ jwt }) => {
        for (const foreign of foreignOrigins(origin)) {
          const headers = { Authorization: `Bearer ${jwt}`, Origin: foreign };
          const { status } = await session.request('POST', tokenPath, headers);
          expect(status === 403, `403 for Origin: ${foreign}`, `${status}`);
        }
      });
    },
  },
  {
    rules: ['3.5', '4.2.2'],
    wire: 'http',
    title:
      'token route, our origin: admitted, readable by its pages, with Retry-After; none: admitted',
    async run(session) {
      const { tokenPath, origin } = session.options;
      const response = await session.withFreshToken(session.user, async ({ jwt }) => {
        const headers = { Authorization: `Bearer ${jwt}`, Origin: origin };
        const answer = await session.request('POST', tokenPath, headers);
        expect(answer.status !== 403, hint(session), '403');
        expectToken(answer);
        return answer;
      });
      const allowed = response.headers['access-control-allow-origin'];
      expect(
        allowed === origin || allowed === '*',
        `Access-Control-Allow-Origin: ${origin}`,
        allowed ?? 'no such header',
      );
      const exposed = response.headers['access-control-expose-headers'] ?? '';
      expect(
        /\bretry-after\b/i.test(exposed),
        'Access-Control-Expose-Headers: Retry-After',
        exposed || 'no such header',
      );
    },
  },
  {
    rules: ['3.5'],
    wire: 'http',
    title: 'token route, preflight of our origin: allows Authorization; of a foreign one: does not',
    async run(session) {
      const { origin } = session.options;
      const ours = await preflight(session, origin);
      const isOk = ours.status >= 200 && ours.status < 300;
      expect(isOk, `2xx for OPTIONS; ${hint(session)}`, `${ours.status}`);
      const allowed = ours.headers['access-control-allow-origin'];
      expect(
        allowed === origin || allowed === '*',
        `Access-Control-Allow-Origin: ${origin}`,
        allowed ?? 'no such header',
      );
      const headers = ours.headers['access-control-allow-headers'] ?? '';
      // A `*` does not cover it (Fetch, section 3.3.3).
      expect(
        /\bauthorization\b/i.test(headers),
        'Access-Control-Allow-Headers: Authorization',
        headers || 'no such header',
      );
      for (const foreign of foreignOrigins(origin)) {
        const theirs = (await preflight(session, foreign)).headers['access-control-allow-origin'];
        if (theirs === foreign || theirs === '*') {
          fail(`no Access-Control-Allow-Origin for ${foreign}`, theirs);
        }
      }
    },
  },
  {
    rules: ['3.5', '4.2.2'],
    wire: 'http',
    title:
      'upgrade, foreign origin, null, ours with a prefix or suffix: 403, and the token is not spent',
    async run(session) {
      const { origin } = session.options;
      await session.withFreshToken(session.user, async ({ token }) => {
        const tries = foreignOrigins(origin).map(async (foreign) => {
          const { status } = await session.upgradePatiently({ token, origin: foreign });
          expect(status === 403, `403 for Origin: ${foreign}`, `${status}`);
        });
        await Promise.all(tries);
        const { status } = await session.upgradePatiently({ token });
        expect(status === 101, '101 for the same token without an origin', `${status}`);
      });
    },
  },
  {
    rules: ['3.5', '4.2.2'],
    wire: 'http',
    title: 'upgrade, our origin: admitted',
    async run(session) {
      const { origin } = session.options;
      const { status } = await session.upgradeAs(session.user, { origin });
      expect(status === 101, hint(session), `${status}`);
    },
  },
];

function preflight(session: Session, origin: string) {
  return session.request('OPTIONS', session.options.tokenPath, {
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization',
  });
}
