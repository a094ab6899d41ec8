import { Server as SocketIoServer } from 'socket.io';
import manifest from 'socket.io/package.json' with { type: 'json' };
import type { Server } from '../contract.ts';
import { socketIo } from '../recipes/socket.io.ts';
import { openGate } from './gate.ts';
import { createJwts } from './jwts.ts';

/** A socket.io server that greets its users and answers `whoami`, behind our gate. */
export interface SocketIoService extends Server {
  /** The server as it runs now: another one after `revive`. */
  readonly io: SocketIoServer;
}

/** @param pingInterval how often the server asks whether a client is there, in ms */
export async function startSocketIo(pingInterval = 25_000): Promise<SocketIoService> {
  const jwts = createJwts();
  let io: SocketIoServer;
  const gate = await openGate((http) => {
    io = new SocketIoServer(http, {
      transports: ['websocket'],
      pingInterval,
      allowRequest: (request, judge) => judge(null, gate.admits(request)),
    });
    io.use(async (socket, next) => {
      const user = await jwts.verify(socket.handshake.auth.token);
      socket.data.user = user;
      next(user ? undefined : new Error('the JWT is bad'));
    });
    io.on('connection', (socket) => {
      socket.emit('welcome', socket.data.user);
      socket.on('whoami', () => socket.emit('user', socket.data.user));
    });
  });

  return {
    version: manifest.version,
    get io() {
      return io;
    },
    get upgrades() {
      return gate.upgrades;
    },
    options: (wrong) =>
      socketIo({
        url: `ws://${gate.host}`,
        getToken: gate.tokens(wrong),
        getAuth: async () => ({ token: await jwts.sign(wrong) }),
      }),
    kill: gate.kill,
    revive: gate.revive,
    stop: gate.kill,
  };
}
