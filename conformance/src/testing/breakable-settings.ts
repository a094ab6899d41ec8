/** Intervals in ms, short ones, and limits that are soon hit. */
export const SETTINGS = {
  tokenLife: 2000,
  jwtLife: 600_000,
  initTimeout: 3000,
  broadcastEvery: 200,
  individualEvery: 200,
  heartbeat: 900,
  // Shorter than the deadline: a stray must not end by that.
  stop: 1800,
  tokensPerMinute: 150,
  unauthenticated: 16,
  connections: 16,
  messagesPerSecond: 400,
  maxFrame: 262_144,
  maxBuffered: 1_048_576,
};
