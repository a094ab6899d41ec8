import { prepareDemo } from './demo.mjs';

await prepareDemo();
// In this process: signals, exit status and output are the server's own.
await import('../demo-server/src/main.ts');
