import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  deferred,
  type FakeWebSocket,
  nothing,
  originalAck,
  rig,
  settle,
} from './testing/fakes.test.util.ts';

/** What can happen, at any time, and how likely it is to be next. */
const steps: { readonly [step: string]: number } = {
  connect: 3,
  close: 1,
  reconnect: 1,
  retain: 1,
  release: 1,
  send: 6,
  'token comes': 8,
  'token fails': 1,
  'payload comes': 8,
  accept: 8,
  ack: 8,
  say: 1,
  'drop 1000': 1,
  'drop 1006': 2,
  'drop 1012': 1,
  'drop 4401': 1,
  'drop 4403': 1,
  'wait 10': 1,
  'wait 1000': 2,
  'wait 11000': 1,
  'wait 70000': 1,
  'go offline': 1,
  'go online': 1,
  'buffer fills': 1,
  'buffer drains': 1,
};
const events = ['statechange', 'ready', 'message', 'error', 'close', 'unsent'] as const;

interface Step {
  readonly step: string;
  /** What a listener does in the middle of the step, if it is told of such an event. */
  readonly inside: { readonly event: string; readonly step: string } | null;
}
const anyStep = fc.record<Step>({
  step: fc.oneof(
    ...Object.entries(steps).map(([step, weight]) => ({ weight, arbitrary: fc.constant(step) })),
  ),
  inside: fc.option(
    fc.record({
      event: fc.constantFrom(...events),
      step: fc.constantFrom('connect', 'close', 'reconnect', 'send'),
    }),
    { freq: 3 },
  ),
});
const start = ['connect', 'token comes', 'payload comes', 'accept', 'ack'];

/**
 * A socket whose world answers only when a step says so, and which checks the laws as it goes. Tokens,
 * payloads and messages carry the name of the user to whom they belong: each close begins another.
 */
function createModel(tokenRetry: 'refresh' | 'reuse') {
  const tokens: { comes(): void; fails(): void }[] = [];
  const payloads: (() => void)[] = [];
  const releases: (() => void)[] = [];
  const accepted: string[] = [];
  const unsent: string[] = [];
  const acked = new Set<FakeWebSocket>();
  const userNow = () => `user${user}`;
  let user = 1;
  let fetches = 0;

  const r = rig({
    tokenRetry,
    tokenIn: (url: string, token: string) => `${url}?token=${token}&user=${userNow()}`,
    getToken: ({ signal }: { signal: AbortSignal }) => {
      const answer = deferred<string>();
      const name = userNow();
      fetches += 1;
      expect(fetches, 'C2: one token fetch at a time').toBe(1);
      let isOver = false;
      const over = () => {
        if (!isOver) fetches -= 1;
        isOver = true;
      };
      signal.addEventListener('abort', over);
      answer.promise.then(over, over);
      tokens.push({
        comes: () => answer.resolve(name),
        fails: () => answer.reject({ status: 503 }),
      });
      return answer.promise;
    },
    initPayload: () => {
      const answer = deferred<string>();
      const name = userNow();
      payloads.push(() => answer.resolve(name));
      return answer.promise;
    },
  });
  const { socket, world, dialled } = r;
  socket.on('statechange', ({ status }) => {
    if (status === 'closed') user += 1;
  });
  socket.on('unsent', ({ message }) => unsent.push(message));

  const doStep = (step: string) => {
    const ws = dialled.at(-1);
    const [verb, what] = step.split(' ');
    if (step === 'connect') socket.connect();
    if (step === 'close') socket.close();
    if (step === 'reconnect') socket.reconnect();
    if (step === 'retain') releases.push(socket.retain());
    if (step === 'release') releases.shift()?.();
    if (step === 'send') {
      const message = `${userNow()} ${accepted.length}`;
      if (socket.send(message) !== 'refused') accepted.push(message);
    }
    if (step === 'token comes') tokens.shift()?.comes();
    if (step === 'token fails') tokens.shift()?.fails();
    if (step === 'payload comes') payloads.shift()?.();
    if (step === 'go offline') world.goOffline();
    if (step === 'go online') world.goOnline();
    if (!ws) return;
    if (step === 'accept' && ws.readyState === 0) ws.accept();
    if (step === 'ack' && ws.readyState === 1 && ws.sent.length) {
      acked.add(ws);
      ws.say(originalAck);
    }
    if (step === 'say') ws.say('hello');
    if (verb === 'drop' && ws.readyState < 3) ws.drop(Number(what));
    if (verb === 'buffer') ws.bufferedAmount = what === 'fills' ? 1e9 : 0;
  };

  const isClosed = () => socket.getSnapshot().status === 'closed';

  return {
    ...r,
    doStep,
    isClosed,
    check() {
      for (const ws of dialled) {
        const owner = new URL(ws.url).searchParams.get('user');
        const [payload = owner, ...messages] = ws.sent;
        expect([ws.token, payload], "C4: the user's own token and payload").toEqual([owner, owner]);
        expect(
          messages.every((message) => message.startsWith(`${owner} `)),
          'C4: messages',
        ).toBe(true);
        expect(messages.length === 0 || acked.has(ws), 'C1: nothing else before the ack').toBe(
          true,
        );
      }
      const { sockets } = r.leaks();
      expect(sockets, 'C2: one connection at a time').toBeLessThanOrEqual(1);
      if (isClosed()) expect(r.leaks(), 'C3: close() leaves nothing').toEqual(nothing);
    },
    async end() {
      for (const release of releases) release();
      socket.close();
      const before = [...r.events];
      for (const ws of dialled) {
        ws.say('late');
        ws.drop();
      }
      for (const token of tokens) token.comes();
      for (const payload of payloads) payload();
      world.goOnline();
      await world.advance(600_000);
      expect(r.events, 'C3: silence after close()').toEqual(before);

      const sent = dialled.flatMap((ws) => ws.sent.slice(1));
      expect(sent, 'C9: sent in order').toEqual(
        accepted.filter((message) => sent.includes(message)),
      );
      const outcomes = [...sent, ...unsent].sort();
      expect(outcomes, 'C9: sent once, or reported unsent').toEqual([...accepted].sort());
    },
  };
}

async function play(tokenRetry: 'refresh' | 'reuse', script: readonly Step[]) {
  const model = createModel(tokenRetry);
  let inside: Step['inside'] = null;
  for (const event of events) {
    model.socket.on(event, () => {
      if (inside?.event !== event) return;
      const { step } = inside;
      inside = null;
      model.doStep(step);
    });
  }

  for (const { step, ...next } of script) {
    const wasClosed = model.isClosed();
    const from = model.events.length;
    inside = next.inside;
    model.doStep(step);
    if (step === 'close' && !next.inside) {
      const told = model.events.slice(from).filter((event) => !event.startsWith('unsent'));
      expect(told, 'C3: nothing but the close').toEqual(wasClosed ? [] : ['state closed', 'close']);
    }
    model.check();
    await settle();
    if (step.startsWith('wait')) await model.world.advance(Number(step.slice(5)));
    model.check();
  }
  inside = null;
  await model.end();
  model.check();
}

test('C1, C2, C3, C4 and C9 hold in any interleaving', async () => {
  const script = fc
    .tuple(fc.nat(start.length), fc.array(anyStep, { maxLength: 60 }))
    .map(([count, steps]) => [
      ...start.slice(0, count).map((step) => ({ step, inside: null })),
      ...steps,
    ]);
  await fc.assert(fc.asyncProperty(fc.constantFrom('refresh', 'reuse'), script, play), {
    seed: 20_261_124,
    numRuns: 400,
  });
});
