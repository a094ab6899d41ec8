import { expectEnd, expectRefusal } from '../ends.ts';
import { lifeOf, respelled, withLife } from '../jwt.ts';
import { expect, Failure, fail, NotRun } from '../outcome.ts';
import { onEachWire, onWire, type Row } from '../row.ts';
import type { Ready, Session } from '../session.ts';
import { Late, sleep, within } from '../time.ts';
import { initPayload, readTyped, twoStage, type Wire } from '../wire.ts';
import { expectRenewalRefused } from './messages.ts';

/** How much later than it should a connection may end, in ms, on a busy machine. */
const LATE = 2000;

/** How much earlier than it should a connection may end, in ms: JWTs count in whole seconds. */
const EARLY = 1100;

/** Lives of signed JWTs, in s. */
const SHORT = 4;
const LONGER = 8;

/** A JWT that expires soon: a signed one if that is possible, else the server's own. */
async function mortalJwt(session: Session, seconds: number): Promise<string> {
  const { jwtSecret } = session.options;
  const jwt = await session.login(session.user);
  if (jwtSecret !== undefined) return session.secrets.add(withLife(jwt, jwtSecret, seconds));
  const life = lifeOf(jwt);
  if (life === Number.POSITIVE_INFINITY) {
    throw new NotRun('when the JWT expires cannot be seen: pass --jwt-secret');
  }
  session.expectPatience(
    life + LATE,
    `JWTs live ${Math.round(life)} ms: pass --jwt-secret, or start the server with shorter ones`,
  );
  return jwt;
}

async function readyWithMortal(session: Session, wire: Wire): Promise<Ready> {
  const { connection } = await session.open(wire, session.user);
  const jwt = await mortalJwt(session, SHORT);
  return beforeItExpires(jwt, session.readyWith(wire, connection, jwt));
}

/** Leaves the row where a JWT did not live to see what it was for. */
async function beforeItExpires<T>(jwt: string, wait: Promise<T>): Promise<T> {
  try {
    return await wait;
  } catch (error) {
    if (lifeOf(jwt) > 0 || error instanceof Late) throw error;
    throw new NotRun(
      'the JWT expired first: run it on a machine, or with JWTs, of which that is not so',
    );
  }
}

/** Requires a connection to end with 4401 when its JWT does. */
async function expectExpiry(session: Session, { connection }: Ready, jwt: string): Promise<void> {
  const life = lifeOf(jwt);
  await expectEnd(session, connection, 4401, Math.max(0, life) + LATE);
  const left = lifeOf(jwt);
  expect(left < EARLY, 'an end when the JWT expires', `one ${Math.round(left)} ms before that`);
}

/** Sections 10.1 to 10.3. */
export const lifeRows: readonly Row[] = [
  ...onEachWire({
    rules: ['10.1'],
    title: 'a JWT that expires: 4401',
    phase: 'waiting',
    async run(session, wire) {
      const ready = await readyWithMortal(session, wire);
      await expectExpiry(session, ready, ready.jwt);
    },
  }),
  onWire(twoStage, {
    rules: ['7.1', '10.1'],
    title: "a renewed connection outlives its first JWT, and ends with the second's expiry: 4401",
    phase: 'waiting',
    async run(session) {
      const ready = await readyWithMortal(session, twoStage);
      if (session.options.jwtSecret === undefined) {
        // Another life needs to be seen to be another.
        await sleep(lifeOf(ready.jwt) / 2);
      }
      const second = await mortalJwt(session, LONGER);
      ready.connection.send(initPayload(second));
      const frame = await beforeItExpires(ready.jwt, ready.next('another ready'));
      expect(readTyped(frame)?.type === 'ready', 'another ready', String(frame));
      const left = lifeOf(ready.jwt);
      if (lifeOf(second) - left < EARLY) {
        throw new NotRun('the second JWT does not live longer than the first');
      }
      await sleep(left + EARLY / 2);
      await beforeItExpires(second, session.expectEcho(ready, 'still here'));
      await expectExpiry(session, ready, second);
    },
  }),
  ...onEachWire({
    rules: ['10.2'],
    title: "logout: 4401 on every connection of the user, and on nobody else's",
    phase: 'alone',
    async run(session, wire) {
      const { user, other } = session;
      const [one, two, bystander] = [
        await session.ready(wire, user),
        await session.ready(wire, user),
        await session.ready(wire, other),
      ];
      await logOut(session, two.jwt);
      await expectEnd(session, one.connection, 4401);
      await expectEnd(session, two.connection, 4401);
      await session.expectEcho(bystander, 'still here');
    },
  }),
  {
    rules: ['10.2', '3.3'],
    wire: 'http',
    title: 'logout: the JWT is refused at the token route with 401, and a new login is not',
    phase: 'alone',
    async run(session) {
      const { user } = session;
      const jwt = await session.login(user);
      await logOut(session, jwt);
      const { status } = await session.askToken(jwt);
      expect(status === 401, '401', `${status}`);
      await session.mint(await loginAgain(session, jwt));
    },
  },
  {
    rules: ['10.2'],
    wire: 'http',
    title: 'logout: the JWT is refused as well when its signature is spelled otherwise',
    phase: 'alone',
    async run(session) {
      const jwt = await session.login(session.user);
      await logOut(session, jwt);
      const other = respelled(jwt);
      if (other === undefined) throw new NotRun('its signature can be spelled in one way only');
      const { status } = await session.askToken(session.secrets.add(other));
      expect(status === 401, '401', `${status}`);
    },
  },
  ...onEachWire({
    rules: ['10.2', '5.3'],
    title: 'logout: the JWT is refused as init payload, no data frame',
    phase: 'alone',
    async run(session, wire) {
      const { user } = session;
      const jwt = await session.login(user);
      await logOut(session, jwt);
      await loginAgain(session, jwt);
      const { connection } = await session.open(wire, user);
      connection.send(initPayload(jwt));
      await expectRefusal(session, connection, wire.refusal(4401));
    },
  }),
  onWire(twoStage, {
    rules: ['10.2', '7.1'],
    title: 'logout: the JWT is refused as renewal with 4401',
    phase: 'alone',
    async run(session) {
      const { user } = session;
      const jwt = await session.login(user);
      await logOut(session, jwt);
      await loginAgain(session, jwt);
      const { connection } = await session.ready(twoStage, user);
      connection.send(initPayload(jwt));
      await expectRenewalRefused(session, connection, 4401);
    },
  }),
  ...onEachWire({
    rules: ['10.3'],
    title: 'who does not answer pings is ended, who does is not',
    phase: 'waiting',
    run: expectLiveness,
  }),
];

async function logOut(session: Session, jwt: string): Promise<void> {
  const { logoutPath } = session.options;
  if (logoutPath === undefined) throw new NotRun('there is no logout (--logout-path none)');
  const { status } = await session.request('POST', logoutPath, { Authorization: `Bearer ${jwt}` });
  if (status === 404 || status === 405) {
    throw new NotRun(`POST ${logoutPath} is answered ${status}: pass --logout-path`);
  }
  expect(status >= 200 && status < 300, `2xx from POST ${logoutPath}`, `${status}`);
}

/** Logs in until the JWT is another: without a `jti`, two of the same second are equal. */
async function loginAgain(session: Session, before: string): Promise<string> {
  for (let tries = 0; tries < 10; tries += 1) {
    const jwt = await session.login(session.user);
    if (jwt !== before) return jwt;
    await sleep(300);
  }
  throw new Failure('expected another JWT from another login; got the same one for 3 s');
}

async function expectLiveness(session: Session, wire: Wire): Promise<void> {
  const heartbeat = await heartbeatOf(session);
  // One to be asked, one to be ended, and one for a server whose rounds began just before.
  const wait = 3 * heartbeat + LATE;
  session.expectPatience(
    wait,
    `the heartbeat is ${heartbeat} ms: start the server with a shorter one`,
  );
  const deaf = await session.ready(wire);
  if (lifeOf(deaf.jwt) < wait) {
    throw new NotRun(
      `JWTs live shorter than ${wait} ms, which would end a connection first: pass --jwt-secret`,
    );
  }
  deaf.connection.answersPings = false;
  const alive = await session.ready(wire);
  const ended = within(wait, 'an end', deaf.connection.ended);
  const isEnded = await ended.then(
    () => true,
    () => false,
  );
  const { pings } = deaf.connection;
  if (pings === 0) throw new NotRun(`no ping within ${wait} ms, which is a SHOULD`);
  if (!isEnded) fail('an end for who does not answer', `an open socket after ${pings} pings`);
  await session.expectEcho(alive, 'still here');
}

/** The interval of liveness pings, in ms, which only one of the wires tells. */
async function heartbeatOf(session: Session): Promise<number> {
  const { headers, connection, status, jwt } = await session.upgradeAs(session.user, {
    offer: twoStage.offer,
  });
  if (connection === undefined) fail('101 for a good token', `${status}`);
  if (headers.get('sec-websocket-protocol') !== twoStage.name) {
    throw new NotRun('the server does not say its heartbeat');
  }
  const { ack } = await session.readyWith(twoStage, connection, session.longer(jwt));
  const heartbeat = readTyped(ack)?.heartbeat;
  if (typeof heartbeat !== 'number' || heartbeat <= 0) throw new NotRun('there is no heartbeat');
  return heartbeat;
}
