import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { TwoStageSocket } from './socket.ts';
import { originalAck, record, v1, v1Ack } from './testing/fakes.test.util.ts';
import { openGate } from './testing/gate.test.util.ts';
import type { Events, Options, Status, WebSocketConstructor } from './types.ts';

/** A server of the pattern, in small: single-use tokens, then the JWT `good`. */
async function serve({
  protocols = [] as string[],
  admit = (_request: IncomingMessage, _tcp: Duplex): boolean => true,
  onReady = (_ws: WebSocket): void => {},
} = {}) {
  const { host, connections, mint, close } = await openGate({
    handleProtocols: (offered) => protocols.find((one) => offered.has(one)) ?? false,
    admit,
    onConnection(ws) {
      ws.once('message', (frame) => {
        const { type, token } = JSON.parse(String(frame));
        const isGood = type === 'jwt' && token === 'good';
        if (!isGood && ws.protocol === v1) ws.close(4401, 'unauthorized');
        else if (!isGood) ws.terminate();
        else {
          ws.send(ws.protocol === v1 ? JSON.stringify(v1Ack) : originalAck);
          onReady(ws);
        }
      });
    },
  });
  onTestFinished(close);
  return { connections, mint, url: `ws://${host}/demo` };
}

function connect(server: Awaited<ReturnType<typeof serve>>, options: Partial<Options> = {}) {
  const socket = new TwoStageSocket<any, any>({
    url: server.url,
    getToken: server.mint,
    initPayload: { type: 'jwt', token: 'good' },
    retry: { initialDelay: 0, minDelay: 0 },
    WebSocket: WebSocket as unknown as WebSocketConstructor,
    ...options,
  });
  onTestFinished(() => socket.close());
  const events = record(socket);
  socket.connect();
  return { socket, events };
}

const next = <K extends keyof Events>(socket: TwoStageSocket<any, any>, event: K) =>
  new Promise<Events<any, any>[K]>((resolve) => {
    const off = socket.on(event, (payload) => {
      off();
      resolve(payload);
    });
  });

async function become(socket: TwoStageSocket<any, any>, status: Status) {
  while (socket.getSnapshot().status !== status) await next(socket, 'statechange');
}

/** The next messages, as many as asked for. */
async function take(socket: TwoStageSocket<any, any>, count: number) {
  const taken: unknown[] = [];
  for await (const message of socket) if (taken.push(message) === count) break;
  return taken;
}

const echo = (ws: WebSocket) => {
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
};

describe('with the WebSocket of ws', () => {
  test('the original wire goes through both stages and carries text, JSON and binary', async () => {
    const { socket } = connect(await serve({ onReady: echo }));
    expect(await socket.ready()).toBe(originalAck);
    const echoed = take(socket, 3);
    for (const message of ['hello', { a: 1 }, new Uint8Array([1, 2])]) socket.send(message);
    expect(await echoed).toEqual(['hello', { a: 1 }, new Uint8Array([1, 2]).buffer]);
    expect(socket.getSnapshot()).toMatchObject({ status: 'ready', wire: 'original' });
  });

  test('two-stage.v1 is offered, selected and spoken', async () => {
    const server = await serve({ protocols: [v1], onReady: echo });
    const { socket } = connect(server, {
      getToken: () => ({ token: server.mint(), protocol: v1 }),
    });
    expect(await socket.ready()).toEqual(v1Ack);
    const echoed = take(socket, 3);
    for (const message of ['hello', { type: 'ping' }, new Uint8Array([1])]) socket.send(message);
    expect(await echoed).toEqual(['hello', { type: 'ping' }, new Uint8Array([1]).buffer]);
    expect(server.connections[0]?.protocol).toBe(v1);
  });

  test('what the server sends in the same packet as the ack is heard', async () => {
    const server = await serve({
      onReady(ws) {
        ws.send('first');
        ws.send('second');
      },
    });
    const { socket } = connect(server);
    expect(await take(socket, 2)).toEqual(['first', 'second']);
  });

  test('an upgrade refused with 401 looks like a broken network, and is tried again', async () => {
    let refused = 0;
    const server = await serve({
      admit(_request, tcp) {
        if (refused === 2) return true;
        refused += 1;
        tcp.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
        return false;
      },
    });
    const { socket, events } = connect(server);
    await socket.ready();
    expect(socket.getSnapshot()).toMatchObject({ attempt: 3 });
    expect(events.filter((event) => event.startsWith('error'))).toEqual([
      'error connect-failed',
      'error connect-failed',
    ]);
  });

  test('a spent token that is reused becomes suspect, and is replaced', async () => {
    const server = await serve();
    const { socket, events } = connect(server, { tokenRetry: 'reuse' });
    await socket.ready();
    server.connections[0]?.terminate();
    await become(socket, 'waiting');
    await socket.ready();
    expect(events.filter((event) => event.startsWith('error'))).toEqual([
      'error connection-lost',
      'error token-suspect',
    ]);
  });

  test('nobody there is a failure like any other', async () => {
    const { socket } = connect(await serve(), { url: 'ws://127.0.0.1:1/' });
    expect(await next(socket, 'error')).toMatchObject({ stage: 'connect', code: 'connect-failed' });
  });

  test('close() while connecting ends the TCP connection and does not crash the process', async () => {
    let arrived!: (tcp: Duplex) => void;
    const upgrade = new Promise<Duplex>((resolve) => {
      arrived = resolve;
    });
    const server = await serve({
      admit(_request, tcp) {
        arrived(tcp);
        return false;
      },
    });
    const { socket, events } = connect(server);
    const tcp = await upgrade;
    const ended = new Promise((resolve) => tcp.on('end', resolve));
    tcp.resume();
    socket.close();
    await ended;
    tcp.end();
    expect(events.slice(-2)).toEqual(['state closed', 'close']);
  });

  test('a connection that is cut comes back, with what was queued meanwhile', async () => {
    const server = await serve({ onReady: echo });
    const { socket } = connect(server);
    await socket.ready();
    server.connections[0]?.terminate();
    await become(socket, 'waiting');
    expect(socket.send('meanwhile')).toBe('queued');
    expect(await take(socket, 1)).toEqual(['meanwhile']);
    expect(server.connections).toHaveLength(2);
  });

  test('a bad JWT is a drop on the original wire', async () => {
    const { socket } = connect(await serve(), { initPayload: { type: 'jwt', token: 'bad' } });
    expect(await next(socket, 'error')).toMatchObject({
      stage: 'init',
      code: 'init-dropped',
      closeCode: 1006,
    });
  });

  test('a bad JWT is 4401 on two-stage.v1, and the socket gives up after one more try', async () => {
    const server = await serve({ protocols: [v1] });
    const { socket } = connect(server, {
      protocols: v1,
      initPayload: { type: 'jwt', token: 'bad' },
    });
    await expect(socket.ready()).rejects.toMatchObject({ code: 'unauthorized', closeCode: 4401 });
    expect(server.connections).toHaveLength(2);
  });

  test('ws itself refuses an offer of which nothing is selected, so nothing is offered unasked', async () => {
    const server = await serve();
    const offering = connect(server, { protocols: v1 });
    expect(await next(offering.socket, 'error')).toMatchObject({ code: 'connect-failed' });
    await connect(server).socket.ready();
  });

  test('an address that ws refuses closes the socket, without the token in the error', async () => {
    const server = await serve();
    const { socket } = connect(server, { url: server.url, protocols: 'not a token' });
    const { failure } = await next(socket, 'close');
    expect(failure).toMatchObject({ code: 'address-refused', cause: undefined });
    expect(String(failure?.stack)).not.toContain('token-');
  });

  test('close() carries code and reason to the server', async () => {
    const server = await serve();
    const { socket } = connect(server);
    await socket.ready();
    const closed = new Promise((resolve) => {
      server.connections[0]?.on('close', (code, reason) => resolve([code, String(reason)]));
    });
    socket.close(4000, 'bye');
    expect(await closed).toEqual([4000, 'bye']);
  });
});
