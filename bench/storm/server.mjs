import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { ack, centrifugeReply, socketIo } from '../stand-ins.mjs';

/** How long a connection lasts after it was opened, or acknowledged, in ms. */
const life = 20;

/** What each kind of server answers to the first frame. */
const acks = {
  'two-stage': () => ack,
  graphql: () => '{"type":"connection_ack"}',
  socketio: () => socketIo.connected,
  centrifuge: (frame) => centrifugeReply(JSON.parse(frame).id),
};

const greetings = { socketio: socketIo.open };

/**
 * A token route and a socket that is accepted, and then ended without a word: at `/<kind>/before/<id>`
 * before the ack, at `/<kind>/after/<id>` after it. It counts for each of these paths by itself, in the
 * token route under `/token`.
 */
export async function startServer() {
  const logs = new Map();
  const logOf = (path) => {
    if (!logs.has(path)) logs.set(path, { tokens: 0, connects: [] });
    return logs.get(path);
  };

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    logOf(pathname.replace('/token', '')).tokens++;
    const token = randomBytes(16).toString('base64url');
    const data = { token, expiresIn: 900_000, reusable: false };
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ status: 1, data }));
  });
  // Else a connection may be taken down just as the next request goes into it.
  server.keepAliveTimeout = 60_000;

  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (ws, request) => {
    const pathname = new URL(request.url, 'http://localhost').pathname.replace(/\/$/, '');
    const [, kind, when] = pathname.split('/');
    const drop = () => setTimeout(() => ws.terminate(), life);
    logOf(pathname).connects.push(performance.now());
    if (greetings[kind]) ws.send(greetings[kind]);
    if (when === 'before') return drop();
    ws.once('message', (frame) => {
      ws.send(acks[kind](String(frame)));
      drop();
    });
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    /** How many tokens were asked for at `path`, and when each connection came, in ms. */
    read: logOf,
    close() {
      for (const ws of sockets.clients) ws.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}
