import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { cors } from './cors.ts';

const ours = 'https://app.example';

/** Requests a bare server whose route answers `minted`, behind `cors`. */
async function request(method: string, origin?: string): Promise<Response> {
  const allow = cors([ours]);
  const server = createServer((incoming, outgoing) => {
    outgoing.setHeader('Vary', 'Accept');
    allow(incoming, outgoing, () => outgoing.end('minted'));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}/`, {
    method,
    ...(origin !== undefined && { headers: { Origin: origin } }),
  });
}

test('a page of an origin on the list can read the answer, and Retry-After', async () => {
  const answer = await request('POST', ours);
  expect(await answer.text()).toBe('minted');
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(ours);
  expect(answer.headers.get('Access-Control-Expose-Headers')).toBe('Retry-After');
  // What the route said of its own stays.
  expect(answer.headers.get('Vary')).toBe('Accept, Origin');
});

test('its preflight may send the JWT, and does not get to the route', async () => {
  const answer = await request('OPTIONS', ours);
  expect([answer.status, await answer.text()]).toEqual([204, '']);
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(ours);
  expect(answer.headers.get('Access-Control-Allow-Headers')).toBe('Authorization, Content-Type');
  expect(answer.headers.get('Access-Control-Allow-Methods')).toBe('GET, POST');
});

test.each(['POST', 'OPTIONS'])(
  '%s of another origin is refused before the route',
  async (method) => {
    for (const origin of ['https://foreign.example', `${ours}.foreign.example`, 'null']) {
      const answer = await request(method, origin);
      expect(answer.status, origin).toBe(403);
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull();
      expect(await answer.json()).toEqual({ status: 0, message: 'Origin not allowed' });
    }
  },
);

test('a client that is no page needs no origin', async () => {
  const answer = await request('POST');
  expect(await answer.text()).toBe('minted');
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull();
});
