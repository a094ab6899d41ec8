/** Half of the clients of `cycles.mjs`: they come, and go in every way there is. */
import { get } from 'node:http';
import { connect } from 'node:net';
import { answer } from './answers.mjs';
import { createAgent, init, inParallel, mintToken, open, signJwts } from './two-stages.mjs';

/** Cycles going on at the same time. */
const CONCURRENCY = 32;

const agent = createAgent(CONCURRENCY);
let jwts = [];

/**
 * A port stays taken for a minute after a close, and an address has 28,000 of them: Linux has more
 * addresses of its own.
 */
const localAddress = (index) =>
  process.platform === 'linux' ? `127.0.0.${2 + (index % 16)}` : undefined;

const closed = (ws) => new Promise((resolve) => ws.once('close', resolve));

/** What becomes of a connection, by name; each cycle takes the next. */
const ways = {
  async 'closed by the client'(cycle) {
    const ws = await ready(cycle);
    ws.close(1000);
    await closed(ws);
  },
  async 'ended without a close frame'(cycle) {
    const ws = await ready(cycle);
    ws.terminate();
    await closed(ws);
  },
  async 'reset once ready'(cycle) {
    await reset(await ready(cycle));
  },
  async 'reset before the init payload'(cycle) {
    await reset(await opened(cycle));
  },
  async 'reset right after the init payload'(cycle) {
    const ws = await opened(cycle);
    ws.send(JSON.stringify({ type: 'jwt', token: cycle.jwt }));
    await reset(ws);
  },
  async 'reset during the upgrade'({ origin, jwt, index }) {
    const token = await mintToken(agent, origin, jwt);
    const { hostname, port, host } = new URL(origin);
    const socket = connect({ host: hostname, port, localAddress: localAddress(index) });
    socket.on('error', () => {});
    const lines = [
      `GET /demo?token=${token} HTTP/1.1`,
      `Host: ${host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`, () => socket.resetAndDestroy());
    await closed(socket);
  },
  async 'token never used'({ origin, jwt }) {
    await mintToken(agent, origin, jwt);
  },
};

async function opened({ origin, socketUrl, jwt, index }) {
  const token = await mintToken(agent, origin, jwt);
  return open(socketUrl, token, { localAddress: localAddress(index) });
}

async function ready(cycle) {
  const ws = await opened(cycle);
  await init(ws, cycle.jwt);
  return ws;
}

async function reset(ws) {
  ws._socket.resetAndDestroy();
  await closed(ws);
}

answer({
  async prepare(prefix, count) {
    jwts = await signJwts(prefix, count);
  },

  ways: () => Object.keys(ways),

  /** Runs cycles `first` to `first + count - 1`, and leaves nothing open. */
  async run({ origin, socketUrl }, first, count) {
    const list = Object.values(ways);
    await inParallel(count, CONCURRENCY, async (offset) => {
      const index = first + offset;
      const jwt = jwts[index % jwts.length];
      await list[index % list.length]({ origin, socketUrl, jwt, index });
    });
    agent.destroy();
  },

  /** A server may drop what has expired only when it keeps something new. */
  async mint({ origin }) {
    await mintToken(agent, origin, jwts[0]);
    agent.destroy();
  },

  /** What `GET /health` says, by a connection that is closed again. */
  health: ({ origin }) =>
    new Promise((resolve, reject) => {
      const asked = get(`${origin}/health`, { agent: false }, async (response) => {
        resolve(JSON.parse((await response.toArray()).join('')).data);
      });
      asked.on('error', reject);
    }),
});
