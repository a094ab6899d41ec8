import { bundle } from '../bundle.mjs';

const code = await bundle(`
  export * from '../packages/core/src/retry.ts';
  export { appFacts, closeFacts } from '../packages/core/src/failure.ts';
  export { startWait } from '../packages/core/src/wait.ts';
  export { toSettings } from '../packages/core/src/options.ts';
  export { createAdmission } from '../demo-server/src/admission.ts';
`);

/** What is simulated is what is shipped, the client's part and the reference server's. */
export const {
  appFacts,
  closeFacts,
  createAdmission,
  isRetryable,
  mayHurry,
  nextDelay,
  noHistory,
  record,
  startWait,
  toSettings,
} = await import(`data:text/javascript,${encodeURIComponent(code)}`);
