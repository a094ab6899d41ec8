import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

// As the workspace that depends on it has it: the root does not.
const demo = new URL('../../demo-server/package.json', import.meta.url);
const { WebSocketServer } = /** @type {typeof import('ws')} */ (createRequire(demo)('ws'));

/**
 * @typedef {import('ws').WebSocket} WebSocket
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:stream').Duplex} Socket
 *
 * @typedef {(ws: WebSocket, request: Request) => unknown} Serve
 *
 * @typedef {object} Endpoint What is at one path: the parts of it that are not as everywhere.
 * @property {(request: Request, socket: Socket) => unknown} [answer] answers the handshake by itself, unless it
 *   returns false
 * @property {number} [sleep] ms before the handshake is answered
 * @property {(request: Request, offered: string[]) => string[]} [headers]
 * @property {Serve} [serve]
 */

/** @param {string} [name] */
const protocol = (name) => (name ? [`Sec-WebSocket-Protocol: ${name}`] : []);

/** @param {(request: Request) => string} text @returns {Serve} */
const sayOnce = (text) => (ws, request) => {
  ws.send(text(request));
  ws.close(1000);
};

/** @type {Serve} */
const closeAtOnce = (ws) => ws.close(1000);

/** @param {Request} request */
const query = ({ url = '' }) => url.slice(url.indexOf('?') + 1);

/** @param {string} [attribute] @returns {Endpoint} */
const setsCookie = (attribute = '') => ({
  headers: (request) => [`Set-Cookie: ws_test_${query(request)}=test; Path=/${attribute}`],
  serve: (ws) => ws.on('message', () => ws.close(1000)),
});

/** @param {Request} request */
const acceptKey = ({ headers }) =>
  createHash('sha1')
    .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');

/** @param {string} accept */
const switching = (accept) =>
  [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${accept}`,
    '\r\n',
  ].join('\r\n');

/** @param {{ says?: boolean, ends?: boolean }} how @returns {Serve} */
const listens =
  ({ says, ends }) =>
  (ws) =>
    ws.on('message', (data, isBinary) => {
      if (says) ws.send(data, { binary: isBinary });
      if (ends && !isBinary && String(data) === 'Goodbye') ws.close(1000);
    });

/**
 * The endpoints that the tests talk to, each as its name and the tests want of it; nothing else is
 * offered, no extension and no subprotocol.
 *
 * @type {Record<string, Endpoint>}
 */
const endpoints = {
  echo: {
    headers: (_request, offered) => protocol(offered.find((name) => name === 'echo')),
    serve: listens({ says: true, ends: true }),
  },
  echo_exit: { serve: listens({ ends: true }) },
  echo_close_data: { serve: listens({ ends: true }) },
  echo_raw: {
    serve: (ws, request) =>
      ws.on('message', (data) => {
        if (String(data) === 'exit') ws.close(1000);
        else request.socket.write(/** @type {Buffer} */ (data));
      }),
  },
  'empty-message': {
    serve: (ws) =>
      ws.once('message', (data) => {
        ws.send(String(data) === '' ? 'pass' : 'fail');
        ws.close(1000);
      }),
  },
  'echo-query': { serve: sayOnce(query) },
  'echo-query_v13': { serve: sayOnce(query) },
  'echo-cookie': { serve: sayOnce(({ headers }) => headers.cookie ?? '(none)') },
  origin: { serve: sayOnce(({ headers }) => headers.origin ?? '') },
  referrer: { serve: sayOnce(({ headers }) => headers.referer ?? 'MISSING AS PER FETCH') },
  protocol: {
    headers: (_request, offered) => protocol(offered.join(', ')),
    serve: sayOnce(({ headers }) => headers['sec-websocket-protocol'] ?? ''),
  },
  protocol_array: {
    headers: (_request, offered) => protocol(offered[0]),
    serve: sayOnce(({ headers }) => headers['sec-websocket-protocol']?.split(',')[0] ?? ''),
  },
  handshake_protocol: { headers: () => protocol('foobar'), serve: closeAtOnce },
  handshake_no_protocol: { serve: closeAtOnce },
  handshake_no_extensions: { serve: closeAtOnce },
  handshake_sleep_2: { sleep: 2000, serve: closeAtOnce },
  sleep_10_v13: { sleep: 10_000, serve: listens({ says: true, ends: true }) },
  // `ws` answers a close by closing, too.
  'delayed-passive-close': {
    serve: (ws) => {
      const close = ws.close.bind(ws);
      ws.close = (...args) => setTimeout(close, 1000, ...args);
    },
  },
  'receive-many-with-backpressure': {
    serve: (ws) =>
      ws.on('message', async (data) => {
        ws.pause();
        await delay(100);
        ws.send(String(/** @type {Buffer} */ (data).length));
        ws.resume();
      }),
  },
  'set-cookie': setsCookie(),
  'set-cookie_http': setsCookie('; HttpOnly'),
  basic_auth: {
    answer: ({ headers }, socket) => {
      if (headers.authorization === `Basic ${btoa('foo:bar')}`) return false;
      socket.end(
        'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
      );
    },
    serve: closeAtOnce,
  },
  invalid: { answer: (_request, socket) => socket.end('FOO BAR BAZ\r\n\r\n') },
  wrong_accept_key: { answer: (_request, socket) => socket.end(switching('wrong')) },
  // The end of a connection in one packet with its beginning; whoever asks is given time to answer it.
  simple_handshake: {
    answer: (request, socket) => {
      const reason = 'PASS';
      const close = Buffer.from([0x88, 2 + reason.length, 1001 >> 8, 1001 & 255]);
      socket.write(
        Buffer.concat([Buffer.from(switching(acceptKey(request))), close, Buffer.from(reason)]),
      );
      socket.once('data', () => socket.end());
    },
  },
};

/** A WebSocket server with the endpoints that the tests of web-platform-tests name. */
export function createEndpoints() {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => false,
  });
  /** @param {Request} request */
  const at = ({ url = '' }) => endpoints[/** @type {string} */ (url.split(/[/?]/)[1])];

  server.on('headers', (headers, request) => {
    const offered = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
    headers.push(...(at(request)?.headers?.(request, offered) ?? []));
  });
  server.on('connection', (ws, request) => {
    ws.on('error', () => ws.terminate());
    at(request)?.serve?.(ws, request);
  });

  return createServer().on('upgrade', async (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const endpoint = at(request);
    if (!endpoint) return socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    if (endpoint.sleep) await delay(endpoint.sleep);
    if (endpoint.answer && endpoint.answer(request, socket) !== false) return;
    server.handleUpgrade(request, socket, head, (ws) => server.emit('connection', ws, request));
  });
}
