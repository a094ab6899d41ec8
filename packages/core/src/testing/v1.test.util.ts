import { type FakeWebSocket, type Rig, rig, v1, v1Ack } from './fakes.test.util.ts';

export interface RigV1 extends Rig {
  /** Through both stages from wherever it is; the ack is the usual one but for what is given. */
  ready(ack?: object): Promise<FakeWebSocket>;
}

/** A socket in a fake world whose server speaks `two-stage.v1`. */
export function rigV1(options: Parameters<typeof rig>[0] = {}): RigV1 {
  const r = rig({ protocols: v1, ...options });
  let acked: FakeWebSocket | undefined;
  return {
    ...r,
    async ready(ack) {
      // A second connection is under way behind one that is ready.
      const isOpen = r.last()?.readyState === 1 && r.last() !== acked;
      acked = isOpen ? r.last() : await r.become('authenticating');
      acked.say({ ...v1Ack, ...ack });
      return acked;
    },
  };
}

const ping = '{"type":"ping"}';

export const pings = ({ sent }: FakeWebSocket): number =>
  sent.filter((frame) => frame === ping).length;

/** The init payloads that have left, the first one and those that renewed it. */
export const payloads = ({ sent }: FakeWebSocket): string[] =>
  sent.filter((frame) => String(frame).includes('"jwt"'));

/** The messages of the application that have left, on either wire. */
export const messages = ({ sent }: FakeWebSocket): unknown[] =>
  sent
    .map((frame) => (/^\{"type":"(message|jwt|ping|pong)"/.test(frame) ? JSON.parse(frame) : frame))
    .filter((frame) => frame.type === undefined || frame.type === 'message')
    .map((frame) => frame.data ?? frame);
