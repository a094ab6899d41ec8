/**
 * A process of its own: it goes through both stages with whoever connects, then streams at each
 * further frame it is sent. The frames of a stream are made beforehand and written as one block:
 * otherwise making them would cost more than reading them, and the bench would measure this server.
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { createMessage } from './messages.mjs';

const v1 = 'two-stage.v1';
const acks = {
  original: 'authentication successful',
  [v1]: '{"type":"ready","user":"bench","expiresIn":3600000,"heartbeat":25000}',
};

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => offered.has(v1) && v1,
});

const server = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>bench</title>');
});

server.on('upgrade', (request, socket, head) => {
  socket.setNoDelay(true);
  const { searchParams } = new URL(request.url, 'http://localhost');
  const [bytes, count] = ['bytes', 'count'].map((name) => Number(searchParams.get(name)));
  sockets.handleUpgrade(request, socket, head, (ws) => {
    const wire = ws.protocol || 'original';
    const block = toBlock(bytes, count, wire);
    ws.once('message', () => {
      ws.send(acks[wire]);
      ws.on('message', (frame) => {
        if (String(frame) === '{"type":"ping"}') ws.send('{"type":"pong"}');
        else socket.write(block);
      });
    });
  });
});

const blocks = new Map();

function toBlock(bytes, count, wire) {
  const key = `${bytes} ${count} ${wire}`;
  if (!blocks.has(key)) {
    const frames = Array.from({ length: count }, (_, id) => {
      const json = JSON.stringify(createMessage(id, bytes));
      return toFrame(wire === v1 ? `{"type":"message","data":${json}}` : json);
    });
    blocks.set(key, Buffer.concat(frames));
  }
  return blocks.get(key);
}

/** An unmasked text frame, RFC 6455 section 5.2. */
function toFrame(text) {
  const length = Buffer.byteLength(text);
  const header = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), Buffer.from(text)]);
}

server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
