export { createAdmission } from './admission.ts';
export { CloseCode, retryAfterReason } from './close-codes.ts';
export { Connection, type ConnectionOptions } from './connection.ts';
export { type Control, catchUp, createControl, obey, type PersistentControl } from './control.ts';
export { type Before, cors } from './cors.ts';
export { type DrainOptions, drain } from './drain.ts';
export { createEndpoint, type Endpoint, type EndpointOptions } from './endpoint.ts';
export { type Cancel, type Environment, systemEnvironment } from './environment.ts';
export { type FanOut, memoryFanOut, type Notice } from './fan-out.ts';
export { type FaultSwitches, type Faults, noFaults } from './faults.ts';
export {
  createFirstFrameAuth,
  type FirstFrameAuth,
  type FirstFrameAuthOptions,
  webSocketOptions,
} from './first-frame-auth.ts';
export {
  type Admitted,
  createTokenGate,
  type Refusal,
  refuseUpgrade,
  type TokenGate,
  type TokenGateOptions,
} from './gate.ts';
export type { VerifyForConnection } from './judge-jwt.ts';
export {
  Forbidden,
  hs256Jwts,
  type Identity,
  type JwksOptions,
  type Jwts,
  jwksVerifier,
  Unverifiable,
  type VerifyJwt,
} from './jwt.ts';
export {
  createPlaces,
  type Limiter,
  type Places,
  rateLimiter,
  type UserLimiter,
  userRateLimiter,
} from './limits.ts';
export { watchLiveness } from './liveness.ts';
export { createLog, type Log } from './log.ts';
export { type Metrics, noMetrics, type PrometheusMetrics, prometheusMetrics } from './metrics.ts';
export { type MongoTokensOptions, mongoTokens } from './mongo-tokens.ts';
export { allowOrigins, type GivenOrigins, type Origins, ownOrigins } from './origins.ts';
export { connectRedis, type Redis, type RedisOptions } from './redis.ts';
export { type RedisFanOutOptions, redisFanOut } from './redis-fan-out.ts';
export { type RedisRevocationsOptions, redisRevocations } from './redis-revocations.ts';
export { type RedisTokensOptions, redisTokens } from './redis-tokens.ts';
export { createRegistry, type Registry } from './registry.ts';
export {
  type LocalRevocations,
  memoryRevocations,
  type Revocations,
  type Standing,
  unlessRevoked,
} from './revocations.ts';
export { createDemoServer, type DemoServer, type ServerOptions } from './server.ts';
export { openServices, type Services } from './services.ts';
export { defaultSettings, readSettings, type Settings, SettingsError } from './settings.ts';
export { StoreUnavailable } from './store-unavailable.ts';
export {
  createTokenAnswer,
  type HttpAnswer,
  type TokenAnswer,
  type TokenAnswerOptions,
  type TokenChange,
} from './token-answer.ts';
export { type TokenRouteOptions, tokenRoute } from './token-route.ts';
export { type MintedToken, memoryTokens, type TokenPolicy, type TokenStore } from './tokens.ts';
export { createTwoStages, type TwoStages, type TwoStagesOptions } from './two-stages.ts';
export {
  type Frame,
  type Incoming,
  originalWire,
  selectWire,
  twoStageWire,
  type Wire,
} from './wire.ts';
