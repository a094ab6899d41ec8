import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer, WebSocket as Ws } from 'ws';
import { FakeEnvironment, FakeWebSocket, originalAck, settle } from './testing/fakes.test.util.ts';
import { createWebSocket, type WebSocketOptions } from './websocket.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** The class, with everything that it constructs, and the events of the instances that `open` makes. */
function setUp(options: WebSocketOptions = {}) {
  const world = new FakeEnvironment();
  const dialled: FakeWebSocket[] = [];
  let minted = 0;
  const Face = createWebSocket({
    getToken: () => `token-${++minted}`,
    initPayload: { type: 'jwt', token: 'jwt' },
    environment: world,
    WebSocket: class extends FakeWebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        dialled.push(this);
      }
    },
    ...options,
  });
  const last = () => dialled.at(-1) as FakeWebSocket;
  const open = (protocols?: string | string[]) => {
    const ws = new Face('wss://example.test/feed', protocols);
    onTestFinished(() => ws.close());
    const events: string[] = [];
    for (const type of ['open', 'message', 'error', 'close'] as const) {
      ws.addEventListener(type, (event: any) => {
        const { code, reason, wasClean } = event;
        const facts = type === 'close' ? ` ${code} ${reason} ${wasClean}` : '';
        events.push(type === 'message' ? `message ${event.data}` : type + facts);
      });
    }
    return { ws, events };
  };
  return {
    Face,
    world,
    dialled,
    last,
    minted: () => minted,
    open,
    async ready(protocol = '') {
      const opened = open(protocol || undefined);
      await settle();
      last().accept(protocol);
      last().say(originalAck);
      return opened;
    },
  };
}

/** What the connection does not tell by itself is told in a task of its own. */
const closed = (ws: WebSocket) =>
  new Promise<void>((resolve) => ws.addEventListener('close', () => resolve()));

const nameOf = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    return error instanceof DOMException ? error.name : String(error);
  }
  return undefined;
};

describe('it opens', () => {
  test('when both stages are through, and not before', async () => {
    const { open, last } = setUp();
    const { ws, events } = open();
    await settle();
    expect([last().token, ws.readyState]).toEqual(['token-1', ws.CONNECTING]);
    last().accept();
    await settle();
    expect(last().sent).toEqual(['{"type":"jwt","token":"jwt"}']);
    expect([events, ws.readyState]).toEqual([[], ws.CONNECTING]);
    last().say(originalAck);
    expect([events, ws.readyState]).toEqual([['open'], ws.OPEN]);
  });

  test('after failures that a retry can mend, of which the library hears nothing', async () => {
    const { open, world, last, minted } = setUp();
    const { ws, events } = open();
    await settle();
    last().drop();
    await world.advance(2000);
    last().accept();
    last().drop(4401);
    await world.advance(3000);
    last().accept();
    last().say(originalAck);
    expect([events, ws.readyState, minted()]).toEqual([['open'], ws.OPEN, 3]);
  });

  test('with the acks and rejections of another server, as the default codec reads them', async () => {
    const { open, last } = setUp({
      isReady: (message: any) => message?.op === 'connected',
      isRejected: (message: any) => message?.op === 'error',
      retry: { maxAttempts: 1 },
    });
    const first = open();
    await settle();
    last().accept();
    last().say({ op: 'connected' });
    expect(first.events).toEqual(['open']);
    const second = open();
    await settle();
    last().accept();
    last().say({ op: 'error' });
    await closed(second.ws);
    expect(second.events).toEqual(['error', 'close 1006  false']);
  });

  test('on the original wire, whatever the token and the ack name', async () => {
    const { open, last } = setUp({
      getToken: () => ({ token: 'token', protocol: 'two-stage.v1' }),
    });
    const { ws, events } = open();
    await settle();
    expect(last().protocols).toEqual([]);
    last().accept();
    last().say({ type: 'ready' });
    last().say('{"type":"message","data":1}');
    ws.send('{"type":"ping"}');
    expect(events).toEqual(['open', 'message {"type":"message","data":1}']);
    expect(last().sent.at(-1)).toBe('{"type":"ping"}');
  });
});

describe('once it is open', () => {
  test('a loss is an error and a close, and no further try of its own', async () => {
    const { ready, world, last, dialled } = setUp();
    const { ws, events } = await ready();
    last().drop(1006);
    expect([events, ws.readyState]).toEqual([['open', 'error', 'close 1006  false'], ws.CLOSED]);
    await world.advance(600_000);
    expect([dialled.length, world.timers, world.pageListeners]).toEqual([1, 0, 0]);
  });

  test('a close of the server’s is told as it was', async () => {
    const { ready, last } = setUp();
    const { events } = await ready();
    last().drop(4000, 'so long');
    expect(events.at(-1)).toBe('close 4000 so long true');
  });

  test('a page that is put away, and a heartbeat that is not answered, are a close and no error', async () => {
    const away = setUp();
    const first = await away.ready();
    away.world.tell('pagehide');
    // Only when the page is shown again does its next task run.
    expect(first.events).toEqual(['open']);
    away.world.tell('pageshow');
    await closed(first.ws);
    expect(away.dialled).toHaveLength(1);
    expect(first.events).toEqual(['open', 'close 1006  false']);
    const dead = setUp({ heartbeat: { interval: 1000, ping: () => 'ping' } });
    const second = await dead.ready();
    await dead.world.advance(2000);
    await closed(second.ws);
    expect(second.events).toEqual(['open', 'close 1006  false']);
    expect(dead.world.timers).toBe(0);
  });

  test('each frame is a message event with its data untouched and the origin of the server', async () => {
    const { ready, last } = setUp();
    const { ws } = await ready();
    const told: [unknown, string][] = [];
    ws.onmessage = ({ data, origin }) => told.push([data, origin]);
    const binary = new ArrayBuffer(2);
    for (const frame of ['{"a":1}', 'text', binary]) last().say(frame);
    expect(told).toEqual([
      ['{"a":1}', 'wss://example.test'],
      ['text', 'wss://example.test'],
      [binary, 'wss://example.test'],
    ]);
  });

  test('sends go out as they are, and are counted by the connection', async () => {
    const { ready, last } = setUp();
    const { ws } = await ready();
    const bytes = new Uint8Array([1, 2]);
    ws.send('text');
    ws.send(bytes);
    expect(last().sent.slice(1)).toEqual(['text', bytes]);
    last().bufferedAmount = 7;
    expect(ws.bufferedAmount).toBe(7);
  });

  test('it has the connection’s subprotocol', async () => {
    const { ready } = setUp();
    const { ws } = await ready('graphql-transport-ws');
    expect([ws.protocol, ws.extensions]).toEqual(['graphql-transport-ws', '']);
  });

  test('binaryType is the connection’s, blob unless set, and what it may not be is ignored', async () => {
    const { open, last } = setUp();
    const { ws } = open();
    (ws as any).binaryType = 'nodebuffer';
    expect(ws.binaryType).toBe('blob');
    await settle();
    last().accept();
    expect(last().binaryType).toBe('arraybuffer');
    last().say(originalAck);
    expect(last().binaryType).toBe('blob');
    ws.binaryType = 'arraybuffer';
    expect([ws.binaryType, last().binaryType]).toEqual(['arraybuffer', 'arraybuffer']);
  });
});

describe('a failure that is final', () => {
  test('is an error, and a close with the code of the server', async () => {
    const { open, last } = setUp();
    const { ws, events } = open();
    await settle();
    last().accept();
    last().drop(4403);
    await closed(ws);
    expect([events, ws.readyState]).toEqual([['error', 'close 4403  false'], ws.CLOSED]);
  });

  test('is one also where no connection came about', async () => {
    const { open } = setUp({ getToken: () => Promise.reject({ status: 401 }) });
    const { ws, events } = open();
    await closed(ws);
    expect(events).toEqual(['error', 'close 1006  false']);
  });

  test('comes after one try where maxAttempts is 1', async () => {
    const { open, last, dialled } = setUp({ retry: { maxAttempts: 1 } });
    const { ws, events } = open();
    await settle();
    last().drop();
    await closed(ws);
    expect([events, dialled.length]).toEqual([['error', 'close 1006  false'], 1]);
  });
});

describe('close()', () => {
  test('closes the connection as it was told to, and is told when that has closed', async () => {
    const { ready, last } = setUp();
    const { ws, events } = await ready();
    ws.close(3000, 'done');
    expect([last().closedWith, ws.readyState]).toEqual([{ code: 3000, reason: 'done' }, 2]);
    expect(events).toEqual(['open']);
    last().drop(3000, 'done');
    expect([events.at(-1), ws.readyState]).toEqual(['close 3000 done true', 3]);
  });

  test('without a code says none', async () => {
    const { ready, last } = setUp();
    const { ws } = await ready();
    ws.close();
    expect(last().closedWith).toEqual({ code: undefined, reason: undefined });
  });

  test('before there is a connection is told a moment later, as a failure', async () => {
    const { open, dialled, world } = setUp();
    const { ws, events } = open();
    ws.close();
    expect([events, ws.readyState]).toEqual([[], ws.CLOSING]);
    await closed(ws);
    expect([events, ws.readyState]).toEqual([['error', 'close 1006  false'], ws.CLOSED]);
    expect([dialled.length, world.timers]).toEqual([0, 0]);
  });

  test('while an upgrade of Node’s own WebSocket is pending is told, too', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const Face = createWebSocket({ initPayload: 'jwt' });
    const ws = new Face(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
    const [connection] = await once(silent, 'connection');
    onTestFinished(() => connection.destroy());
    const told: string[] = [];
    ws.onerror = () => told.push('error');
    const end = closed(ws);
    ws.close();
    expect(ws.readyState).toBe(ws.CLOSING);
    await end;
    expect([told, ws.readyState]).toEqual([['error'], ws.CLOSED]);
  });

  test('while it waits for another try is told, too, though its last connection is long gone', async () => {
    const { open, last } = setUp();
    const { ws, events } = open();
    await settle();
    last().drop();
    ws.close();
    await closed(ws);
    expect(events).toEqual(['error', 'close 1006  false']);
  });

  test('is CLOSING at once, also where a handler calls it', async () => {
    const { open, last } = setUp();
    const { ws } = open();
    const states: number[] = [];
    ws.onopen = () => {
      ws.close();
      states.push(ws.readyState);
    };
    await settle();
    last().accept();
    last().say(originalAck);
    expect(states).toEqual([ws.CLOSING]);
  });

  test('again does nothing', async () => {
    const { ready, last } = setUp();
    const { ws, events } = await ready();
    ws.close(3000);
    ws.close(4000);
    last().drop(3000);
    ws.close();
    expect([last().closedWith?.code, ...events]).toEqual([3000, 'open', 'close 3000  true']);
  });

  test.each([
    [0, '', 'InvalidAccessError'],
    [1001, '', 'InvalidAccessError'],
    [2999, '', 'InvalidAccessError'],
    [5000, '', 'InvalidAccessError'],
    [Number.NaN, '', 'InvalidAccessError'],
    [1000, 'é'.repeat(62), 'SyntaxError'],
    [undefined, 'x'.repeat(124), 'SyntaxError'],
  ])('with %j and a reason %j throws %s, and closes nothing', async (code, reason, name) => {
    const { ready } = setUp();
    const { ws } = await ready();
    expect(nameOf(() => ws.close(code, reason))).toBe(name);
    expect(ws.readyState).toBe(ws.OPEN);
  });

  test('tells of no message that comes after it', async () => {
    const { ready, last } = setUp();
    const { ws, events } = await ready();
    ws.close();
    last().say('late');
    expect(events).toEqual(['open']);
  });
});

describe('what libraries need', () => {
  test('constants on the class and on instances', () => {
    const { Face, open } = setUp();
    for (const { CONNECTING, OPEN, CLOSING, CLOSED } of [Face, open().ws]) {
      expect([CONNECTING, OPEN, CLOSING, CLOSED]).toEqual([0, 1, 2, 3]);
    }
  });

  test.each([
    [undefined, []],
    ['', ['']],
    ['a', ['a']],
    [[], []],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  ])('subprotocols given as %j', async (protocols, offered) => {
    const { Face, last } = setUp();
    if (protocols === '') {
      expect(nameOf(() => new Face('wss://example.test', protocols))).toBe('SyntaxError');
      return;
    }
    const ws = new Face('wss://example.test', protocols);
    await settle();
    expect(last().protocols).toEqual(offered);
    ws.close();
  });

  test.each([['a b'], ['a,b'], ['é'], [['a', 'a']], [['']], [['a', 'b/c']]])(
    'a SyntaxError at once for the subprotocols %j',
    (protocols) => {
      const { Face, dialled } = setUp();
      expect(nameOf(() => new Face('wss://example.test', protocols))).toBe('SyntaxError');
      expect(dialled).toEqual([]);
    },
  );

  test.each([
    ['ftp://a.test'],
    ['wss://a.test/#'],
    ['wss://a.test/#b'],
    ['wss://a b'],
    ['mailto:a@b'],
  ])('a SyntaxError at once for the URL %j', (url) => {
    const { Face } = setUp();
    expect(nameOf(() => new Face(url))).toBe('SyntaxError');
  });

  test('URLs as the standard has them, and never with a token', async () => {
    vi.stubGlobal('location', { href: 'https://page.test/app/' });
    const { Face, last } = setUp();
    for (const [given, url] of [
      ['feed?a=b', 'wss://page.test/app/feed?a=b'],
      ['http://a.test', 'ws://a.test/'],
      [new URL('wss://a.test:444/x'), 'wss://a.test:444/x'],
    ] as const) {
      const ws = new Face(given);
      await settle();
      expect(ws.url).toBe(url);
      expect(last().url).toContain('token=');
      ws.close();
    }
  });

  test('on… attributes and listeners, with this as the instance', async () => {
    const { open, last } = setUp();
    const { ws } = open();
    const seen: unknown[] = [];
    ws.onopen = function () {
      seen.push(this);
    };
    ws.addEventListener('open', { handleEvent: () => seen.push('listener') });
    (ws as any).onclose = 'no function';
    await settle();
    last().accept();
    last().say(originalAck);
    last().drop();
    expect(seen).toEqual([ws, 'listener']);
  });

  test('on… attributes that are null unless an object was given, and are called in their turn', async () => {
    const { open, last } = setUp();
    const { ws } = open();
    const seen: string[] = [];
    expect(ws.onopen).toBe(null);
    for (const nothing of [undefined, 1, 'text']) {
      (ws as any).onmessage = nothing;
      expect(ws.onmessage).toBe(null);
    }
    const other = { handleEvent: () => seen.push('never') };
    (ws as any).onerror = other;
    expect(ws.onerror).toBe(other);
    ws.addEventListener('open', () => seen.push('first'));
    ws.onopen = () => seen.push('replaced');
    ws.addEventListener('open', () => seen.push('last'));
    ws.onopen = () => seen.push('second');
    await settle();
    last().accept();
    last().say(originalAck);
    last().drop();
    expect(seen).toEqual(['first', 'second', 'last']);
  });

  test('on… attributes that may be functions of another realm', () => {
    const { ws } = setUp().open();
    const foreign = runInNewContext('() => {}');
    ws.onclose = foreign;
    expect(ws.onclose).toBe(foreign);
  });

  test('error and close only when readyState says so already', async () => {
    const { ready, last } = setUp();
    const { ws } = await ready();
    const states: number[] = [];
    ws.onerror = ws.onclose = () => states.push(ws.readyState);
    last().drop();
    expect(states).toEqual([3, 3]);
  });

  test('constants and facts that cannot be overwritten', () => {
    const { Face, open } = setUp();
    const { ws } = open();
    for (const [target, name] of [
      [Face, 'OPEN'],
      [ws, 'OPEN'],
      [ws, 'url'],
    ] as const) {
      expect(Reflect.set(target, name, 'other')).toBe(false);
    }
    expect(Reflect.deleteProperty(Face, 'OPEN')).toBe(false);
  });

  test('to take the place of the global class', async () => {
    const dialled: FakeWebSocket[] = [];
    vi.stubGlobal(
      'WebSocket',
      class extends FakeWebSocket {
        constructor(url: string) {
          super(url);
          dialled.push(this);
        }
      },
    );
    vi.stubGlobal('WebSocket', createWebSocket());
    const ws = new WebSocket('wss://example.test');
    await settle();
    dialled[0]?.accept();
    expect([dialled.length, ws.readyState]).toEqual([1, ws.OPEN]);
    ws.close();
  });

  test('a failure, not another class, where there was no WebSocket when the class was made', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const Face = createWebSocket();
    const Later = vi.fn();
    vi.stubGlobal('WebSocket', Later);
    const ws = new Face('wss://example.test');
    await closed(ws);
    expect(Later).not.toHaveBeenCalled();
  });

  test('properties of their own on instances', () => {
    const { ws } = setUp().open();
    Object.assign(ws, { owner: 'library' });
    expect(ws).toHaveProperty('owner', 'library');
  });

  test('a close event that is a CloseEvent where there is such a class', async () => {
    const { ready, last } = setUp();
    const { ws } = await ready();
    let event: Event | undefined;
    ws.onclose = (closed) => {
      event = closed;
    };
    last().drop();
    expect(event).toBeInstanceOf(CloseEvent);
    vi.stubGlobal('CloseEvent', undefined);
    const old = setUp();
    const other = await old.ready();
    old.last().drop(4000, 'bye');
    expect(other.events.at(-1)).toBe('close 4000 bye true');
  });

  test('send throws InvalidStateError until it is open, and nothing afterwards', async () => {
    const { open, last } = setUp();
    const { ws } = open();
    expect(nameOf(() => ws.send('early'))).toBe('InvalidStateError');
    await settle();
    last().accept();
    last().say(originalAck);
    ws.close();
    ws.send('late');
    expect(last().sent).toHaveLength(1);
    const never = open().ws;
    never.close();
    never.send('late');
  });
});

test('no secret is in its events or in what can be seen of it', async () => {
  const { ready, last } = setUp();
  const { ws } = await ready();
  const seen: unknown[] = [];
  for (const type of ['error', 'close'] as const) ws.addEventListener(type, (e) => seen.push(e));
  last().drop();
  const text = JSON.stringify([
    ws,
    ws.url,
    ...seen.map((event) => Object.entries(event as object)),
  ]);
  expect(text).not.toMatch(/token-1|"jwt"/);
});

describe.each([
  ['Node’s own class', globalThis.WebSocket],
  ['ws', Ws as unknown as typeof WebSocket],
])('on a real wire, over %s', (_name, Native) => {
  /** An instance that is open, and the server's side of its connection. */
  async function meet(options: WebSocketOptions = {}) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const accepted = new Promise<Ws>((resolve) => server.once('connection', resolve));
    const { port } = server.address() as AddressInfo;
    const Face = createWebSocket({ WebSocket: Native, ...options });
    const ws = new Face(`ws://127.0.0.1:${port}`, 'chat');
    const peer = await accepted;
    return { ws, peer };
  }

  const once = (target: EventTarget, type: string) =>
    new Promise<any>((resolve) => target.addEventListener(type, resolve, { once: true }));

  test('both stages, and then all frames are the library’s', async () => {
    const { ws, peer } = await meet({
      getToken: () => 'token-1',
      initPayload: { type: 'jwt', token: 'jwt' },
    });
    const said: string[] = [];
    const init = new Promise<void>((resolve) => {
      peer.on('message', (frame) => {
        said.push(String(frame));
        resolve();
      });
    });
    await init;
    expect([said, ws.readyState]).toEqual([['{"type":"jwt","token":"jwt"}'], ws.CONNECTING]);
    const opened = once(ws, 'open');
    peer.send(originalAck);
    await opened;
    expect([ws.readyState, ws.protocol]).toEqual([ws.OPEN, 'chat']);
    const message = once(ws, 'message');
    peer.send('{"a":1}');
    expect((await message).data).toBe('{"a":1}');
  });

  test('the code and the reason of a close from either side', async () => {
    const own = await meet();
    await once(own.ws, 'open');
    const heard = new Promise((resolve) => own.peer.once('close', (...told) => resolve(told)));
    const ended = once(own.ws, 'close');
    own.ws.close(3001, 'done');
    expect(await heard).toEqual([3001, Buffer.from('done')]);
    const { code, reason, wasClean } = await ended;
    expect([code, reason, wasClean]).toEqual([3001, 'done', true]);

    const other = await meet();
    await once(other.ws, 'open');
    const told = once(other.ws, 'close');
    other.peer.close(4001, 'so long');
    const event = await told;
    expect([event.code, event.reason, event.wasClean]).toEqual([4001, 'so long', true]);
  });

  test('a close without a code, and one that the server does not make', async () => {
    const own = await meet();
    await once(own.ws, 'open');
    const heard = new Promise((resolve) => own.peer.once('close', resolve));
    own.ws.close();
    expect(await heard).toBe(1005);

    const lost = await meet();
    await once(lost.ws, 'open');
    const told = once(lost.ws, 'close');
    lost.peer.terminate();
    const { code, wasClean } = await told;
    expect([code, wasClean, lost.ws.readyState]).toEqual([1006, false, lost.ws.CLOSED]);
  });

  test('binary as a Blob, and as an ArrayBuffer where that is asked for', async () => {
    const { ws, peer } = await meet();
    peer.on('message', (frame) => peer.send(frame, { binary: true }));
    await once(ws, 'open');
    ws.send(new Uint8Array([1, 2]));
    const { data } = await once(ws, 'message');
    expect(data).toBeInstanceOf(Blob);
    expect(new Uint8Array(await data.arrayBuffer())).toEqual(new Uint8Array([1, 2]));
    ws.binaryType = 'arraybuffer';
    ws.send(new Uint8Array([3]));
    const next = await once(ws, 'message');
    expect(new Uint8Array(next.data)).toEqual(new Uint8Array([3]));
  });
});
