import type { Options, TwoStageSocket } from '@two-stage-socket/core';
import { describe, expect, test } from 'vitest';
import { atPace, hasten, hold, message, open, state } from './contract.ts';
import { type FakeDiscord, startFakeDiscord } from './documented/discord.ts';
import { own, serverOf } from './documented/server.ts';
import { discord } from './recipes/discord.ts';

interface Happening {
  readonly what: string;
  readonly op: 2 | 6;
  happens(fake: FakeDiscord): void;
}

const guildMessages = 1 << 9;
const properties = { os: 'linux', browser: 'two-stage-socket', device: 'two-stage-socket' };

async function start(interval?: number) {
  const fake = await startFakeDiscord(interval);
  return serverOf(fake, 'version 10, as documented in 2026', (wrong) => {
    const token = wrong === 'bad payload' ? 'none' : fake.token;
    return discord({ url: fake.url, identify: { token, intents: guildMessages, properties } });
  });
}

const startHere = (interval?: number) => own(start(interval));

/** A bot, and the names of its events: the ack is one of them. */
function run(options: Options<any, any>) {
  const socket = open(hasten(options, Number.POSITIVE_INFINITY));
  const events: string[] = [];
  const note = ({ op, t, d }: any) => {
    if (op === 0) events.push(d.id ? `${t} ${d.id}` : t);
    if (op === 7 || op === 9) socket.reconnect();
  };
  socket.on('ready', ({ ack }) => note(ack));
  socket.on('message', note);
  return { socket, events };
}

const event = (socket: TwoStageSocket<any, any>, name: string) =>
  message(socket, (one) => one.t === name);

/** Ready for the `count`th time, the first included if it is yet to come. */
function readies(socket: TwoStageSocket<any, any>, count: number): Promise<void> {
  return new Promise((resolve) => socket.on('ready', () => --count || resolve()));
}

hold({
  name: 'Discord',
  start,
  badPayload: { stage: 'init', code: 'init-dropped' },
  async exchange(socket, { fake }) {
    const created = event(socket, 'MESSAGE_CREATE');
    fake.dispatch('MESSAGE_CREATE', { content: 'hello' });
    expect((await created).d).toEqual({ content: 'hello' });
  },
  withAck: (messages) => expect(messages[0]).toMatchObject({ t: 'GUILD_CREATE', s: 2 }),
});

describe('Discord', () => {
  test('a connection that is lost is resumed, and no event is', async () => {
    const server = await startHere();
    const { fake } = server;
    const { socket, events } = run(server.options());
    await event(socket, 'GUILD_CREATE');
    const resumed = event(socket, 'RESUMED');
    fake.cut();
    fake.dispatch('MESSAGE_CREATE', { id: '1' });
    fake.dispatch('MESSAGE_CREATE', { id: '2' });
    await resumed;
    const seen = ['READY', 'GUILD_CREATE 2', 'MESSAGE_CREATE 1', 'MESSAGE_CREATE 2', 'RESUMED'];
    expect(events).toEqual(seen);
    expect(fake.handshakes).toEqual([
      { op: 2, path: '/' },
      { op: 6, path: '/resume/' },
    ]);
  });

  test.each([
    { what: 'is asked to come again, op 7', op: 6, happens: ({ send }) => send(7) },
    {
      what: 'has an invalid session, op 9, but may resume',
      op: 6,
      happens: ({ send }) => send(9, true),
    },
    { what: 'has an invalid session, op 9', op: 2, happens: ({ send }) => send(9, false) },
    { what: 'is told 4000', op: 6, happens: ({ cut }) => cut(4000) },
    { what: 'is told 4009', op: 6, happens: ({ cut }) => cut(4009) },
    {
      what: 'comes with what the server has forgotten',
      op: 2,
      happens({ forget, cut }) {
        forget();
        cut();
      },
    },
    {
      what: 'comes with a number that the server never sent, 4007',
      op: 2,
      happens({ fail, cut }) {
        fail(4007);
        cut();
      },
    },
    {
      what: 'finds nobody at the URL of its session',
      op: 6,
      happens({ moveAway, cut }) {
        moveAway();
        cut();
      },
    },
  ] satisfies Happening[])('a bot that $what goes on by op $op', async ({ op, happens }) => {
    const { fake, ...server } = await startHere();
    const { socket } = run(server.options());
    await event(socket, 'GUILD_CREATE');
    const again = readies(socket, 1);
    happens(fake);
    await again;
    expect(fake.handshakes.map((one) => one.op)).toEqual([2, op]);
  });

  test.each([4004, 4010, 4011, 4012, 4013, 4014])('%i is final', async (closeCode) => {
    const server = await startHere();
    server.fake.fail(closeCode);
    const { socket } = run(server.options());
    const { failure } = await state(socket, 'closed');
    expect(failure).toMatchObject({ stage: 'init', closeCode });
    expect(server.upgrades).toBe(1);
  });

  test('a second invalid session in a row, op 9, is waited out', async () => {
    const server = await startHere();
    server.fake.fail(9, 9);
    const { socket } = run(server.options());
    expect((await state(socket, 'waiting')).failure).toMatchObject({ retryable: true });
    await state(socket, 'connecting');
    const { failure, retryAt = 0 } = await state(socket, 'waiting');
    expect(failure).toMatchObject({ stage: 'init', code: 'unauthorized', retryable: false });
    expect(retryAt - Date.now()).toBeGreaterThan(4000);
  });

  test('an intent that the app was not approved for is final', async () => {
    const server = await startHere();
    const identify = { token: server.fake.token, intents: 1 << 15, properties };
    const { socket } = run(discord({ url: server.fake.url, identify }));
    expect((await state(socket, 'closed')).failure).toMatchObject({ closeCode: 4014 });
  });
});

describe('Discord’s heartbeats', () => {
  /** As the recipe, but at the pace of the test's server. */
  test('keep a connection, with the number of the last event', async () => {
    const server = await startHere(600);
    const { socket, events } = run(atPace(server.options(), 400));
    await event(socket, 'GUILD_CREATE');
    for (let i = 0; i < 3; i++) expect(await server.fake.beat()).toBe(2);
    expect(server.upgrades).toBe(1);
    expect(events).toEqual(['READY', 'GUILD_CREATE 2']);
  });

  test('are sent at once when the server asks for one', async () => {
    const server = await startHere();
    const { socket } = run(server.options());
    await event(socket, 'GUILD_CREATE');
    const delivered: number[] = [];
    socket.on('message', ({ op }) => delivered.push(op));
    const beat = server.fake.beat();
    server.fake.send(1);
    expect(await beat).toBe(2);
    const created = event(socket, 'MESSAGE_CREATE');
    server.fake.dispatch('MESSAGE_CREATE', {});
    await created;
    expect(delivered).toEqual([0]);
  });

  test('that come too late cost the connection, not the session', async () => {
    const server = await startHere(200);
    const { socket } = run(server.options());
    await readies(socket, 2);
    expect(server.fake.handshakes.map(({ op }) => op).slice(0, 2)).toEqual([2, 6]);
  });

  test('that are not acknowledged cost the connection, not the session', async () => {
    const server = await startHere();
    const { socket } = run(atPace(server.options(), 100));
    await event(socket, 'GUILD_CREATE');
    server.fake.silence();
    expect(await state(socket, 'waiting')).toMatchObject({
      failure: { stage: 'ready', code: 'heartbeat-timeout' },
    });
    await readies(socket, 1);
    expect(server.fake.handshakes.map(({ op }) => op)).toEqual([2, 6]);
  });
});
