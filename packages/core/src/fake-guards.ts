import type { FakeConnection } from './fake-types.ts';

/** How a connection is, as far as it says what can be done to it. */
export interface Condition extends Pick<FakeConnection, 'status' | 'end'> {
  /** Whether its init payload has come. */
  readonly hasInit: boolean;
  /** Whether an init payload or a renewal has come that nothing has answered yet. */
  readonly unanswered: boolean;
}

/** What throws where an act of the test's makes no sense, and says what is missing. */
export interface FakeGuards {
  /** Throws whatever the connection is. */
  refuseAct(act: string, problem: string): never;
  mustLive(act: string): void;
  mustBeOpen(act: string): void;
  mustBeReady(act: string): void;
  mustBeAsked(act: string): void;
}

export function createFakeGuards(id: number, read: () => Condition): FakeGuards {
  const refuseAct = (act: string, problem: string): never => {
    throw new Error(`${act}: connection ${id} ${problem}`);
  };
  const mustLive = (act: string) => {
    const { end } = read();
    if (!end) return;
    const who = end.by === 'client' ? 'the client' : 'the server';
    refuseAct(act, `is closed: ${who} ended it with ${end.code}`);
  };
  const mustBeOpen = (act: string) => {
    mustLive(act);
    const { status } = read();
    if (status === 'connecting') refuseAct(act, 'is connecting: accept() it first, or admit()');
    if (status === 'hanging') refuseAct(act, 'hangs: only drop() ends it');
  };
  const mustBeReady = (act: string) => {
    mustBeOpen(act);
    const { status, hasInit } = read();
    if (status === 'ready') return;
    const missing = hasInit ? 'has no ack: ack() it first' : 'has not sent its init payload';
    refuseAct(act, `is not ready: it ${missing}, or admit() it. sendFrame() sends all the same`);
  };
  const mustBeAsked = (act: string) => {
    mustBeOpen(act);
    const { status, unanswered } = read();
    if (unanswered) return;
    if (status === 'ready') refuseAct(act, 'is ready, and has sent no renewal since');
    refuseAct(act, 'has not sent its init payload: await init() first, or admit() it');
  };
  return { refuseAct, mustLive, mustBeOpen, mustBeReady, mustBeAsked };
}

/** @throws RangeError for a code that no close frame can carry. */
export function checkCode(act: string, code: number): void {
  if (code === 1006) {
    throw new RangeError(`${act}: 1006 is what a client sees where no close frame came: drop()`);
  }
  const isCode = (code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999);
  if (!isCode || [1004, 1005].includes(code)) {
    throw new RangeError(`${act}: ${code} is no code that a close frame can carry`);
  }
}
