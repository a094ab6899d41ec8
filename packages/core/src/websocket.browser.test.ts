import { afterEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { createWebSocket, type WebSocketOptions } from './websocket.ts';

const server = inject('server');

const getToken = async () => (await fetch(`http://${server}/token`)).text();
const initPayload = { type: 'jwt', token: 'good' };

/** The class with both stages, and with none: that is to be told from the browser's own by nothing. */
const Face = createWebSocket({ getToken, initPayload, retry: { initialDelay: 0, maxAttempts: 3 } });
const Bare = createWebSocket({ retry: { maxAttempts: 1 } });

afterEach(() => {
  document.head.querySelector('base')?.remove();
});

/** Every event of a socket, a line each, and what waits for the next of a type. */
function watch(ws: WebSocket) {
  onTestFinished(() => ws.close());
  const events: string[] = [];
  for (const type of ['open', 'message', 'error', 'close'] as const) {
    ws.addEventListener(type, (event: any) => {
      if (type === 'message') events.push(`message ${event.data}`);
      else if (type === 'close')
        events.push(`close ${event.code} ${event.reason} ${event.wasClean}`);
      else events.push(type);
    });
  }
  const next = <E = Event>(type: string) =>
    new Promise<E>((resolve) =>
      ws.addEventListener(type, (event) => resolve(event as E), { once: true }),
    );
  return { ws, events, next };
}

const open = async (protocols?: string | string[]) => {
  const watched = watch(new Face(`ws://${server}/chat`, protocols));
  await watched.next('message');
  return watched;
};

const nameOf = (action: () => unknown) => {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
};

describe('through both stages of a real server', () => {
  test('it opens, and has every frame after the ack as it was sent', async () => {
    const { ws, events, next } = await open();
    expect(events).toEqual(['open', 'message [object Blob]']);
    for (const text of ['{"a":1}', 'text', '']) {
      const answer = next<MessageEvent>('message');
      ws.send(text);
      expect((await answer).data).toBe(text);
    }
  });

  test('binary arrives as binaryType says, from the first frame on', async () => {
    const { ws, next } = watch(new Face(`ws://${server}/chat`));
    ws.binaryType = 'arraybuffer';
    const { data } = await next<MessageEvent>('message');
    expect(new TextDecoder().decode(data)).toBe('welcome');
    ws.binaryType = 'blob';
    const answer = next<MessageEvent>('message');
    ws.send(new Uint8Array([1, 2, 3]).subarray(1));
    const blob = (await answer).data;
    expect(blob).toBeInstanceOf(Blob);
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([2, 3]);
  });

  test('its subprotocol is the one that the server selected, its url has no token', async () => {
    const { ws, next } = await open(['mqtt', 'other']);
    expect([ws.protocol, ws.extensions, ws.url]).toEqual(['mqtt', '', `ws://${server}/chat`]);
    const answer = next<MessageEvent>('message');
    ws.send('hello');
    expect((await answer).origin).toBe(`ws://${server}`);
  });

  test('a refused token is mended by a fresh one, of which the library hears nothing', async () => {
    const tokens = vi.fn(async () => (tokens.mock.calls.length > 1 ? getToken() : 'unknown'));
    const Mended = createWebSocket({ getToken: tokens, initPayload, retry: { initialDelay: 0 } });
    const { events, next } = watch(new Mended(`ws://${server}/chat`));
    await next('message');
    expect(events[0]).toBe('open');
    expect(tokens).toHaveBeenCalledTimes(2);
  });

  test.each<[string, WebSocketOptions]>([
    ['token', { getToken: () => 'unknown', initPayload }],
    ['init payload', { getToken, initPayload: { type: 'jwt', token: 'bad' } }],
  ])('a bad %s in the only try is an error and a close', async (_, options) => {
    const Once = createWebSocket({ ...options, retry: { maxAttempts: 1 } });
    const { ws, events, next } = watch(new Once(`ws://${server}/chat`));
    await next('close');
    expect([events, ws.readyState]).toEqual([['error', 'close 1006  false'], ws.CLOSED]);
  });

  test('a close of the server’s is told as it was, and a lost connection as the browser tells it', async () => {
    const closed = await open();
    closed.ws.send('close 4001 bye');
    expect(await closed.next('close')).toBeInstanceOf(CloseEvent);
    expect(closed.events.slice(2)).toEqual(['close 4001 bye true']);
    const lost = await open();
    lost.ws.send('drop');
    await lost.next('close');
    expect(lost.events.slice(2)).toEqual(['close 1006  false']);
  });

  test('it closes as it is told to, in a listener too, and tells of it once', async () => {
    const { ws, events, next } = watch(new Face(`ws://${server}/chat`));
    ws.onopen = () => {
      ws.close(3000, 'done');
      events.push(`state ${ws.readyState}`);
      ws.close(4000);
    };
    await next('close');
    expect(events).toEqual(['open', 'state 2', 'close 3000 done true']);
    expect(ws.readyState).toBe(ws.CLOSED);
  });

  test('a close before there is a connection is told as a failure, and dials none', async () => {
    const { ws, events, next } = watch(new Face(`ws://${server}/chat`));
    ws.close();
    expect([ws.readyState, events]).toEqual([ws.CLOSING, []]);
    await next('close');
    expect(events).toEqual(['error', 'close 1006  false']);
  });

  test('what is sent while it closes is counted, and lost', async () => {
    const { ws, next } = await open();
    ws.close();
    ws.send('12345');
    expect(ws.bufferedAmount).toBe(5);
    await next('close');
    ws.send('678');
    expect(ws.bufferedAmount).toBe(8);
  });
});

describe('as the browser’s own', () => {
  /** What one of the two does, to be compared. */
  const both = <T>(act: (Class: typeof WebSocket) => T) => [act(Bare), act(WebSocket)] as const;

  test.each<[unknown, unknown?]>([
    ['ws://a.test', undefined],
    ['ws://a.test', []],
    ['ws://a.test', ['a', 'b']],
    ['ws://a.test', ''],
    ['ws://a.test', ['']],
    ['ws://a.test', 'a b'],
    ['ws://a.test', 'a,b'],
    ['ws://a.test', 'é'],
    ['ws://a.test', '\u0000'],
    ['ws://a.test', 'a\n'],
    ['ws://a.test', ['a', 'a']],
    ['ws://a.test', ['a', 'A']],
    ['ws://a.test', ['a', 1]],
    ['ws://a.test', null],
    ['ws://a.test', [['a', 'b']]],
    ['ftp://a.test'],
    ['mailto:a@a.test'],
    ['ws://a.test/#'],
    ['ws://a.test/#b'],
    ['ws://'],
    ['ws://a.test:99999'],
    ['http://a.test/'],
    ['HTTPS://a.test/'],
    ['relative?a=b'],
    ['//a.test/x'],
    [''],
    [new URL('wss://a.test/')],
  ])('new WebSocket(%j, %j)', (url, protocols) => {
    const act = (Class: any) => {
      try {
        const ws = protocols === undefined ? new Class(url) : new Class(url, protocols);
        ws.close();
        return ws.url;
      } catch (error) {
        return (error as Error).name;
      }
    };
    const [ours, own] = both(act);
    expect(ours).toBe(own);
  });

  test('a URL is relative to what the document says', () => {
    const base = document.createElement('base');
    base.href = 'https://elsewhere.test/app/';
    document.head.append(base);
    const [ours, own] = both((Class) => watch(new Class('feed')).ws.url);
    expect(ours).toBe(own);
  });

  // Not a reason without a code: Chromium, unlike the standard, reads that code as 0.
  test.each<[unknown, unknown?]>([
    [undefined],
    [1000],
    [1001],
    [2999],
    [3000],
    [4999],
    [5000],
    [65536 + 1000],
    [Number.NaN],
    [null],
    [1000, 'é'.repeat(61)],
    [1000, 'é'.repeat(62)],
    [1000, 'x'.repeat(123)],
    [1000, 'x'.repeat(124)],
  ])('close(%j, %j)', (code, reason) => {
    const [ours, own] = both((Class) => {
      const { ws } = watch(new Class(`ws://${server}/echo`));
      return nameOf(() => (ws as any).close(code, reason));
    });
    expect(ours).toBe(own);
  });

  test('send() of whatever it is given', async () => {
    const told = both(async (Class) => {
      const { ws, next } = watch(new Class(`ws://${server}/echo`));
      ws.binaryType = 'arraybuffer';
      await next('open');
      const answers: unknown[] = [];
      const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
      const frames = ['', 'é\ud800', 1, null, undefined, {}, [1, 2], true, document.body];
      const binary = [buffer, new DataView(buffer, 1), new Uint16Array(buffer, 2), new Blob(['b'])];
      for (const frame of [...frames, ...binary]) {
        const answer = next<MessageEvent>('message');
        ws.send(frame as any);
        const { data } = await answer;
        answers.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
      }
      return answers;
    });
    const [ours, own] = await Promise.all(told);
    expect(ours).toEqual(own);
  });

  test('its attributes, and what can be done to them', () => {
    const [ours, own] = both((Class) => {
      const { ws } = watch(new Class(`ws://${server}/echo`));
      const any = ws as any;
      const handler = () => {};
      any.onopen = handler;
      any.onclose = 1;
      any.binaryType = 'nodebuffer';
      any.own = 'property';
      const names = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];
      return {
        statics: names.map((name) => [(Class as any)[name], any[name]]),
        onopen: any.onopen === handler,
        absent: [any.onclose, any.onmessage, any.onerror],
        early: nameOf(() => ws.send('early')),
        own: any.own,
        seen: [ws.binaryType, ws.protocol, ws.extensions, ws.bufferedAmount, ws.readyState],
        writes: ['url', 'readyState', 'OPEN'].map((name) => Reflect.set(ws, name, 7)),
        is: [ws instanceof Class, ws instanceof EventTarget],
      };
    });
    expect(ours).toEqual(own);
  });

  test.each([
    ['a close of the server’s', 'close 4001 bye'],
    ['a close with 1000', 'close 1000'],
    ['a lost connection', 'drop'],
  ])('%s', async (_, order) => {
    const told = both(async (Class) => {
      const { ws, events, next } = watch(new Class(`ws://${server}/echo`));
      await next('open');
      ws.send(order);
      await next('close');
      return [events, ws.readyState];
    });
    const [ours, own] = await Promise.all(told);
    expect(ours).toEqual(own);
  });

  test.each([
    ['where nothing listens', 'ws://127.0.0.1:1/'],
    ['closed at once', `ws://${server}/echo`, true],
  ])('a connection %s', async (_, url, closes = false) => {
    const told = both(async (Class) => {
      const { ws, events, next } = watch(new Class(url));
      if (closes) ws.close();
      await next('close');
      return [events, ws.readyState];
    });
    const [ours, own] = await Promise.all(told);
    expect(ours).toEqual(own);
  });
});
