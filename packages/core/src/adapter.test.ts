import { describe, expect, test, vi } from 'vitest';
import { assertSocket, createOwner, identify, toSocket } from './adapter.ts';
import { orThrow, reduceMessages, TwoStageSocket } from './index.ts';
import { rig } from './testing/fakes.test.util.ts';

const url = 'wss://chat.test';

describe('a source', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['string', `${url}?token=s3cr3t`],
    ['symbol', Symbol('s')],
  ])('that is %s is refused by name', (name, source: any) => {
    const refused = new TypeError(`TwoStageSocket: expected a socket or its options, got ${name}`);
    expect(() => identify(source)).toThrow(refused);
    expect(() => toSocket(source)).toThrow(refused);
    expect(() => assertSocket(source)).toThrow(refused);
    expect(() => reduceMessages(source, (value) => value, 0)).toThrow(refused);
  });

  test('that is options without a url is refused as the constructor refuses it', () => {
    expect(() => createOwner()({} as any)).toThrow(
      'TwoStageSocket: url must be a URL or a function',
    );
  });

  const { configure, getSnapshot, on, retain, subscribe } = new TwoStageSocket({ url });
  const other = { configure, getSnapshot, on, retain, subscribe };

  test('that is a socket of another version is taken', () => {
    expect(toSocket(other as any)).toBe(other);
  });

  test.each(Object.keys(other))('that is one without %s is refused', (name) => {
    expect(() => toSocket({ ...other, [name]: undefined } as any)).toThrow(
      `TwoStageSocket: a socket without ${name} is of another version: see npm ls @two-stage-socket/core`,
    );
  });

  test('that is options is no socket to listen to', () => {
    expect(() => assertSocket({ url } as any)).toThrow(
      'TwoStageSocket: expected a socket, not options or what has a `socket`',
    );
  });
});

test('an owner goes on with its socket, with the newest options, until they say otherwise', () => {
  const own = createOwner();
  const first = own({ url });
  expect(own({ url: new URL(url) })).not.toBe(first);
  expect(own({ url, key: 1 })).not.toBe(own({ url, key: 2 }));
  const kept = own({ url, key: 2 });
  expect(() => own({ url, key: 2, tokenRetry: 'never' } as any)).toThrow(
    "TwoStageSocket: tokenRetry must be 'refresh' or 'reuse'",
  );
  expect(own({ url, key: 2 })).toBe(kept);
  expect(() => own({ url: 'ftp://chat.test', key: 3 })).toThrow('url must be');
  expect(own({ url, key: 3 })).not.toBe(kept);
  const shared = new TwoStageSocket({ url });
  const configure = vi.spyOn(shared, 'configure');
  expect([own(shared), own(shared)]).toEqual([shared, shared]);
  expect(configure).not.toHaveBeenCalled();
  expect(own({ url, key: 2 })).not.toBe(shared);
});

test('orThrow throws the failure of a closed socket, and gives any other state as it is', async () => {
  const { socket, become } = rig();
  expect(orThrow(socket.getSnapshot())).toBe(socket.getSnapshot());
  const ws = await become('ready');
  ws.drop(1001);
  expect(orThrow(socket.getSnapshot())).toMatchObject({ status: 'waiting' });
  (await become('ready')).drop(4403);
  expect(() => orThrow(socket.getSnapshot())).toThrow('forbidden (stage ready, close code 4403)');
  const other = rig().socket;
  other.connect();
  other.close();
  expect(orThrow(other.getSnapshot())).toEqual({ status: 'closed', failure: undefined });
});
