import { v1 } from './connection.ts';
import { createFakeConnection, type Half, type Line, type Peer } from './fake-connection.ts';
import { settle } from './fake-environment.ts';
import { createFakeTokens, type FakeTokens } from './fake-tokens.ts';
import type { FakeBackend, FakeBackendOptions, FakeConnection } from './fake-types.ts';

/** A fake server, and the ends to which its token route and its lines are tied. */
export interface Backend {
  readonly controls: FakeBackend<any, any>;
  readonly tokens: FakeTokens;
  /** An upgrade has come by this line, and waits for an answer. */
  connect(line: Line): Peer;
  /** Does with an upgrade what the server does by itself; it may leave the answer to the test. */
  answer(connection: FakeConnection<any, any>): void;
}

/** What the carrier of the connections has to say. */
export interface BackendOptions extends FakeBackendOptions<any, any> {
  readonly auto: boolean;
  readonly init: boolean;
  /** Whether an upgrade is let through by itself whatever `auto` says. */
  readonly accepts?: boolean;
  /** Whether a token that another has issued is refused. */
  readonly ownTokens?: boolean;
  /** The ack that this one gets by itself. */
  readonly ackOf?: (connection: FakeConnection<any, any>) => object | string | undefined;
  /** What is known of the token stage, for who misses an upgrade. */
  readonly describeTokens: () => string;
}

const liveStatuses = ['connecting', 'authenticating', 'ready', 'hanging'] as const;

export function createFakeBackend(options: BackendOptions, now: () => number): Backend {
  const { wire = v1, verify = () => true, onMessage, init, ack, codec, ackOf } = options;
  const tokens = createFakeTokens(wire, options.tokens ?? {}, now);
  let auto = options.auto;
  let connections: FakeConnection<any, any>[] = [];
  let messages: unknown[] = [];
  let unread: unknown[] = [];
  let refusals = 0;
  let rejections: number[] = [];
  const upgradeWaiters: ((connection: FakeConnection<any, any>) => void)[] = [];
  const messageWaiters: ((message: unknown) => void)[] = [];

  const byStatus = (...wanted: FakeConnection['status'][]) =>
    connections.filter(({ status }) => wanted.includes(status));

  const describe = () => {
    const told = connections.map(({ id, status, end }) =>
      end ? `${id} closed with ${end.code} by the ${end.by}` : `${id} ${status}`,
    );
    const acts = auto ? '; it acts by itself (auto)' : '';
    return `${options.describeTokens()}; connections: ${told.join(', ') || 'none'}${acts}`;
  };

  const some = (act: string, ...wanted: FakeConnection['status'][]) => {
    const found = byStatus(...wanted);
    if (found.length) return found;
    throw new Error(`${act}: no connection is ${wanted.join(' or ')}. ${describe()}`);
  };

  const half: Half = {
    wire,
    init,
    ack,
    codec,
    hasIssued: (token) => tokens.find(token) !== undefined,
    onAccept: ({ token }) => tokens.spend(token),
    async onInit(connection, payload) {
      const rejection = rejections.shift();
      if (rejection === undefined && !auto) return;
      const verdict = await (rejection ?? verify(payload, connection));
      if (!isHeard(connection)) return;
      if (verdict === true) connection.ack(ackOf?.(connection));
      else connection.reject(verdict || undefined);
    },
    onMessage(message) {
      messages.push(message);
      const waiter = messageWaiters.shift();
      if (waiter) waiter(message);
      else unread.push(message);
    },
    answer: onMessage,
  };

  const faultOf = ({ token }: FakeConnection<any, any>) => {
    const fault = tokens.fault(token);
    return fault === 'unknown' && !options.ownTokens ? undefined : fault;
  };

  const answer = (connection: FakeConnection<any, any>) => {
    if (connection.status !== 'connecting') return;
    for (const waiter of upgradeWaiters.splice(0)) waiter(connection);
    if (refusals > 0) {
      refusals -= 1;
      connection.refuse();
    } else if (auto || options.accepts) {
      if (faultOf(connection)) connection.refuse();
      else connection.accept();
    }
  };

  const controls: FakeBackend<any, any> = {
    get auto() {
      return auto;
    },
    set auto(given) {
      auto = given;
    },
    get connections() {
      return connections;
    },
    get messages() {
      return messages;
    },
    last() {
      const last = connections.at(-1);
      if (!last) throw new Error(`last: no upgrade has come. ${describe()}`);
      return last;
    },
    live: () => byStatus(...liveStatuses),
    async upgrade() {
      const waiting = byStatus('connecting').at(-1);
      return waiting ?? new Promise((resolve) => upgradeWaiters.push(resolve));
    },
    async nextMessage() {
      if (unread.length) return unread.shift();
      return new Promise((resolve) => messageWaiters.push(resolve));
    },
    async admit() {
      const find = () => byStatus('connecting').at(-1);
      for (let turn = 0; turn < 10 && !find(); turn += 1) await settle();
      const connection = find();
      if (!connection) {
        throw new Error(
          `admit: no upgrade waits for an answer. ${describe()}. Has the socket been connected? ` +
            'One that waits to try again needs time: await advance(ms)',
        );
      }
      const fault = faultOf(connection);
      if (fault) {
        throw new Error(
          `admit: the token of connection ${connection.id} is ${fault}, a server would refuse it: ` +
            'refuse(), or accept() it all the same',
        );
      }
      await connection.admit();
      return connection;
    },
    issueToken: () => tokens.issue(),
    refuseToken: (refusal) => tokens.refuseNext(refusal),
    holdTokens: () => tokens.hold(),
    refuseUpgrade() {
      refusals += 1;
    },
    rejectInit(code = 4401) {
      rejections.push(code);
    },
    say(...said) {
      for (const connection of some('say', 'ready')) connection.say(...said);
    },
    drop() {
      for (const connection of some('drop', ...liveStatuses)) connection.drop();
    },
    close(code, options) {
      for (const connection of some('close', 'authenticating', 'ready')) {
        connection.close(code, options);
      }
    },
    goAway(options) {
      for (const connection of some('goAway', 'ready')) connection.goAway(options);
    },
    reset() {
      for (const connection of controls.live()) connection.drop();
      connections = [];
      messages = [];
      unread = [];
      refusals = 0;
      rejections = [];
      auto = options.auto;
      upgradeWaiters.length = messageWaiters.length = 0;
      tokens.reset();
    },
  };

  return {
    controls,
    tokens,
    connect(line) {
      const peer = createFakeConnection(connections.length + 1, line, half);
      connections.push(peer.connection);
      return peer;
    },
    answer,
  };
}

/** How often something has happened, for the errors that a test reads. */
export const formatTimes = (count: number): string => (count === 1 ? 'once' : `${count} times`);

/** Whether an answer still reaches the client, and the test has not given one. */
const isHeard = ({ status }: FakeConnection<any, any>) =>
  status === 'authenticating' || status === 'ready';
