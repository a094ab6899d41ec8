import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openEntry } from './entry.ts';

const host = '127.0.0.1';

/** @typedef {import('node:net').Socket} Socket */

/**
 * A server that does this with each connection.
 *
 * @param {(socket: Socket) => void} onConnection
 */
async function serve(onConnection, port = 0) {
  /** @type {Set<Socket>} */
  const sockets = new Set();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  const bound = await listen(server, port);
  async function stop() {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await once(server.close(), 'close');
  }
  onTestFinished(stop);
  return { port: bound, stop };
}

/**
 * @param {import('node:net').Server} server
 * @returns {Promise<number>} the port
 */
async function listen(server, port = 0) {
  server.listen(port, host);
  await once(server, 'listening');
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/**
 * A server that says its name.
 *
 * @param {string} name
 * @param {number} [port]
 */
const named = (name, port) => serve((socket) => socket.end(name), port);

/**
 * An entry in front of these ports. It looks at them only when a test is about that.
 *
 * @param {number[]} ports
 */
async function entryTo(ports, interval = 60_000) {
  const entry = await openEntry({ host, port: 0, interval });
  onTestFinished(() => entry.close());
  for (const port of ports) entry.add({ host, port });
  return entry;
}

function deferred() {
  /** @type {(value: unknown) => void} */
  let resolve = () => {};
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** @param {number} port */
function dial(port) {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/**
 * All that comes until the end.
 *
 * @param {Socket} socket
 */
async function read(socket) {
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * What a server says, or the code of the error.
 *
 * @param {number} port
 */
const ask = (port) => read(dial(port)).then(String, ({ code }) => code);

/**
 * @param {number} port
 * @param {number} times
 */
async function askTimes(port, times) {
  const answers = [];
  for (let time = 0; time < times; time += 1) answers.push(await ask(port));
  return answers;
}

test('each connection goes to the next process in turn', async () => {
  const servers = await Promise.all(['a', 'b', 'c'].map((name) => named(name)));
  const { port } = await entryTo(servers.map(({ port }) => port));
  const answers = await askTimes(port, 6);
  expect(answers.slice(0, 3).sort()).toEqual(['a', 'b', 'c']);
  expect(answers.slice(3)).toEqual(answers.slice(0, 3));
});

test('a connection that one process refuses goes to the next', async () => {
  const [dead, alive] = await Promise.all([named('dead'), named('alive')]);
  await dead.stop();
  const { port } = await entryTo([dead.port, alive.port]);
  expect(await askTimes(port, 4)).toEqual(['alive', 'alive', 'alive', 'alive']);
});

test('where no process is there a connection is reset, and works again once one is back', async () => {
  const server = await named('first');
  await server.stop();
  const { port } = await entryTo([server.port]);
  expect(await ask(port)).toBe('ECONNRESET');
  await named('second', server.port);
  expect(await ask(port)).toBe('second');
});

test('a process that says it is not ready is passed over until it is', async () => {
  let status = 503;
  /** @type {(name: string, statusOf: () => number) => Promise<{ server: import('node:http').Server, port: number }>} */
  const web = async (name, statusOf) => {
    const server = createHttpServer(({ url }, response) => {
      response.writeHead(url === '/ready' ? statusOf() : 200, { Connection: 'close' }).end(name);
    });
    const port = await listen(server);
    onTestFinished(() => void server.close());
    return { server, port };
  };
  const moody = await web('moody', () => status);
  const steady = await web('steady', () => 200);
  const entry = await entryTo([moody.port, steady.port], 20);
  const { port } = entry;
  expect(entry.ready).toBe(2);
  const answer = async () => (await fetch(`http://${host}:${port}/`)).text();
  // The entry looks again only after it has judged the answer before.
  const looks = async () => {
    for (let look = 0; look < 2; look += 1) await once(moody.server, 'request');
  };

  await looks();
  expect(entry.ready).toBe(1);
  expect([await answer(), await answer()]).toEqual(['steady', 'steady']);
  status = 200;
  await looks();
  expect(entry.ready).toBe(2);
  expect([await answer(), await answer()].sort()).toEqual(['moody', 'steady']);
});

test('the end of what one side sends is passed on, and the other direction stays open', async () => {
  const { port: target } = await serve(async (socket) => {
    const question = await read(socket);
    socket.end(`all of ${question}`);
  });
  const { port } = await entryTo([target]);
  const socket = dial(port);
  socket.end('question');
  expect(String(await read(socket))).toBe('all of question');
});

test('a server that ends first still hears what its client has to say', async () => {
  const { promise: heard, resolve } = deferred();
  const { port: target } = await serve(async (socket) => {
    socket.end('that is all from here');
    resolve(String(await read(socket)));
  });
  const { port } = await entryTo([target]);
  const socket = dial(port);
  expect(String(await read(socket))).toBe('that is all from here');
  socket.end('and from here');
  expect(await heard).toBe('and from here');
});

test('a reset of one side resets the other', async () => {
  const { port: resetting } = await serve((socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  const entry = await entryTo([resetting]);
  const client = dial(entry.port);
  client.write('hello');
  await expect(read(client)).rejects.toMatchObject({ code: 'ECONNRESET' });

  const { promise: wasReset, resolve } = deferred();
  const { port: heeding } = await serve((socket) => {
    socket.on('error', (error) => resolve('code' in error && error.code));
    socket.write('go on');
  });
  const other = await entryTo([heeding]);
  const leaver = dial(other.port);
  await once(leaver, 'data');
  leaver.resetAndDestroy();
  expect(await wasReset).toBe('ECONNRESET');
});

test('nothing is lost when one side is slow, and the other is held back meanwhile', async () => {
  const bytes = Buffer.alloc(32 * 1024 * 1024, 'two-stage');
  /** @type {string[]} */
  const finished = [];
  const { port: target } = await serve((socket) => {
    socket.once('data', (name) => {
      socket.end(bytes).on('finish', () => finished.push(String(name)));
    });
  });
  const { port } = await entryTo([target]);
  const slow = dial(port);
  slow.write('slow');
  const fast = dial(port);
  fast.write('fast');
  expect(await read(fast)).toHaveLength(bytes.length);
  expect(finished).toEqual(['fast']);
  expect((await read(slow)).equals(bytes)).toBe(true);
});

test('when it closes it cuts every connection', async () => {
  const { port: target } = await serve((socket) => socket.write('hello'));
  const entry = await openEntry({ host, port: 0 });
  entry.add({ host, port: target });
  const socket = dial(entry.port);
  await once(socket, 'data');
  const closed = once(socket, 'close');
  socket.resume().on('end', () => socket.end());
  await entry.close();
  await closed;
  expect(await ask(entry.port)).toBe('ECONNREFUSED');
});
