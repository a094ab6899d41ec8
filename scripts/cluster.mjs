import { prepareDemo } from './demo.mjs';

await prepareDemo();
await import('./cluster/run.ts');
