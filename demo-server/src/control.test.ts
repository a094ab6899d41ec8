import { expect, test, vi } from 'vitest';
import { memoryFanOut } from './fan-out.ts';
import { memoryRevocations } from './revocations.ts';
import type { Client } from './testing/client.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { startServer } from './testing/harness.ts';

async function initEnd(client: Client, jwt: string): Promise<number> {
  client.sendJson({ type: 'jwt', token: jwt });
  const { code } = await client.closed;
  expect(client.frames).toEqual([]);
  return code;
}

test('a broadcast reaches everybody who is ready, on the wire of each', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const waiting = await harness.open(jwt);
  const [ada, bob] = [
    await harness.ready(jwt),
    await harness.readyOriginal(await harness.login('bob')),
  ];
  await harness.server.control.broadcast({ hello: 'all' });
  expect(await ada.nextJson()).toEqual({ type: 'message', data: { hello: 'all' } });
  expect(await bob.nextJson()).toEqual({ hello: 'all' });
  await waiting.roundTrip();
  expect(waiting.frames).toEqual([]);
});

test('a message to a user reaches all of that user’s connections and no others', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const mine = [await harness.ready(jwt), await harness.readyOriginal(jwt)];
  const bob = await harness.ready(await harness.login('bob'));
  await harness.server.control.send('ada', 'for ada');
  expect(await mine[0]?.nextJson()).toEqual({ type: 'message', data: 'for ada' });
  expect(await mine[1]?.next()).toBe('for ada');
  await bob.roundTrip();
  expect(bob.frames).toHaveLength(1);
});

test('S10 a user who is forbidden is ended with 4403, and is not let in by any stage', async () => {
  const harness = await startServer();
  const jwt = await harness.login('ada');
  const bob = await harness.ready(await harness.login('bob'));
  const connections = [await harness.ready(jwt), await harness.readyOriginal(jwt)];
  const waiting = await harness.open(jwt, ['two-stage.v1']);
  const waitingOriginal = await harness.open(jwt);

  await harness.server.control.forbid('ada');
  for (const connection of connections) {
    expect(await connection.closed).toEqual({ code: 4403, reason: 'forbidden' });
  }
  const minting = await harness.post('/token/ws', undefined, jwt);
  expect(minting.status).toBe(403);
  expect(await minting.json()).toEqual({ status: 0, message: 'Forbidden' });
  expect(await initEnd(waiting, jwt)).toBe(4403);
  expect(await initEnd(waitingOriginal, jwt)).toBe(1006);
  await bob.roundTrip();

  await harness.server.control.readmit('ada');
  await harness.ready(jwt);
});

test('S10 a user who is forbidden cannot renew', async () => {
  const environment = fakeEnvironment();
  const revocations = memoryRevocations(environment);
  const harness = await startServer({}, { environment, services: { revocations } });
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  // Known to the list only, as if the notice had been missed.
  await revocations.forbid('ada');
  client.sendJson({ type: 'jwt', token: jwt });
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' });
});

test('S10 what was missed while the broker was down is caught up with', async () => {
  const environment = fakeEnvironment();
  const revocations = memoryRevocations(environment);
  let recover = (): void => {};
  const fanOut = {
    ...memoryFanOut(),
    onRecovery(listener: () => void) {
      recover = listener;
      return () => {};
    },
  };
  const revoke = vi.spyOn(revocations, 'revoke');
  const harness = await startServer({}, { environment, services: { revocations, fanOut } });
  const [ada, again] = [await harness.login('ada'), await harness.login('ada')];
  const bob = await harness.login('bob');
  const [loggedOut, kept, forbidden] = [
    await harness.ready(ada),
    await harness.ready(again),
    await harness.ready(bob),
  ];
  vi.spyOn(fanOut, 'publish').mockRejectedValue(new Error('down'));
  const answer = await harness.post('/logout', undefined, ada);
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '3']);
  expect(revoke).toHaveBeenCalledOnce();
  await expect(harness.server.control.forbid('bob')).rejects.toThrow();

  recover();
  expect(await loggedOut.closed).toEqual({ code: 4401, reason: 'logged out' });
  expect(await forbidden.closed).toEqual({ code: 4403, reason: 'forbidden' });
  await kept.roundTrip();
});

test('S12 a list of revocations that is down ends who asks, saying when to come back', async () => {
  const environment = fakeEnvironment();
  const revocations = memoryRevocations(environment);
  const harness = await startServer({}, { environment, services: { revocations } });
  const jwt = await harness.login('ada');
  const witness = await harness.ready(jwt);
  const renewing = await harness.ready(jwt);
  const waiting = [await harness.open(jwt, ['two-stage.v1']), await harness.open(jwt)];
  const check = vi.spyOn(revocations, 'check').mockRejectedValue(new Error(`no answer to ${jwt}`));
  const busy = { code: 1013, reason: 'retry-after=3000' };
  for (const client of [renewing, ...waiting]) {
    client.sendJson({ type: 'jwt', token: jwt });
    expect(await client.closed).toEqual(busy);
  }
  const minting = await harness.post('/token/ws', undefined, jwt);
  expect([minting.status, minting.headers.get('Retry-After')]).toEqual([503, '3']);
  witness.sendJson({ type: 'message', data: 'still here' });
  expect(await witness.nextJson()).toEqual({ type: 'message', data: 'echo: still here' });
  check.mockRestore();
  await harness.ready(jwt);
});

test('S12 a broker that is down at a broadcast ends nothing', async () => {
  const fanOut = memoryFanOut();
  const publish = vi.spyOn(fanOut, 'publish').mockRejectedValueOnce(new Error('down'));
  const harness = await startServer({ broadcastEvery: 1000 }, { services: { fanOut } });
  const client = await harness.ready(await harness.login('ada'));
  harness.environment.advance(1000);
  await harness.logged('a broadcast failed');
  expect(publish).toHaveBeenCalledOnce();
  harness.environment.advance(1000);
  expect(await client.nextJson()).toEqual({ type: 'message', data: 'broadcast message 2' });
});

test.each(['logout', 'forbid'] as const)(
  'S10 a %s ends a connection at whatever moment of its verification it comes',
  async (kind) => {
    const environment = fakeEnvironment();
    const [fanOut, revocations] = [memoryFanOut(), memoryRevocations(environment)];
    const services = { fanOut, revocations };
    const harness = await startServer({ tokensPerMinute: 0 }, { environment, services });
    for (let turns = 0; turns < 20; turns += 1) {
      const jwt = await harness.login('ada');
      const client = await harness.open(jwt, ['two-stage.v1']);
      vi.spyOn(revocations, 'check').mockImplementationOnce(async (identity) => {
        let left = turns;
        const tick = (): void => {
          left -= 1;
          if (left >= 0) queueMicrotask(tick);
          else void fanOut.publish(kind === 'logout' ? { kind, identity } : { kind, user: 'ada' });
        };
        queueMicrotask(tick);
        return 'good';
      });
      client.sendJson({ type: 'jwt', token: jwt });
      expect((await client.closed).code, `${turns}`).toBe(kind === 'logout' ? 4401 : 4403);
      await fanOut.publish({ kind: 'readmit', user: 'ada' });
    }
  },
);

test('S10 a logout that could not be told to all processes is told until it is', async () => {
  const environment = fakeEnvironment();
  const fanOut = memoryFanOut();
  const harness = await startServer({}, { environment, services: { fanOut } });
  const jwt = await harness.login('ada');
  // Of the same user, but with another JWT: only the notice reaches it.
  const other = await harness.ready(await harness.login('ada'));
  const publish = vi.spyOn(fanOut, 'publish');
  publish.mockRejectedValueOnce(new Error('down')).mockRejectedValueOnce(new Error('down'));
  expect((await harness.post('/logout', undefined, jwt)).status).toBe(503);
  environment.advance(1000);
  await other.roundTrip();
  environment.advance(1000);
  expect(await other.closed).toEqual({ code: 4401, reason: 'logged out' });
  environment.advance(10_000);
  expect(publish).toHaveBeenCalledTimes(3);
});

test('S10 what is told late does not undo what came after it', async () => {
  const environment = fakeEnvironment();
  const fanOut = memoryFanOut();
  const harness = await startServer({}, { environment, services: { fanOut } });
  const jwt = await harness.login('ada');
  vi.spyOn(fanOut, 'publish').mockRejectedValueOnce(new Error('down'));
  await expect(harness.server.control.forbid('ada')).rejects.toThrow('down');
  await harness.server.control.readmit('ada');
  environment.advance(1000);
  const client = await harness.ready(jwt);
  await client.roundTrip();
});

test('S10 catching up goes on until the list of revocations answers', async () => {
  const environment = fakeEnvironment();
  const revocations = memoryRevocations(environment);
  let recover = (): void => {};
  const fanOut = {
    ...memoryFanOut(),
    onRecovery(listener: () => void) {
      recover = listener;
      return () => {};
    },
  };
  const harness = await startServer({}, { environment, services: { revocations, fanOut } });
  const client = await harness.ready(await harness.login('ada'));
  await revocations.forbid('ada');
  const check = vi.spyOn(revocations, 'check').mockRejectedValueOnce(new Error('down'));
  recover();
  await client.roundTrip();
  expect(check).toHaveBeenCalledOnce();
  environment.advance(1000);
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' });
});

test('S10 a forbid that could not be told is not told once another process readmitted the user', async () => {
  const environment = fakeEnvironment();
  const [fanOut, revocations] = [memoryFanOut(), memoryRevocations(environment)];
  const services = { fanOut, revocations };
  const harness = await startServer({}, { environment, services });
  const client = await harness.ready(await harness.login('ada'));
  const publish = vi.spyOn(fanOut, 'publish').mockRejectedValueOnce(new Error('down'));
  await expect(harness.server.control.forbid('ada')).rejects.toThrow('down');
  await revocations.readmit('ada');
  environment.advance(1000);
  await client.roundTrip();
  environment.advance(10_000);
  await client.roundTrip();
  expect(publish).toHaveBeenCalledOnce();
});

test('S10 what could not be told goes on being told while the list of revocations is down', async () => {
  const environment = fakeEnvironment();
  const [fanOut, revocations] = [memoryFanOut(), memoryRevocations(environment)];
  const services = { fanOut, revocations };
  const harness = await startServer({}, { environment, services });
  const client = await harness.ready(await harness.login('ada'));
  vi.spyOn(fanOut, 'publish').mockRejectedValueOnce(new Error('down'));
  await expect(harness.server.control.forbid('ada')).rejects.toThrow('down');
  vi.spyOn(revocations, 'check').mockRejectedValueOnce(new Error('down'));
  environment.advance(1000);
  await client.roundTrip();
  environment.advance(1000);
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' });
});
