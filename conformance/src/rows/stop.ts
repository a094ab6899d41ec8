import type { Connection } from '../connection.ts';
import { expectEnd, howItEnded } from '../ends.ts';
import { expectRetryAfter } from '../http.ts';
import { about, expect, fail, NotRun, show } from '../outcome.ts';
import { onEachWire, onWire, type Row } from '../row.ts';
import type { Ready, Session } from '../session.ts';
import { isOver, Late, sleep, within } from '../time.ts';
import { NoAnswer, type Upgraded } from '../upgrade.ts';
import { readTyped, twoStage, type Wire, type WireName, wires } from '../wire.ts';
import { expectRetryAfterReason } from './limits.ts';

/** Ready connections on each wire: enough to see whether their delays differ. */
const CROWD = 3;

/** How much earlier than announced a server may close, in ms: timers are that exact. */
const EARLY = 100;

/** How long to wait before the next upgrade, in ms: some servers stop within a few. */
const UPGRADE_EVERY = 5;

/** What came of an upgrade where nobody listens. */
const NO_CONNECTION = 'no network connection';

/** What came of an upgrade that was not answered. */
const NO_ANSWER = 'no answer';

/** So long, in ms, no server leaves an upgrade unanswered because it ends in that moment. */
const HELD = 500;

/** Ready connections of a wire, or why there are none. */
type Crowd = readonly Ready[] | Error;

/** What was seen of a server that stops. */
interface Stop {
  readonly crowds: ReadonlyMap<WireName, Crowd>;
  readonly admission: Admission;
  /** Whether a connection that was told to go away was served after that; `undefined` if it was too
   * late to tell. */
  readonly isServed: boolean | undefined;
  /** ms from the signal to each end, by connection. */
  readonly endedAfter: ReadonlyMap<Ready, number>;
  /** Sockets that were not authenticated. */
  readonly strays: ReadonlyMap<WireName, Connection>;
}

/** What upgrades met after the signal. */
type Admission =
  /** The answer 503. */
  | { readonly refused: Upgraded }
  /** What came instead, although the server had noticed the signal, or had all the time to. */
  | { readonly instead: string }
  /** The server was gone before an upgrade could be tried that says something. */
  | 'gone';

/** Rows that look at the one stop there is. */
export function stopRows(): readonly Row[] {
  let stop: Promise<Stop> | undefined;
  const observe = (session: Session): Promise<Stop> => {
    stop ??= observeStop(session.another());
    return stop;
  };
  return [
    onWire(twoStage, {
      rules: ['7.5', '10.5'],
      title: 'stop: going-away with different delays, served until the deadline',
      phase: 'last',
      async run(session) {
        const { crowds, isServed, endedAfter, strays } = await observe(session);
        const notices = crowdOf(crowds, twoStage).map((one) => ({
          one,
          notice: goingAway(one),
        }));
        for (const { one, notice } of notices) {
          const { retryAfter, deadline } = notice ?? {};
          expect(
            typeof retryAfter === 'number' && typeof deadline === 'number',
            '{"type":"going-away"} with retryAfter and deadline as numbers of ms',
            notice === undefined ? howItEnded(one.connection) : show(notice),
          );
          leaveIfExpired(one.connection);
          const after = endedAfter.get(one) ?? Number.POSITIVE_INFINITY;
          expect(
            after >= deadline - EARLY,
            `an end at the deadline of ${deadline} ms`,
            `one after ${Math.round(after)} ms`,
          );
        }
        expectDifferent(
          'retryAfter',
          notices.map(({ notice }) => Number(notice?.retryAfter)),
        );
        if (isServed === undefined) {
          throw new NotRun(
            'no time was left to ask for an echo: start the server with a later deadline of the stop',
          );
        }
        expect(isServed, 'an echo after going-away', 'none');
        const strayFrame = strays.get(twoStage.name)?.frames[0];
        if (strayFrame !== undefined) {
          fail('no data frame for who is not authenticated', show(strayFrame));
        }
      },
    }),
    {
      rules: ['10.5', '4.2.3'],
      wire: 'http',
      title: 'stop: an upgrade is answered 503 with Retry-After',
      phase: 'last',
      async run(session) {
        const { admission } = await observe(session);
        if (admission === 'gone') {
          throw new NotRun('the server was gone before another upgrade could be tried');
        }
        if ('instead' in admission) fail('503 for an upgrade', admission.instead);
        const { headers, answer } = admission.refused;
        expectRetryAfter(headers.get('retry-after'), answer?.body ?? '');
      },
    },
    ...onEachWire({
      rules: ['10.5', '8.1'],
      title: 'stop: 1012 with different delays',
      phase: 'last',
      async run(session, wire) {
        const { crowds, strays } = await observe(session);
        const delays: number[] = [];
        for (const { connection } of crowdOf(crowds, wire)) {
          if (!connection.isOver) {
            session.expectPatience(
              deadlineOf(crowds),
              'the deadline is later: start the server with a shorter one',
            );
          }
          leaveIfExpired(connection);
          delays.push(expectRetryAfterReason(await expectEnd(session, connection, 1012)));
        }
        const stray = strays.get(wire.name);
        if (stray !== undefined) {
          const reason = await about('not authenticated', expectStrayEnded(session, stray, wire));
          if (reason !== undefined) delays.push(expectRetryAfterReason(reason));
        }
        expectDifferent('retry-after', delays);
      },
    }),
  ];
}

function expectDifferent(name: string, delays: readonly number[]): void {
  expect(new Set(delays).size > 1, `${name} to differ`, `${delays.join(', ')}`);
}

/** Requires 1012 of a socket that waits, unless its own deadline was faster; answers the reason. */
async function expectStrayEnded(
  session: Session,
  stray: Connection,
  wire: Wire,
): Promise<string | undefined> {
  const { close } = await within(session.prompt, 'close code 1012', stray.ended);
  return close?.code === wire.refusal(4408) ? undefined : expectEnd(session, stray, 1012);
}

/** A connection whose JWT expires during a stop does not live to see its end. */
function leaveIfExpired({ closeFrame }: Connection): void {
  if (closeFrame?.code !== 4401) return;
  throw new NotRun(
    'JWTs expire before the server has stopped: pass --jwt-secret, start the server with longer ones, or let it stop faster',
  );
}

function goingAway({ connection }: Ready): Record<string, unknown> | undefined {
  return connection.frames
    .map((frame) => readTyped(frame))
    .find((frame) => frame?.type === 'going-away');
}

/** The latest deadline that was announced, in ms; 0 if none was. */
function deadlineOf(crowds: Stop['crowds']): number {
  const told = crowds.get(twoStage.name);
  if (told === undefined || told instanceof Error) return 0;
  return Math.max(0, ...told.map((one) => Number(goingAway(one)?.deadline ?? 0)));
}

/** The connections of a wire. Throws why there are none. */
function crowdOf(crowds: Stop['crowds'], { name }: Wire): readonly Ready[] {
  const crowd = crowds.get(name) ?? [];
  if (crowd instanceof Error) throw crowd;
  return crowd;
}

async function observeStop(session: Session): Promise<Stop> {
  const { pid, patience } = session.options;
  if (pid === undefined) throw new NotRun('which process to stop is not known: pass --pid');
  const spoken = await spokenWires(session);
  const crowds = new Map<WireName, Crowd>();
  for (const wire of spoken) crowds.set(wire.name, await gather(session, wire));
  const ready = [...crowds.values()].flatMap((crowd) => (crowd instanceof Error ? [] : crowd));
  const strays = new Map<WireName, Connection>();
  for (const wire of spoken) {
    strays.set(wire.name, (await session.open(wire, session.user)).connection);
  }
  const { token } = await session.token(session.user);

  const startedAt = performance.now();
  const endedAfter = new Map<Ready, number>();
  for (const one of ready) {
    void one.connection.ended.then(() => endedAfter.set(one, performance.now() - startedAt));
  }
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    throw new NotRun(`process ${pid} cannot be sent SIGTERM: ${(error as Error).message}`);
  }
  const [isServed, admission] = await Promise.all([
    isServedAfterNotice(
      session,
      ready.find(({ wire }) => wire === twoStage),
      startedAt,
    ),
    upgradeUntilRefused(session, token, ready, startedAt),
    isOver(patience, Promise.all(ready.map(({ connection }) => connection.ended))),
  ]);
  return { crowds, admission, isServed, endedAfter, strays };
}

/** Makes a crowd of connections ready. */
async function gather(session: Session, wire: Wire): Promise<Crowd> {
  try {
    const crowd: Ready[] = [];
    for (let count = 0; count < CROWD; count += 1) {
      crowd.push(await session.ready(wire));
    }
    return crowd;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function isServedAfterNotice(
  session: Session,
  one: Ready | undefined,
  startedAt: number,
): Promise<boolean | undefined> {
  if (one === undefined) return false;
  const notice = one.connection.until(() => goingAway(one) !== undefined);
  await isOver(session.prompt, notice);
  const asked = performance.now() - startedAt;
  const isServed = await isEchoed(session, one);
  const deadline = Number(goingAway(one)?.deadline ?? Number.POSITIVE_INFINITY);
  return isServed || asked < deadline / 2 ? isServed : undefined;
}

async function isEchoed(session: Session, { wire, connection }: Ready): Promise<boolean> {
  connection.send(wire.say('still here'));
  const hasEcho = (): boolean =>
    connection.frames.some((frame) => wire.hear(frame) === 'echo: still here');
  await isOver(session.prompt, connection.until(hasEcho));
  return hasEcho();
}

/**
 * Asks for upgrades until one is answered that was asked for when a connection had been told of the
 * stop, or the server is gone. Before that, it may not have noticed the signal: what it answers then
 * says something only if it is 503.
 */
async function upgradeUntilRefused(
  session: Session,
  token: string,
  ready: readonly Ready[],
  startedAt: number,
): Promise<Admission> {
  const { patience } = session.options;
  let noticedAt = Number.POSITIVE_INFINITY;
  for (const one of ready) {
    void one.connection
      .until(() => isTold(one))
      .then(() => {
        if (isTold(one)) noticedAt = Math.min(noticedAt, performance.now());
      });
  }
  let refused: Upgraded | undefined;
  let instead: string | undefined;
  let last = 'nothing';
  while (performance.now() - startedAt < patience) {
    const askedAt = performance.now();
    const tried = await tryUpgrade(session, token);
    if (typeof tried === 'string') {
      const held = performance.now() - Math.max(askedAt, noticedAt);
      const isLeft = tried === NO_ANSWER && held > HELD;
      if (isLeft || !(await isStopDue(session, ready, startedAt))) return { instead: tried };
      if (refused !== undefined) return { refused };
      return instead === undefined ? 'gone' : { instead };
    }
    last = `${tried.status}`;
    if (tried.status === 503) refused = tried;
    if (askedAt >= noticedAt) {
      if (refused !== undefined) return { refused };
      instead = last;
    }
    // With a token that is good more than once, the next would find a full server.
    tried.connection?.destroy();
    await sleep(UPGRADE_EVERY);
  }
  return refused === undefined ? { instead: instead ?? last } : { refused };
}

/** The answer to an upgrade, or what came instead of one. */
async function tryUpgrade(session: Session, token: string): Promise<Upgraded | string> {
  try {
    return await session.upgrade({ target: session.target(token) });
  } catch (error) {
    return error instanceof NoAnswer || error instanceof Late ? NO_ANSWER : NO_CONNECTION;
  }
}

/** Whether a connection was told of the stop; 4401 is the end of its JWT. */
function isTold(one: Ready): boolean {
  const { closeFrame } = one.connection;
  return goingAway(one) !== undefined || (closeFrame !== undefined && closeFrame.code !== 4401);
}

/** Whether a server that listens no more has reached its end, and may: it serves nobody. */
async function isStopDue(
  session: Session,
  ready: readonly Ready[],
  startedAt: number,
): Promise<boolean> {
  const at = performance.now() - startedAt;
  const deadline = Math.max(0, ...ready.map((one) => Number(goingAway(one)?.deadline ?? 0)));
  if (deadline > 0 && at >= deadline - EARLY) return true;
  const answers = ready.map(async ({ connection }) => {
    const isAnswered = await isOver(session.prompt, connection.roundTrip());
    return isAnswered && !connection.isOver && connection.closeFrame === undefined;
  });
  return !(await Promise.all(answers)).includes(true);
}

async function spokenWires(session: Session): Promise<Wire[]> {
  const { headers } = await session.upgradeAs(session.user, { offer: twoStage.offer });
  const speaks = headers.get('sec-websocket-protocol') === twoStage.name;
  return wires.filter((wire) => wire !== twoStage || speaks);
}
