import { expect, test } from 'vitest';
import { startServer } from './testing/harness.ts';

test('the individual pipeline counts for each client by itself', async () => {
  const harness = await startServer({ individualEvery: 1000 });
  const jwt = await harness.login('ada');
  const first = await harness.ready(jwt);
  harness.environment.advance(1000);
  expect(await first.nextJson()).toEqual({ type: 'message', data: 'ping 1' });
  const second = await harness.readyOriginal(jwt);
  harness.environment.advance(1000);
  expect(await first.nextJson()).toEqual({ type: 'message', data: 'ping 2' });
  expect(await second.next()).toBe('ping 1');
});

test('a broadcast reaches everybody who is authenticated, on the wire of each', async () => {
  const harness = await startServer({ broadcastEvery: 1000 });
  const ada = await harness.ready(await harness.login('ada'));
  const bob = await harness.readyOriginal(await harness.login('bob'));
  for (const n of [1, 2]) {
    harness.environment.advance(1000);
    expect(await ada.nextJson()).toEqual({ type: 'message', data: `broadcast message ${n}` });
    expect(await bob.next()).toBe(`broadcast message ${n}`);
  }
});
