/**
 * What the reference server is compared with: `ws` alone, with the options that the reference server has
 * for it, and the handlers that no server can do without. It asks nobody who they are.
 */
import { WebSocketServer } from 'ws';

const sockets = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.env.PORT),
  perMessageDeflate: false,
  maxPayload: 1_048_576,
});
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
sockets.on('listening', () => console.log(`http://127.0.0.1:${sockets.address().port}/`));

const interval = Number(process.env.BROADCAST_EVERY);
let n = 0;
function tick() {
  setTimeout(tick, interval);
  n += 1;
  const frame = JSON.stringify({ type: 'message', data: `broadcast message ${n}` });
  for (const socket of sockets.clients) socket.send(frame);
}
setTimeout(tick, interval);
