import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { signJwt } from './jwt.ts';
import { readOptions } from './options.ts';
import { Failure, NotRun } from './outcome.ts';
import { Secrets } from './secrets.ts';
import { Session } from './session.ts';

/** What JWTs of the server below live, in s. */
const LIFE = 2;

/**
 * A session with a server of two routes, and what it was asked for. `refuses` says of the nth JWT
 * whether the token route refuses it.
 *
 * @param hold how long a token takes, in ms
 */
async function sessionWith(
  refuses: (jwt: number) => boolean,
  hold: number,
): Promise<{ session: Session; asked: string[] }> {
  const asked: string[] = [];
  const jwts: string[] = [];
  const answer = (response: ServerResponse, status: number, data?: object): void => {
    response.writeHead(status).end(JSON.stringify({ status: data === undefined ? 0 : 1, data }));
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/login') {
      const now = Math.ceil(Date.now() / 1000);
      const jwt = signJwt({}, { jti: jwts.length, exp: now + LIFE }, 'secret');
      jwts.push(jwt);
      asked.push('login');
      answer(response, 200, { token: jwt });
      return;
    }
    const jwt = request.headers.authorization?.slice('Bearer '.length) ?? '';
    asked.push(`token for ${jwts.indexOf(jwt)}`);
    setTimeout(() => {
      if (refuses(jwts.indexOf(jwt))) answer(response, 401);
      else answer(response, 200, { token: `token-${jwts.indexOf(jwt)}` });
    }, hold);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const options = readOptions([`http://127.0.0.1:${port}`], {});
  const run = { options, secrets: new Secrets(), minted: new Map(), sessions: [] };
  return { session: new Session(run), asked };
}

/** Longer than half of what JWTs live, and that is at most a second more than `LIFE`. */
const LONG = 750 * LIFE + 100;

test('logs in again when a JWT is refused that half of its life is over of', async () => {
  const { session, asked } = await sessionWith((jwt) => jwt === 0, LONG);
  const { token, jwt } = await session.token(session.user);
  expect(asked).toEqual(['login', 'token for 0', 'login', 'token for 1']);
  expect(token).toBe('token-1');
  expect(jwt).not.toBe('');
});

test('leaves the row when that does not help', async () => {
  const { session, asked } = await sessionWith(() => true, LONG);
  await expect(session.token(session.user)).rejects.toThrow(NotRun);
  expect(asked.filter((what) => what === 'login')).toHaveLength(3);
}, 30_000);

test('judges a server that refuses a JWT that is young', async () => {
  const { session, asked } = await sessionWith(() => true, 0);
  await expect(session.token(session.user)).rejects.toThrow(Failure);
  expect(asked).toEqual(['login', 'token for 0']);
});
