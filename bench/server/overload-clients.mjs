/** A share of the clients of `overload.mjs`: TwoStageSocket as its defaults have it. */
import { WebSocket } from 'ws';
import { bundle } from '../bundle.mjs';
import { answer, clock } from './answers.mjs';
import { signJwts } from './two-stages.mjs';

const code = await bundle("export { fetchToken, TwoStageSocket } from '@two-stage-socket/core'");
const core = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** Memory of the machine that all of them share: a context for compression each would be most of it. */
class PlainWebSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { perMessageDeflate: false });
  }
}

const sockets = [];
let admitted;
let refusals;
let returns;
let done;

function watch(count) {
  admitted = [];
  refusals = new Array(count).fill(0);
  returns = [];
  done = Promise.withResolvers();
}

function start({ origin, socketUrl }, jwt, index, count) {
  const fetchToken = core.fetchToken(`${origin}/token/ws`, {
    headers: { Authorization: `Bearer ${jwt}` },
  });
  const socket = new core.TwoStageSocket({
    url: socketUrl,
    async getToken(context) {
      try {
        const token = await fetchToken(context);
        admitted.push(clock());
        return token;
      } catch (error) {
        if (error.status === 503) refusals[index] += 1;
        throw error;
      }
    },
    initPayload: { type: 'jwt', token: jwt },
    WebSocket: PlainWebSocket,
  });
  socket.on('close', ({ failure }) => done.reject(failure ?? new Error('Closed')));
  socket.on('ready', () => {
    returns.push(clock());
    if (returns.length === count) done.resolve();
  });
  socket.connect();
  sockets.push(socket);
}

answer({
  /** Starts `count` clients; answers when all are ready. */
  async start(address, prefix, count) {
    watch(count);
    const jwts = await signJwts(prefix, count);
    jwts.forEach((jwt, index) => {
      start(address, jwt, index, count);
    });
    await done.promise;
  },

  /** Forgets what happened so far: everybody is about to lose the connection. */
  watch: () => watch(sockets.length),

  /**
   * When everybody is ready again: when which token came and who was ready when, and how often each
   * was refused.
   */
  async back() {
    await done.promise;
    return { admitted, returns, refusals };
  },

  close() {
    done.promise.catch(() => {});
    for (const socket of sockets) socket.close();
  },
});
