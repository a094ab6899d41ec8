import { jsonCodec } from './codec.ts';
import { v1 } from './connection.ts';
import { settle } from './fake-environment.ts';
import { checkCode, createFakeGuards } from './fake-guards.ts';
import type { FakeBackendOptions, FakeConnection } from './fake-types.ts';
import { type Carried, carry, createFakeWire } from './fake-wire.ts';
import type { Codec, Wire } from './types.ts';

/** What carries a connection to its client. */
export interface Line {
  readonly url: string;
  readonly protocols: readonly string[];
  open(protocol: string): void;
  send(frame: Carried): void;
  /** Tells the client that it is over; 1006 stands for no close frame. */
  end(code: number, reason: string): void;
}

/** What the server does of its own accord, and how it writes. */
export interface Half {
  readonly wire: Wire;
  /** Whether there is an init stage. */
  readonly init: boolean;
  readonly ack?: object | string | undefined;
  readonly codec?: Codec<any, any> | undefined;
  /** Whether it has issued this token. */
  hasIssued(token: string): boolean;
  onAccept(connection: FakeConnection<any, any>): void;
  onInit(connection: FakeConnection<any, any>, payload: unknown): void;
  onMessage(message: unknown): void;
  /** Answers a message, later. */
  readonly answer: FakeBackendOptions<any, any>['onMessage'];
}

/** A connection, and what its line tells it. */
export interface Peer {
  readonly connection: FakeConnection<any, any>;
  hear(frame: unknown): void;
  /** The client has closed it. */
  left(code: number, reason: string): void;
}

export function createFakeConnection(id: number, line: Line, half: Half): Peer {
  const codec = half.codec ?? jsonCodec;
  let fakeWire = createFakeWire('original', line.protocols, codec);
  let status: FakeConnection['status'] = 'connecting';
  let wire: Wire | undefined;
  let initPayload: unknown;
  let hasInit = false;
  /** An init payload or a renewal has come, and neither the ack nor a refusal has followed. */
  let unanswered = false;
  /** What the client answers to the ack comes behind what it sent before. */
  let isAcking = false;
  let end: FakeConnection['end'];
  const renewals: unknown[] = [];
  const messages: unknown[] = [];
  const frames: Carried[] = [];
  /** What came after the init payload and before the ack. */
  const early: Carried[] = [];
  const waiting: { readonly resolve: (payload: unknown) => void; readonly reject: Reject }[] = [];

  const guards = createFakeGuards(id, () => ({ status, end, hasInit, unanswered }));
  const { refuseAct, mustLive, mustBeOpen, mustBeReady, mustBeAsked } = guards;

  const finish = (by: 'client' | 'server', code: number, reason: string) => {
    const last = status;
    status = 'closed';
    end = { by, code, reason };
    unanswered = false;
    for (const { reject } of waiting.splice(0)) {
      reject(new Error(`init: connection ${id} has ended with ${code} while it was ${last}`));
    }
    if (by === 'server') line.end(code, reason);
  };

  // Answers come later, as from any network: never while the client is still sending.
  const later = async (action: () => void) => {
    await undefined;
    if (status === 'ready') action();
  };

  const take = (frame: Carried) => {
    const heard = fakeWire.read(frame);
    if (heard.kind === 'ping') later(() => line.send('{"type":"pong"}'));
    else if (heard.kind === 'invalid') later(() => finish('server', 4400, 'no message'));
    else if (heard.kind === 'renewal') {
      renewals.push(heard.payload);
      unanswered = true;
      half.onInit(connection, heard.payload);
    } else if (heard.kind === 'messages') {
      for (const message of heard.messages) {
        messages.push(message);
        half.onMessage(message);
        later(() => half.answer?.(message, connection));
      }
    }
  };

  const connection: FakeConnection<any, any> = {
    id,
    get status() {
      return status;
    },
    url: line.url,
    protocols: line.protocols,
    token: tokenOf(line, half.hasIssued),
    get wire() {
      return wire;
    },
    get initPayload() {
      return initPayload;
    },
    renewals,
    messages,
    frames,
    get end() {
      return end;
    },

    async init() {
      if (hasInit) return initPayload;
      mustLive('init');
      if (!half.init) refuseAct('init', 'has no init stage: this server was made with init: false');
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    accept() {
      mustLive('accept');
      if (status !== 'connecting') refuseAct('accept', `is ${status} already`);
      wire = half.init && half.wire === v1 && line.protocols.includes(v1) ? v1 : 'original';
      fakeWire = createFakeWire(wire, line.protocols, codec);
      status = half.init ? 'authenticating' : 'ready';
      half.onAccept(connection);
      line.open(wire === v1 ? v1 : '');
    },
    refuse() {
      mustLive('refuse');
      if (status !== 'connecting') {
        refuseAct(
          'refuse',
          `is ${status} already: reject() refuses an init payload, drop() ends it`,
        );
      }
      finish('server', 1006, '');
    },
    ack(ack = half.ack) {
      mustBeAsked('ack');
      unanswered = false;
      status = 'ready';
      isAcking = true;
      line.send(fakeWire.ack(ack));
      isAcking = false;
      for (const frame of early.splice(0)) if (!end) take(frame);
    },
    reject(code = 4401) {
      mustBeAsked('reject');
      checkCode('reject', code);
      const isSaid = wire === v1 || [1009, 1013, 4429].includes(code);
      finish('server', isSaid ? code : 1006, '');
    },
    async admit() {
      if (status === 'connecting') connection.accept();
      if (!half.init) return;
      for (let turn = 0; turn < 10 && !hasInit && !end; turn += 1) await settle();
      connection.ack();
    },
    say(...said) {
      mustBeReady('say');
      // The client may end it while it hears the first of them.
      for (const message of said) if (!end) line.send(fakeWire.say(message));
    },
    sendFrame(frame) {
      mustBeOpen('sendFrame');
      line.send(carry(frame));
    },
    drop() {
      mustLive('drop');
      finish('server', 1006, '');
    },
    close(code = 1000, { reason = '', retryAfter } = {}) {
      mustLive('close');
      checkCode('close', code);
      mustBeOpen('close');
      const hint = retryAfter === undefined ? '' : `retry-after=${retryAfter}`;
      finish('server', code, [reason, hint].filter(Boolean).join(' '));
    },
    goAway({ retryAfter = 0, deadline = retryAfter + 10_000 } = {}) {
      mustBeReady('goAway');
      if (wire !== v1) refuseAct('goAway', 'speaks the original wire, which has no such frame');
      line.send(JSON.stringify({ type: 'going-away', retryAfter, deadline }));
    },
    hang() {
      mustLive('hang');
      status = 'hanging';
      unanswered = false;
    },
  };

  return {
    connection,
    hear(given) {
      if (status === 'hanging' || end) return;
      const frame = carry(given);
      frames.push(frame);
      if (status === 'ready' && !isAcking) return take(frame);
      if (hasInit) {
        early.push(frame);
        return;
      }
      initPayload = fakeWire.readInit(frame);
      hasInit = true;
      unanswered = true;
      for (const { resolve } of waiting.splice(0)) resolve(initPayload);
      half.onInit(connection, initPayload);
    },
    left(code, reason) {
      if (!end) finish('client', code, reason);
    },
  };
}

type Reject = (error: Error) => void;

/** Where the token travels is the client's choice: the usual places, else wherever one of ours is. */
function tokenOf({ url, protocols }: Line, hasIssued: Half['hasIssued']): string | undefined {
  const { searchParams } = new URL(url);
  const offered = protocols.find((name) => name.startsWith('token.'))?.slice('token.'.length);
  return searchParams.get('token') ?? offered ?? [...searchParams.values()].find(hasIssued);
}
