/** Half of the clients of `load.mjs`: many connections to each server, and what they receive. */
import { answer, clock } from './answers.mjs';
import { createAgent, init, inParallel, mintToken, open, signJwts } from './two-stages.mjs';

/** Connections being made at the same time. */
const CONCURRENCY = 64;

const agent = createAgent(CONCURRENCY);
const pools = {};
let jwts = [];

class Pool {
  sockets = [];
  #left = 0;
  #times;
  #done;

  add(ws) {
    const index = this.sockets.push(ws) - 1;
    let received = 0;
    ws.on('message', (data) => {
      if (this.#times !== undefined) {
        const at = clock();
        if (received >= this.#times[index].length) received = 0;
        this.#times[index][received] = at;
        received += 1;
        if (!/^\{"type":"message","data":"broadcast message \d+"\}$/.test(data)) {
          this.#done.reject(new Error(`Received ${data}`));
        }
      }
      this.#left -= 1;
      if (this.#left === 0) this.#done.resolve({ at: clock(), times: this.#times });
    });
    ws.on('close', (code) => this.#done?.reject(new Error(`A connection ended with ${code}`)));
  }

  expect(count, isTimed) {
    this.#left = count * this.sockets.length;
    this.#times = isTimed ? this.sockets.map(() => new Float64Array(count)) : undefined;
    this.#done = Promise.withResolvers();
  }

  get received() {
    return this.#done.promise;
  }

  close() {
    this.#done = undefined;
    for (const ws of this.sockets) ws.terminate();
  }
}

answer({
  async prepare(prefix, count) {
    jwts = await signJwts(prefix, count);
  },

  /** Makes `count` connections; answers when the last of them was ready. */
  async connect({ name, origin, socketUrl }, count) {
    const pool = new Pool();
    pools[name] = pool;
    await inParallel(count, CONCURRENCY, async (index) => {
      if (name === 'bare') {
        pool.add(await open(socketUrl));
        return;
      }
      const ws = await open(socketUrl, await mintToken(agent, origin, jwts[index]));
      await init(ws, jwts[index]);
      pool.add(ws);
    });
    const at = clock();
    // They are no part of what a connection takes.
    agent.destroy();
    return at;
  },

  /** Announces `count` broadcasts. */
  expect(name, count, isTimed) {
    pools[name].expect(count, isTimed);
  },

  /** When all of them had come everywhere, and if it is timed, each at each connection. */
  received: (name) => pools[name].received,

  drop(name) {
    pools[name].close();
  },
});
