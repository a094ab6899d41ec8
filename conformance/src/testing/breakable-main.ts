import { startBreakableServer } from './breakable-server.ts';
import type { Break } from './breaks.ts';

// A process of its own, so that it can be sent a signal: the arguments are what is broken.
const server = await startBreakableServer(
  new Set(process.argv.slice(2) as Break[]),
  process.env.JWT_SECRET ?? '',
);
console.log(server.url);
process.on('SIGTERM', () => {
  void server.stop().then(() => process.exit(0));
});
