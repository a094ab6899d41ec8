/** Intervals in ms, short ones, and limits that are soon hit. */
export const SETTINGS = {
  tokenLife: 1500,
  jwtLife: 600_000,
  initTimeout: 1200,
  broadcastEvery: 200,
  individualEvery: 200,
  heartbeat: 700,
  stop: 1000,
  tokensPerMinute: 150,
  unauthenticated: 16,
  connections: 16,
  messagesPerSecond: 400,
  maxFrame: 262_144,
  maxBuffered: 1_048_576,
};
