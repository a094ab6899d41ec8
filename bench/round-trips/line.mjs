import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What each path of the server stands for; whatever else a client sends is a frame of a socket. */
const steps = { token: 'token', payload: 'payload', socket: 'upgrade' };

/**
 * A long line to the server at `port`: a TCP proxy that hands every chunk on `delay` ms later, in order,
 * either way. It takes connections at once.
 *
 * It also counts round trips, without a clock: what a client sends belongs to the trip after the latest
 * one of which an answer has reached it, and an answer belongs to the latest trip that its connection
 * has brought to the server. So what is asked side by side is one trip, and a server that speaks unasked
 * adds none.
 */
export async function openLine(port, delay) {
  const sockets = new Set();
  let log = createLog();

  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    near.on('data', (chunk) => {
      const seenIn = log;
      const trip = seenIn.note(near, chunk);
      setTimeout(() => {
        seenIn.arrived(near, trip);
        far.write(chunk);
      }, delay);
    });
    far.on('data', (chunk) => {
      const seenIn = log;
      const trip = seenIn.tripOf(near);
      setTimeout(() => {
        seenIn.answered(trip);
        near.write(chunk);
      }, delay);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(socket);
      // A connection that was cut is reported by its `close`.
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        setTimeout(() => other.destroy(), delay);
      });
    }
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    /** Counts anew from here; what goes on in sockets that are open already does not count. */
    watch() {
      log = createLog();
    },
    /** When the first byte came, how many trips are complete, and what was asked for in each. */
    read: () => log.read(),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function createLog() {
  const trips = new Map();
  const asked = [];
  let firstAt;
  let complete = 0;
  return {
    /** Returns the trip in which `connection` sends this. */
    note(connection, chunk) {
      const [, path] = /^[A-Z]+ \/(\w+)/.exec(chunk.toString('latin1', 0, 40)) ?? [];
      const step = steps[path] ?? (trips.has(connection) ? 'init' : undefined);
      if (!step) return 0;
      firstAt ??= performance.now();
      asked[complete] ??= new Set();
      asked[complete].add(step);
      return complete + 1;
    },
    arrived(connection, trip) {
      if (trip) trips.set(connection, trip);
    },
    tripOf: (connection) => trips.get(connection) ?? 0,
    answered(trip) {
      complete = Math.max(complete, trip);
    },
    read: () => ({ firstAt, trips: complete, asked: asked.map((names) => [...names]) }),
  };
}
