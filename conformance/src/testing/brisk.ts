/**
 * Settings of a reference server, or of one in another language, under which every expiry and every
 * deadline can be waited for, on a slow machine too.
 */
export const briskSettings = {
  JWT_SECRET: 'a secret of the conformance runs, longer than 32 bytes',
  PORT: '0',
  TOKEN_EXPIRES_IN: '3000',
  JWT_EXPIRES_IN: '20000',
  INIT_TIMEOUT: '3000',
  HEARTBEAT: '1500',
  BROADCAST_EVERY: '300',
  INDIVIDUAL_EVERY: '300',
  DRAIN_TIMEOUT: '3000',
  LOG_LEVEL: 'silent',
} as const;
