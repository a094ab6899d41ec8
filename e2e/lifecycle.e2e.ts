import type { Heartbeat, Timeouts, TwoStageSocket } from '@two-stage-socket/core';
import type { CDPSession, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { keepsWebSockets, launchWildBrowser, type WildBrowser } from './browser.ts';
import { type Front, startFront } from './front.ts';
import { type Server, startServer } from './server.ts';

declare global {
  interface Window {
    readonly core: typeof import('@two-stage-socket/core');
    socket: TwoStageSocket;
    seen: Seen;
    stopSending: () => number;
  }
}

/** What a page has seen since its socket was made. */
interface Seen {
  /** What happened to the page, and each state of its socket, in the order of their coming. */
  readonly history: { readonly what: string; readonly at: number }[];
  readonly errors: string[];
  readonly messages: unknown[];
}

interface SocketOptions {
  readonly heartbeat?: Partial<Heartbeat>;
  readonly timeouts?: Partial<Timeouts>;
}

/** How long what has to come may take, in ms: a slow machine needs it, what never comes costs it. */
const patience = { timeout: 15_000, interval: 50 };

/** How late what has a time may be, in ms. */
const slack = 2000;

/** A first life of a socket, from nothing to ready. */
const opening = ['fetching-token', 'connecting', 'authenticating', 'ready'];

let front: Front;
let server: Server;
let leaving: Server;
let browser: WildBrowser;
let page: Page;
let session: CDPSession;
let pageErrors: string[];

beforeAll(async () => {
  front = await startFront();
  const settings = { ORIGINS: front.url, LOG_LEVEL: 'info' };
  [server, leaving, browser] = await Promise.all([
    startServer(settings),
    startServer(settings),
    launchWildBrowser(keepsWebSockets),
  ]);
});

afterAll(async () => {
  await Promise.all([server?.stop(), leaving?.stop(), browser?.close()]);
  front?.stop();
});

beforeEach(() => visit(browser));

afterEach(async () => {
  expect(pageErrors).toEqual([]);
  for (const each of browser.context.pages()) await each.close();
  front.resume();
  front.reset();
  await server.faults({ action: 'reset' });
});

/** Opens the page that the test is about. */
async function visit({ context }: WildBrowser): Promise<void> {
  front.target = server.url;
  page = await context.newPage();
  page.setDefaultTimeout(patience.timeout);
  session = await context.newCDPSession(page);
  pageErrors = [];
  page.on('pageerror', (error) => pageErrors.push(String(error)));
  // The client waits for a random part of its delay: here a small one.
  await page.addInitScript('Math.random = () => 0.05');
  await page.goto(front.url);
}

/** Makes a socket in the page and waits until it is ready. */
async function open(options: SocketOptions = {}): Promise<void> {
  await page.evaluate(startSocket, options);
  await until(ends('ready'));
}

/** Runs in the page. */
async function startSocket(options: SocketOptions): Promise<void> {
  const { TwoStageSocket, fetchToken } = window.core;
  const { history, errors, messages }: Seen = { history: [], errors: [], messages: [] };
  window.seen = { history, errors, messages };
  const note = (what: string) => history.push({ what, at: Date.now() });
  // Before the socket listens itself: the cause, then the effect.
  for (const type of ['online', 'offline', 'freeze', 'resume', 'pagehide', 'pageshow']) {
    const listen = (event: Event | PageTransitionEvent) =>
      note('persisted' in event && event.persisted ? `${type} persisted` : type);
    window.addEventListener(type, listen, true);
  }
  window.addEventListener('visibilitychange', () => note(document.visibilityState), true);

  const logIn = async (): Promise<string> => {
    const response = await fetch('/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: 'ada', password: 'ada' }),
    });
    return (await response.json()).data.token;
  };
  let jwt = await logIn();
  const socket = new TwoStageSocket({
    url: '/demo',
    getToken: fetchToken('/token/ws', () => ({ headers: { Authorization: `Bearer ${jwt}` } })),
    async initPayload({ reason }) {
      if (reason === 'renew') jwt = await logIn();
      return { type: 'jwt', token: jwt };
    },
    ...options,
  });
  socket.on('statechange', (state) => {
    const isParked = state.status === 'waiting' && state.until;
    note(isParked ? `waiting until ${state.until}` : state.status);
  });
  socket.on('error', ({ code }) => errors.push(code));
  socket.on('message', (message) => messages.push(message));
  window.socket = socket;
  socket.connect();
}

/** What the page has seen so far. A frozen page can be asked, too. */
const look = (): Promise<Seen> => page.evaluate(() => window.seen);

/** Waits until what the page has seen is like that. */
async function until(holds: (seen: Seen) => boolean): Promise<Seen> {
  let seen = await look();
  await expect
    .poll(async () => {
      seen = await look();
      return holds(seen) || seen;
    }, patience)
    .toBe(true);
  return seen;
}

const ends =
  (what: string) =>
  ({ history }: Seen): boolean =>
    history.at(-1)?.what === what;

const whats = ({ history }: Seen): string[] => history.map(({ what }) => what);

/** When that was, last. */
const when = ({ history }: Seen, what: string): number =>
  history.findLast((entry) => entry.what === what)?.at ?? Number.NaN;

/** Sends a message and waits for its echo: the connection lives, in both directions. */
async function exchange(message: string): Promise<void> {
  expect(await page.evaluate((text) => window.socket.send(text), message)).toBe('sent');
  await until(({ messages }) => messages.includes(`echo: ${message}`));
}

/** Hides the page, as people do: another one comes to the front of the same window. */
async function hide(): Promise<void> {
  const other = await page.context().newPage();
  await other.bringToFront();
  await until(ends('hidden'));
}

/** Freezes the page, once it is hidden, as browsers do where they are short of memory or of power. */
async function freeze(): Promise<void> {
  await hide();
  await setFrozen(true);
  await until(ends('freeze'));
}

const setFrozen = (isFrozen: boolean): Promise<unknown> =>
  session.send('Page.setWebLifecycleState', { state: isFrozen ? 'frozen' : 'active' });

/** How many frames like that a server has sent so far, whether or not they were read. */
const countSent = (frame: RegExp): number =>
  front.passages.flatMap(({ fromServer }) => fromServer).filter((text) => frame.test(text)).length;

/** Waits until that many more frames like that have left the server: time as it passes there. */
async function untilSent(frame: RegExp, more: number): Promise<void> {
  const before = countSent(frame);
  await expect.poll(() => countSent(frame), patience).toBeGreaterThanOrEqual(before + more);
}

test('keeps no page out of the back/forward cache, and comes back with it', async () => {
  await open();
  await exchange('before');
  await page.evaluate(() => {
    // Later than the socket's own listener, so after it has let go.
    const send = () =>
      window.seen.history.push({ what: window.socket.send('meanwhile'), at: Date.now() });
    window.addEventListener('pagehide', send, true);
  });
  const ends = () => server.log.filter(({ msg }) => msg === 'connection ended');
  const before = ends().length;
  await page.goto(`${front.url}/away`);
  await expect.poll(ends, patience).toHaveLength(before + 1);
  expect(ends().at(-1)?.code).toBe(1000);

  await page.goBack({ waitUntil: 'commit' });
  const seen = await until(({ messages }) => messages.includes('echo: meanwhile'));
  const history = whats(seen).filter((what) => !/visible$|hidden|freeze|resume/.test(what));
  expect(history.slice(0, 7)).toEqual([
    ...opening,
    'pagehide persisted',
    'waiting until shown',
    'queued',
  ]);
  // A page that is visible has come back: the event that says so may be later than that.
  expect(history).toContain('pageshow persisted');
  expect(history.slice(7).filter((what) => what !== 'pageshow persisted')).toEqual(opening);
  expect(seen.errors).toEqual([]);
  expect(front.passages).toHaveLength(2);
});

test('takes no frozen page for a dead connection', async () => {
  await open({ heartbeat: { interval: 1000, timeout: 1000 } });
  await freeze();
  const { messages } = await look();
  // By the server's clock, one every 200 ms: longer than the heartbeat of a page awake would bear.
  await untilSent(/"ping \d+"/, 13);
  expect((await look()).messages).toEqual(messages);

  await setFrozen(false);
  await exchange('thawed');
  await untilSent(/^{"type":"pong"}$/, 1);
  const seen = await look();
  expect(whats(seen)).toEqual([...opening, 'hidden', 'freeze', 'resume']);
  expect(seen.errors).toEqual([]);
  expect(front.passages).toHaveLength(1);
  // What came meanwhile was kept, too.
  const pings = seen.messages.filter((message) => /^ping/.test(String(message)));
  expect(pings.length).toBeGreaterThan(13);
  expect(pings).toEqual(pings.map((_, i) => `ping ${i + 1}`));
});

test('notices soon after a thaw that it was cut off meanwhile', async () => {
  // The server asks for a heartbeat every 25 s: too rare to be what notices it.
  await open();
  await freeze();
  front.silence();
  front.resume();
  await setFrozen(false);
  await page.bringToFront();
  await until(({ errors }) => errors.length > 0);
  const seen = await until(ends('ready'));
  expect(seen.errors).toEqual(['heartbeat-timeout']);
  expect(whats(seen)).toEqual([
    ...opening,
    'hidden',
    'freeze',
    'resume',
    'visible',
    'waiting',
    ...opening,
  ]);
  // What was held back since before the question puts the verdict off once.
  expect(when(seen, 'waiting') - when(seen, 'resume')).toBeLessThan(2 * 3000 + slack);
  await exchange('thawed');
});

test('comes back from a freeze that has ended its connection', async () => {
  // Whether this Chromium ends it by itself or not: the server does, too.
  const own = await launchWildBrowser();
  try {
    await visit(own);
    await open();
    await freeze();
    await server.faults({ action: 'kill-connections' });
    await setFrozen(false);
    await until(ends('waiting until visible'));
    await page.bringToFront();
    const seen = await until(ends('ready'));
    expect(seen.errors).toEqual(['connection-lost']);
    expect(front.passages).toHaveLength(2);
    await exchange('thawed');
  } finally {
    await own.close();
  }
});

test('pauses its retries while the page is hidden', async () => {
  await open();
  await hide();
  await server.faults({ action: 'kill-connections' });
  await until(ends('waiting until visible'));
  expect(front.passages).toHaveLength(1);

  await page.bringToFront();
  const seen = await until(ends('ready'));
  expect(whats(seen)).toEqual([
    ...opening,
    'hidden',
    'waiting',
    'waiting until visible',
    'visible',
    'waiting',
    ...opening,
  ]);
  expect(seen.errors).toEqual(['connection-lost']);
  await exchange('seen');
});

test('waits for the network, and is back a second after it', async () => {
  await open({ heartbeat: { interval: 1000, timeout: 1000 } });
  await browser.context.setOffline(true);
  // Chromium ends nothing then, so it is the heartbeat that finds out.
  await until(ends('waiting until online'));
  await browser.context.setOffline(false);
  const seen = await until(ends('ready'));
  expect(seen.errors).toEqual(['heartbeat-timeout']);
  expect(whats(seen)).toEqual([
    ...opening,
    'offline',
    'waiting until online',
    'online',
    'waiting',
    ...opening,
  ]);
  expect(when(seen, 'ready') - when(seen, 'online')).toBeLessThan(1000 + slack);
  await exchange('online');
});

test('notices a connection that is open on one side only', async () => {
  const heartbeat = { interval: 1000, timeout: 1000 };
  await open({ heartbeat, timeouts: { token: 1000 } });
  front.silence();
  const silencedAt = Date.now();
  const { history } = await until(({ errors }) => errors.length > 0);
  const lostAt = history.find(({ what }) => what === 'waiting')?.at ?? Number.NaN;
  expect(lostAt - silencedAt).toBeLessThan(heartbeat.interval + heartbeat.timeout + slack);

  // Whatever it asks for meanwhile is not answered either.
  await until(({ errors }) => errors.includes('token-timeout'));
  front.resume();
  const { errors } = await until(ends('ready'));
  expect(errors[0]).toBe('heartbeat-timeout');
  await exchange('whole again');
});

test('renews its JWT in place, over several lives', async () => {
  await server.faults({ jwtExpiresIn: 2000 });
  await open();
  await page.evaluate(startSending);
  // Each comes at half of a life.
  await untilSent(/^{"type":"ready"/, 5);
  await expectAllSentOnce();
  const seen = await look();
  expect(whats(seen)).toEqual(opening);
  expect(seen.errors).toEqual([]);
  expect(front.passages).toHaveLength(1);
});

test('hands over to another server before its own one stops', async () => {
  front.target = leaving.url;
  await open();
  await page.evaluate(startSending);
  await untilSent(/"n":/, 1);

  // What is opened from now on is served by the other one, and so are requests: each knows only its tokens.
  front.target = server.url;
  const left = leaving.drain();
  await expect.poll(() => front.passages[1]?.fromServer.join(), patience).toMatch(/"n":/);
  // By itself: its clients have left.
  expect(await left).toBe(0);
  await expectAllSentOnce();
  const seen = await look();
  expect(whats(seen)).toEqual([...opening, 'ready']);
  expect(seen.errors).toEqual([]);
  await expect.poll(() => front.passages.map(({ isOver }) => isOver)).toEqual([true, false]);
});

/** Runs in the page: sends numbers from 0 without a pause, until `stopSending`. */
function startSending(): void {
  let next = 0;
  const id = setInterval(() => window.socket.send({ n: next++ }), 20);
  window.stopSending = () => {
    clearInterval(id);
    return next;
  };
}

/** Ends `startSending`; checks that all of it came to a server, once and in order. */
async function expectAllSentOnce(): Promise<void> {
  const count = await page.evaluate(() => window.stopSending());
  // A server's echo says that a message came, also where its client has let go of the connection.
  const arrived = () =>
    front.passages
      .flatMap(({ fromServer }) => fromServer.map((text) => JSON.parse(text).data?.n))
      .filter((n) => n !== undefined);
  await expect.poll(arrived, patience).toHaveLength(count);
  expect(arrived()).toEqual(Array.from({ length: count }, (_, n) => n));
}
