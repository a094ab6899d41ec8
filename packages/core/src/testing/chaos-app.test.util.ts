import { inspect } from 'node:util';
import { WebSocket } from 'ws';
import { TwoStageSocket } from '../socket.ts';
import type { Events, WebSocketConstructor } from '../types.ts';
import { clumsyActs, tameActs, wildActs } from './chaos-acts.test.util.ts';
import { credentialsOf } from './chaos-credentials.test.util.ts';
import { createMachine } from './chaos-machine.test.util.ts';
import {
  Clumsiness,
  calmOptions,
  keptOptions,
  quickOptions,
  refusedOptions,
} from './chaos-options.test.util.ts';
import type { Table } from './chaos-random.test.util.ts';
import { type Message, stampOf } from './chaos-session.test.util.ts';
import type { World } from './chaos-world.test.util.ts';

/** A socket, with what can be done to it so that the judge knows of it. */
export interface Subject {
  readonly socket: TwoStageSocket<unknown, unknown>;
  connect(): void;
  close(code?: number): void;
  reconnect(): void;
  retain(): () => void;
  switchUser(): void;
  send(): Message;
  /** It must settle once the socket is closed. */
  watch(promise: Promise<unknown>): void;
  onViolation(law: string, what: unknown): void;
}

export interface App extends Pick<Subject, 'socket' | 'connect' | 'send' | 'close'> {
  readonly client: number;
  /** How often the socket was opened, or started over. */
  readonly starts: number;
  /** Does anything at any time, from now on. */
  begin(): void;
  /** Stops that, mends the machine, and wants to be connected. */
  calm(): void;
  /** What must be nothing once it is closed. */
  readonly leaks: {
    readonly timers: number;
    readonly listeners: number;
    readonly fetches: number;
    readonly promises: number;
  };
}

const events = ['statechange', 'ready', 'message', 'error', 'close', 'unsent'] as const;

/** A client and the app around it, which does anything at any time if it is wild. */
export function createApp(world: World, client: number, serverUrl: string, isWild: boolean): App {
  const { judge, tally } = world;
  const random = world.random.fork(`app ${client}`);
  const machine = createMachine(
    random.fork('machine'),
    isWild ? random.pick([0.03, 0.05, 0.3]) : 1,
  );
  const fetching = new Set<AbortSignal>();
  let users = 1;
  let user = `user${client}-1`;
  let session = judge.begin(client, user);
  let starts = 0;
  let holders = 0;
  let promises = 0;
  let depth = 0;
  /** The close has been heard: nothing more may be. */
  let isSilent = false;
  let timer: NodeJS.Timeout | undefined;

  /** Now and then, and never in a world that is well. */
  const isTempted = (chance: number) => isWild && !world.isWell && random.chance(chance);

  const act = (acts: Table<() => void>, count: (kind: string) => void) => {
    const [kind, perform] = random.draw(acts);
    count(kind);
    try {
      perform();
    } catch (error) {
      judge.violate('C7', `${kind} throws ${inspect(error)}`);
    }
  };

  const meddle = (place: string) => {
    if (depth > 1 || !isTempted(0.02)) return;
    tally.fault(`app: does anything inside ${place}`);
    depth += 1;
    act(acts, tally.act);
    depth -= 1;
  };

  class ClientWebSocket extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      if (isTempted(0.005)) {
        tally.fault('app: WebSocket refuses the URL');
        throw new SyntaxError(`Invalid URL: ${url}`);
      }
      super(url, protocols);
      Object.defineProperty(this, 'bufferedAmount', {
        get: () => Reflect.get(WebSocket.prototype, 'bufferedAmount', this) + machine.buffered,
      });
    }
  }

  const asked = {
    world,
    random: random.fork('credentials'),
    serverUrl,
    rate: isWild ? 0.03 : 0,
    fetching,
    session: () => session,
    meddle,
  };
  const habits = random.fork('options');
  const anyOptions = () => quickOptions(world, habits, client, meddle);

  const socket = new TwoStageSocket<unknown, unknown>({
    ...credentialsOf(user, asked),
    ...(isWild ? keptOptions(habits, client, meddle) : refusedOptions),
    environment: machine,
    WebSocket: ClientWebSocket as unknown as WebSocketConstructor,
  });

  const isShut = () => ['idle', 'closed'].includes(socket.getSnapshot().status);

  const start = () => {
    if (session.isOver) session = judge.begin(client, user);
    isSilent = false;
    starts += 1;
  };

  const end = (ended: typeof session) => {
    ended.isOver = true;
    judge.over(ended);
    // Later, since this may be in the midst of something that the client is about to clear up.
    setImmediate(() => {
      const { timers, listeners } = machine;
      if (session !== ended || (!timers && !listeners)) return;
      judge.violate('C3', `client ${client} closed: ${inspect({ timers, listeners })}`);
    });
  };

  const subject: Subject = {
    socket,
    onViolation: judge.violate,
    connect() {
      if (isShut()) start();
      socket.connect();
    },
    close(code) {
      const ended = session;
      // Before, since whoever hears of the close may open it again.
      ended.isOver = true;
      socket.close(code, 'bye');
      end(ended);
    },
    reconnect() {
      start();
      socket.reconnect();
    },
    retain() {
      holders += 1;
      if (holders === 1 && isShut()) start();
      const release = socket.retain();
      return () => {
        holders -= 1;
        release();
      };
    },
    switchUser() {
      users += 1;
      user = `user${client}-${users}`;
      socket.configure(credentialsOf(user, asked));
      subject.close();
      subject.connect();
    },
    send() {
      const serial = session.messages.length;
      const id = `m:${stampOf(session, user)}:${serial}`;
      const message: Message = { id, serial, outcome: undefined, unsent: false, line: undefined };
      session.messages.push(message);
      message.outcome = socket.send(
        random.pick<unknown>([id, { id }, new TextEncoder().encode(id)]),
      );
      return message;
    },
    watch(promise) {
      promises += 1;
      const settled = () => {
        promises -= 1;
      };
      promise.then(settled, settled);
    },
  };

  const acts = isWild ? wildActs(subject, random, machine, anyOptions) : tameActs(subject, random);
  const refused = clumsyActs(subject);

  const isOfTheClose = (event: keyof Events, payload: any) => {
    const state = socket.getSnapshot();
    if (event === 'error') return state.status === 'closed' && state.failure === payload;
    return event === 'statechange' ? payload === state : event === 'unsent' || event === 'close';
  };

  const hear = (event: keyof Events, payload: any) => {
    if (isSilent || (session.isOver && !isOfTheClose(event, payload))) {
      judge.violate('C3', `client ${client} hears ${event} after the close`);
    }
    if (event === 'message') judge.heard(session, textOf(payload));
    else if (event === 'unsent') judge.unsent(textOf(payload.message));
    else {
      for (const told of [inspect(payload, { depth: 8 }), JSON.stringify(payload), payload]) {
        judge.search(event, told);
      }
    }
    // What is told may be over already.
    if (socket.getSnapshot().status !== 'closed') return;
    if (event === 'statechange' && !session.isOver) end(session);
    if (event === 'close') isSilent = true;
  };
  for (const event of events) {
    socket.on(event, (payload) => {
      hear(event, payload);
      meddle(event);
      if (!isTempted(0.003)) return;
      tally.fault('app: listener throws');
      throw new Clumsiness(event);
    });
  }

  const live = () => {
    if (isTempted(0.02)) act(refused, tally.fault);
    else act(acts, tally.act);
    timer = setTimeout(live, isWild ? random.int(3, 60) : random.int(50, 400));
  };

  return {
    ...subject,
    client,
    get starts() {
      return starts;
    },
    begin() {
      socket.configure(isWild ? anyOptions() : refusedOptions);
      timer = setTimeout(live, random.int(0, 20));
    },
    calm() {
      clearTimeout(timer);
      socket.configure(calmOptions);
      machine.drainBuffers();
      machine.show();
      machine.goOnline();
      machine.tell('pageshow');
      subject.connect();
      if (!isWild) subject.reconnect();
    },
    get leaks() {
      const { timers, listeners } = machine;
      const fetches = [...fetching].filter(({ aborted }) => !aborted).length;
      return { timers, listeners, fetches, promises };
    },
  };
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  return message instanceof ArrayBuffer || ArrayBuffer.isView(message)
    ? new TextDecoder().decode(message)
    : JSON.stringify(message);
}
