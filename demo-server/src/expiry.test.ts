import { expect, test } from 'vitest';
import type { Connection } from './connection.ts';
import { watchExpiry } from './expiry.ts';
import { createRegistry } from './registry.ts';
import { type FakeEnvironment, fakeEnvironment } from './testing/fake-environment.ts';

/** A connection as far as an expiry looks at it. */
function connectionThatExpires(environment: FakeEnvironment, user: string, seconds: number) {
  const ends: string[] = [];
  const listeners: (() => void)[] = [];
  const connection = {
    user,
    ends,
    identity: { user, id: user, expiresAt: environment.now() + seconds * 1000 },
    onEnd: (listener: (connection: unknown) => void) => {
      listeners.push(() => listener(connection));
    },
    end(code: number, reason: string) {
      ends.push(`${code} ${reason}`);
      for (const listener of listeners.splice(0)) listener();
    },
  };
  return connection as unknown as Connection & { readonly ends: string[] };
}

function setUp(...seconds: number[]) {
  const environment = fakeEnvironment();
  const registry = createRegistry();
  const expiry = watchExpiry(environment, registry);
  const connections = seconds.map((left, n) => {
    const connection = connectionThatExpires(environment, `user-${n}`, left);
    registry.add(connection);
    expiry.watch(connection);
    connection.onEnd(expiry.rest);
    return connection;
  });
  const ended = (): number[] => connections.map(({ ends }) => ends.length);
  return { environment, registry, expiry, connections, ended };
}

test('each connection ends when its JWT expires, and one timer is enough for all', () => {
  const { environment, connections, ended } = setUp(20, 10, 30);
  expect(environment.armed).toBe(1);
  environment.advance(9999);
  expect(ended()).toEqual([0, 0, 0]);
  environment.advance(1);
  expect(ended()).toEqual([0, 1, 0]);
  expect(connections[1]?.ends).toEqual(['4401 the JWT expired']);
  environment.advance(10_000);
  expect(ended()).toEqual([1, 1, 0]);
  environment.advance(10_000);
  expect(ended()).toEqual([1, 1, 1]);
  expect(environment.armed).toBe(0);
});

test('a renewed JWT counts, the one before no longer', () => {
  const { environment, expiry, connections, ended } = setUp(10);
  const [connection] = connections;
  if (connection?.identity === undefined) throw new Error('There is one');
  connection.identity = { ...connection.identity, expiresAt: environment.now() + 15_000 };
  expiry.watch(connection);
  environment.advance(14_999);
  expect(ended()).toEqual([0]);
  environment.advance(1);
  expect(ended()).toEqual([1]);
});

test('when the last connection has gone nothing is waited for', () => {
  const { environment, connections } = setUp(10, 20);
  for (const connection of connections) connection.end(1000, 'bye');
  expect(environment.armed).toBe(0);
});

test('one that is expired already is ended at once', () => {
  const { environment, ended } = setUp(0);
  expect(ended()).toEqual([1]);
  expect(environment.armed).toBe(0);
});

test('a wall clock that is set back gives a JWT its time again, forward takes it at the next look', () => {
  const { environment, ended } = setUp(10, 20);
  environment.setWallClock(environment.now() - 5000);
  environment.advance(10_000);
  expect(ended()).toEqual([0, 0]);
  environment.advance(5000);
  expect(ended()).toEqual([1, 0]);
  environment.setWallClock(environment.now() + 3_600_000);
  environment.advance(10_000);
  expect(ended()).toEqual([1, 1]);
});

test('an expiry farther off than timers reach is kept', () => {
  const { environment, ended } = setUp(2 ** 31 / 1000 + 10);
  environment.advance(2 ** 31 + 9999);
  expect(ended()).toEqual([0]);
  environment.advance(1);
  expect(ended()).toEqual([1]);
});
