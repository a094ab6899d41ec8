import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { ack, centrifugeReply, socketIo } from '../stand-ins.mjs';

const v1 = 'two-stage.v1';
const jwt = 'bench';

/**
 * Both HTTP routes, and at `/socket/<kind>` a server for each kind of client. It answers at once, and
 * refuses whoever has skipped a credential.
 */
export async function startServer() {
  /** Whether each may be used again. */
  const tokens = new Map();
  const takeToken = (token) => {
    const reusable = tokens.get(token);
    if (!reusable) tokens.delete(token);
    return reusable !== undefined;
  };
  const isJwt = (payload) => payload?.token === jwt;

  /** Reads the first frame, which holds the payload; answers with what `accept` makes of it, or not at all. */
  const serve = (accept, greeting) => {
    const sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => offered.has(v1) && v1,
    });
    sockets.on('connection', (ws) => {
      if (greeting) ws.send(greeting);
      ws.once('message', (frame) => {
        const answer = accept(String(frame), ws);
        if (answer) ws.send(answer);
        else ws.terminate();
      });
    });
    return sockets;
  };

  const graphql = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) && GRAPHQL_TRANSPORT_WS_PROTOCOL,
  });
  useServer(
    {
      schema: buildSchema('type Query { ok: Boolean }'),
      onConnect: ({ connectionParams }) => isJwt(connectionParams),
    },
    graphql,
  );

  const kinds = {
    'two-stage': serve((frame, { protocol }) => {
      if (!isJwt(JSON.parse(frame))) return;
      if (protocol !== v1) return ack;
      return '{"type":"ready","user":"bench","expiresIn":3600000,"heartbeat":25000}';
    }),
    graphql,
    socketio: serve((frame) => {
      const { token, payload } = JSON.parse(frame.slice(2));
      return frame.startsWith('40') && takeToken(token) && isJwt(payload) && socketIo.connected;
    }, socketIo.open),
    centrifuge: serve((frame) => {
      const { id, connect } = JSON.parse(frame);
      const ok = takeToken(connect.token) && isJwt(connect.data);
      return ok && centrifugeReply(id);
    }),
  };
  const tokenInUrl = [kinds['two-stage'], graphql];

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    response.setHeader('Content-Type', 'application/json');
    if (pathname === '/payload') return response.end(JSON.stringify({ type: 'jwt', token: jwt }));
    const token = randomBytes(16).toString('base64url');
    const reusable = searchParams.has('reusable');
    tokens.set(token, reusable);
    const data = { token, expiresIn: 900_000, reusable, protocol: searchParams.get('protocol') };
    response.end(JSON.stringify({ status: 1, data }));
  });
  // Else a connection may be taken down just as the next request goes into it.
  server.keepAliveTimeout = 60_000;

  server.on('upgrade', (request, socket, head) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const sockets = kinds[pathname.split('/')[2]];
    if (tokenInUrl.includes(sockets) && !takeToken(searchParams.get('token'))) {
      return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    }
    sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request));
  });

  const drop = () => {
    for (const { clients } of Object.values(kinds)) for (const ws of clients) ws.terminate();
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    /** Ends every socket without a word, as a broken network does. */
    drop,
    close() {
      drop();
      server.close();
      server.closeAllConnections();
    },
  };
}
