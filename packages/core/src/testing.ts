export { FakeEnvironment, settle } from './fake-environment.ts';
export {
  createFakeServer,
  type FakeClientOptions,
  type FakeServer,
  type FakeServerOptions,
} from './fake-server.ts';
export type {
  FakeBackend,
  FakeBackendOptions,
  FakeConnection,
  FakeToken,
  TokenMembers,
  TokenRefusal,
} from './fake-types.ts';
