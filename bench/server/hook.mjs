/**
 * Preloaded into the servers (`node --import`): tells the bench what only the process itself knows,
 * and has it broadcast on demand, so that the servers need no code for it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, clock } from './answers.mjs';
import { ON_DEMAND } from './on-demand.mjs';

const { gc, setTimeout: startTimer } = globalThis;
let broadcast;

globalThis.setTimeout = Object.assign((callback, delay, ...args) => {
  const timer = startTimer(callback, delay, ...args);
  if (delay === ON_DEMAND) {
    broadcast = () => {
      clearTimeout(timer);
      callback(...args);
    };
  }
  return timer;
}, startTimer);

const delays = monitorEventLoopDelay({ resolution: 10 });

answer({
  /** ms of CPU that the process has used so far, all threads and the kernel on its behalf included. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },

  /** What the process holds, in bytes, when all garbage is gone; and how many of which resources. */
  async holdings() {
    // Finalizers, and the pages they free, take turns of the event loop.
    for (let i = 0; i < 4; i++) {
      await gc({ type: 'major', execution: 'async', flavor: 'last-resort' });
      await sleep(100);
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    const resources = {};
    for (const name of process.getActiveResourcesInfo()) {
      resources[name] = (resources[name] ?? 0) + 1;
    }
    return { rss, heapUsed, external, resources };
  },

  /** Broadcasts `count` times, `pause` ms between two; answers when each began. */
  async broadcast(count, pause) {
    const begins = [];
    for (let i = 0; i < count; i++) {
      begins.push(clock());
      broadcast();
      await sleep(pause);
    }
    return begins;
  },

  watchDelays() {
    delays.reset();
    delays.enable();
  },

  /** Event loop delays in ms since `watchDelays`. */
  delays() {
    delays.disable();
    const toMs = (nanoseconds) => nanoseconds / 1e6;
    return {
      p50: toMs(delays.percentile(50)),
      p99: toMs(delays.percentile(99)),
      max: toMs(delays.max),
    };
  },
});
