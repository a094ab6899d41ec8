/**
 * A process of its own: it serves the pages and, when asked to, streams to the sockets of one of them.
 * The sockets of ours are on the original wire, in two stages; those of the others are there at once.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { Sender, WebSocketServer } from 'ws';
import { createMessage } from '../throughput/messages.mjs';
import { bytes } from './cases.mjs';

const [files] = await once(process, 'message');
const socketServer = new WebSocketServer({ noServer: true });
/** The TCP sockets of each page, once messages may be sent. */
const ready = new Map();
let changed = Promise.withResolvers();

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  // Without these two headers the clock of a page is good to 0.1 ms only.
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  const file = files[pathname.slice(1)];
  response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html');
  response.end(file ?? '<!doctype html><title>bench</title><div id="app"></div>');
});

server.on('upgrade', (request, socket, head) => {
  socket.setNoDelay(true);
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  socketServer.handleUpgrade(request, socket, head, async (ws) => {
    if (pathname === '/two-stage') {
      const [init] = await once(ws, 'message');
      const given = [searchParams.get('token'), JSON.parse(init).token];
      if (given.join() !== 'bench,bench') return ws.close(4401);
      ws.send('authentication successful');
    }
    const page = searchParams.get('page');
    if (!ready.has(page)) ready.set(page, new Set());
    ready.get(page).add(socket);
    ws.on('close', () => ready.get(page).delete(socket));
    changed.resolve();
    changed = Promise.withResolvers();
  });
});

const answers = {
  /** Waits until a page has this many sockets; `connected` is how many it has after 15 s at most. */
  async connected({ page, sockets }) {
    const late = setTimeout(15_000, undefined, { ref: false });
    const connected = () => ready.get(page)?.size ?? 0;
    let waiting = true;
    late.then(() => {
      waiting = false;
    });
    while (waiting && connected() < sockets) await Promise.race([changed.promise, late]);
    return { connected: connected() };
  },
  /** Streams to every socket of a page. Tells how many messages each was sent, and the sum of their ids. */
  async stream({ page, messages, ms, alike, perFrame = 1 }) {
    const stream = Array.from({ length: messages }, (_, index) =>
      createMessage(alike && index < messages - 1 ? 0 : index, bytes),
    );
    const frames = toFrames(stream, perFrame);
    const start = performance.now();
    let written = 0;
    while (written < frames.length) {
      const part = ms ? Math.min((performance.now() - start) / ms, 1) : 1;
      const due = Math.ceil(part * frames.length);
      const block = Buffer.concat(frames.slice(written, due));
      for (const socket of ready.get(page)) socket.write(block);
      written = due;
      await setTimeout(1);
    }
    return {
      sent: written * perFrame,
      sentSum: stream.reduce((sum, { id }) => sum + id, 0),
      startedAt: performance.timeOrigin + start,
    };
  },
};

/** Frames of one message, or of an array of several. All are made before the first is written. */
function toFrames(messages, perFrame) {
  return Array.from({ length: messages.length / perFrame }, (_, index) => {
    const held = messages.slice(index * perFrame, (index + 1) * perFrame);
    const text = JSON.stringify(perFrame === 1 ? held[0] : held);
    return Buffer.concat(Sender.frame(Buffer.from(text), { fin: true, opcode: 1 }));
  });
}

process.on('message', async ({ ask, ...question }) => {
  process.send((await answers[ask](question)) ?? {});
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
