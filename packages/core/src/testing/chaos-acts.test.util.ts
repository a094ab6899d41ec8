import type { Options } from '../types.ts';
import type { Subject } from './chaos-app.test.util.ts';
import type { Machine } from './chaos-machine.test.util.ts';
import type { Random, Table } from './chaos-random.test.util.ts';

type Acts = Table<() => void>;

/** What any app does. */
export function tameActs({ socket, connect, close, reconnect, send }: Subject, random: Random) {
  return {
    connect: [5, connect],
    close: [0.7, () => close(random.pick([undefined, 1000, 4000]))],
    reconnect: [0.7, reconnect],
    send: [12, send],
    check: [1, socket.check],
  } satisfies Acts;
}

/** All that can be done, in no order. */
export function wildActs(
  subject: Subject,
  random: Random,
  machine: Machine,
  anyOptions: () => Partial<Options<any, any>>,
): Acts {
  const { socket, retain, send, switchUser, watch } = subject;
  const releases: (() => void)[] = [];

  const listen = async () => {
    let left = random.int(1, 20);
    for await (const _ of socket) if (--left === 0) return;
  };

  return {
    ...tameActs(subject, random),
    'send many': [
      1,
      () => {
        for (let left = random.int(5, 40); left; left -= 1) send();
      },
    ],
    retain: [2, () => releases.push(retain())],
    release: [2, () => releases.shift()?.()],
    'switch user': [0.7, switchUser],
    configure: [1, () => socket.configure(anyOptions())],
    renew: [1, () => watch(socket.renew())],
    'wait for ready': [1, () => watch(socket.ready())],
    listen: [1, () => watch(listen())],
    'buffers fill': [0.5, machine.fillBuffers],
    'buffers drain': [2, machine.drainBuffers],
    'go offline': [0.3, machine.goOffline],
    'go online': [2, machine.goOnline],
    hide: [0.3, machine.hide],
    show: [2, machine.show],
    pagehide: [0.3, () => machine.tell('pagehide')],
    pageshow: [2, () => machine.tell('pageshow')],
    resume: [0.5, () => machine.tell('resume')],
  };
}

/** Calls that can only be refused. */
export function clumsyActs({ socket, onViolation }: Subject): Acts {
  const mustThrow = (what: string, action: () => void) => () => {
    try {
      action();
    } catch {
      return;
    }
    onViolation('C7', `${what} does not throw`);
  };
  return {
    'app: sends what has no JSON': [1, mustThrow('send', () => socket.send(undefined))],
    'app: closes with a code that is not its own': [
      1,
      mustThrow('close', () => socket.close(1001)),
    ],
    'app: configures nonsense': [
      1,
      mustThrow('configure', () => socket.configure({ retry: { minDelay: -1 } })),
    ],
  };
}
