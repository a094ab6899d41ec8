import { setImmediate as turn } from 'node:timers/promises';
import { expectEnd, howItEnded } from '../ends.ts';
import { encodeFrame, frameHeader, Opcode, textFrame } from '../frames.ts';
import { expectRetryAfter } from '../http.ts';
import { lifeOf } from '../jwt.ts';
import { expect, fail, NotRun, show } from '../outcome.ts';
import { onEachWire, type Row } from '../row.ts';
import type { Ready, Session, UserToken } from '../session.ts';
import { isOver, sleep, within } from '../time.ts';
import type { Ask } from '../upgrade.ts';
import { initPayload, type Wire } from '../wire.ts';

/** How far limits are looked for. */
const MOST = {
  /** Tokens of a user, asked for in one go. */
  tokens: 200,
  /** Sockets, of either kind. */
  sockets: 20,
  /** Messages of a connection, sent in one go. */
  messages: 3000,
  /** Size of a frame, in bytes. */
  frame: 32 * 1024 * 1024,
  /** Bytes that a client does not read, in frames of `unreadFrame`. */
  unread: 32 * 1024 * 1024,
  unreadFrame: 256 * 1024,
};

/** How long a server that takes no more bytes is given to end the connection, in ms. */
const STALLED = 3000;

/** Requires what 8.1 says of the reason of 1012, 1013 and 4429, and answers the delay in ms. */
export function expectRetryAfterReason(reason: string): number {
  const delay = /(?:^| )retry-after=(\d+)(?: |$)/.exec(reason)?.[1];
  if (delay === undefined) fail('a reason with retry-after=<ms>', show(reason));
  return Number(delay);
}

/** Section 10.4: each limit, hit once, if it is hit at all within a bounded number of tries. */
export const limitRows: readonly Row[] = [
  ...onEachWire({
    rules: ['10.4', '8.1'],
    title: 'too many messages of a connection: 4429 with retry-after',
    phase: 'alone',
    async run(session, wire) {
      const { connection } = await session.ready(wire);
      const frame = textFrame(wire.say('hello'));
      const batch = Buffer.concat(Array.from({ length: 100 }, () => frame));
      for (let sent = 0; sent < MOST.messages && !connection.isOver; sent += 100) {
        connection.write(batch);
        await turn();
      }
      if (!connection.isOver)
        await Promise.race([connection.roundTrip(), isOver(session.prompt, connection.ended)]);
      if (!connection.isOver && connection.closeFrame === undefined) {
        throw new NotRun(`${MOST.messages} messages at once were served`);
      }
      expectRetryAfterReason(await expectEnd(session, connection, 4429));
    },
  }),
  ...onEachWire({
    rules: ['10.4'],
    title: 'a frame that is too large: 1009',
    phase: 'alone',
    async run(session, wire) {
      const { connection } = await session.ready(wire);
      // Most servers judge a frame by its header: one that then reads on can be told apart from
      // one that resets the connection under a client that is still sending.
      connection.write(Buffer.concat([frameHeader(Opcode.binary, MOST.frame), Buffer.alloc(4)]));
      const chunk = Buffer.alloc(65_536);
      for (let sent = 0; sent < MOST.frame && !connection.isOver; sent += chunk.length) {
        if (connection.closeFrame !== undefined) break;
        if (!connection.write(chunk) || sent === 0) await sleep(sent === 0 ? 100 : 2);
      }
      if (connection.closeFrame === undefined && !connection.isOver) {
        await isOver(
          session.prompt,
          connection.until(() => connection.frames.some((frame) => Buffer.isBuffer(frame))),
        );
      }
      const echo = connection.frames.find((frame) => Buffer.isBuffer(frame));
      if (echo !== undefined) throw new NotRun(`a frame of ${MOST.frame} bytes was served`);
      await expectEnd(session, connection, 1009);
    },
  }),
  ...onEachWire({
    rules: ['10.4'],
    title: 'bytes that are not read: ends, with no close frame',
    phase: 'alone',
    run: expectSlowConsumerEnded,
  }),
  ...onEachWire({
    rules: ['10.4', '8.1', '5.4'],
    title: 'too many connections of a user: 4429 with retry-after instead of the ack',
    phase: 'alone',
    async run(session, wire) {
      const { user } = session;
      for (let count = 0; count < MOST.sockets; count += 1) {
        const { connection, jwt } = await session.open(wire, user);
        connection.send(initPayload(session.longer(jwt)));
        await within(
          session.prompt,
          'an ack, or an end',
          connection.until(
            () => connection.frames.length > 0 || connection.closeFrame !== undefined,
          ),
        );
        if (connection.frames.length > 0) {
          // One that is ended right after its ack was not refused instead of it.
          await within(session.prompt, 'a pong', connection.roundTrip());
          expect(!connection.isOver, 'no ack before the end', howItEnded(connection));
          continue;
        }
        expectRetryAfterReason(await expectEnd(session, connection, 4429));
        return;
      }
      throw new NotRun(
        `${MOST.sockets} connections were admitted: start the server with a limit below`,
      );
    },
  }),
  {
    rules: ['10.4', '4.2.3', '3.3.1'],
    wire: 'http',
    title: 'too many unauthenticated sockets: 503 with Retry-After, and the token is not spent',
    phase: 'alone',
    async run(session) {
      const { user, other } = session;
      // Connected first, and at once: the first token, and the first socket, would not wait long.
      const asks = await Promise.all(Array.from({ length: MOST.sockets }, () => session.connect()));
      const tokens = await Promise.all(
        asks.map((_, index) => session.token(index % 2 === 0 ? user : other)),
      );
      const tries = await Promise.all(
        tokens.map(async (token, index) => ({
          token,
          upgraded: await (asks[index] as Ask)({ target: session.target(token.token) }),
        })),
      );
      for (const { token, upgraded } of tries) {
        const { status, headers, answer } = upgraded;
        if (status === 401) session.expectFresh(token);
        expect(status === 101 || status === 503, '101 or 503', `${status}`);
        if (status === 503) expectRetryAfter(headers.get('retry-after'), answer?.body ?? '');
      }
      const refused = tries.find(({ upgraded }) => upgraded.status === 503);
      if (refused === undefined) {
        throw new NotRun(
          `${MOST.sockets} sockets were admitted: start the server with a limit below`,
        );
      }
      for (const { upgraded } of tries) upgraded.connection?.destroy();
      await expectAdmitted(session, refused.token);
    },
  },
  {
    rules: ['10.4', '3.3.1'],
    wire: 'http',
    title: 'too many tokens of a user: 429 with Retry-After in the envelope',
    phase: 'alone',
    async run(session) {
      // The other user, so that whoever runs next does not have to wait.
      const { other: user } = session;
      let jwt = await session.login(user);
      for (let count = 0; count < MOST.tokens; count += 1) {
        if (lifeOf(jwt) < 1000) jwt = await session.login(user);
        const { status, headers, text } = await session.askToken(jwt);
        if (status === 200) continue;
        if (status === 503) {
          expectRetryAfter(headers['retry-after'], text);
          throw new NotRun('the token route is too busy for all (503) before it is for one (429)');
        }
        expect(status === 429, '200 or 429', `${status}`);
        expectRetryAfter(headers['retry-after'], text);
        return;
      }
      throw new NotRun(`${MOST.tokens} tokens were given out: start the server with a limit below`);
    },
  },
];

/** Requires a token to be good as soon as there is a place for it. */
async function expectAdmitted(session: Session, token: UserToken): Promise<void> {
  const deadline = performance.now() + session.prompt;
  for (;;) {
    const { status } = await session.upgrade({ target: session.target(token.token) });
    if (status === 101) return;
    // It may have expired before there was a place.
    session.expectFresh(token);
    const isFull = status === 503 && performance.now() < deadline;
    expect(isFull, '101 for the same token once there is a place', `${status}`);
    await sleep(50);
  }
}

async function expectSlowConsumerEnded(session: Session, wire: Wire): Promise<void> {
  const ready: Ready = await session.ready(wire);
  const { connection } = ready;
  connection.isReading = false;
  const frame = encodeFrame(Opcode.binary, Buffer.alloc(MOST.unreadFrame));
  let sent = 0;
  let stalledAt: number | undefined;
  while (sent < MOST.unread && !connection.isOver) {
    if (connection.isDrained) {
      stalledAt = undefined;
      connection.write(frame);
      sent += frame.length;
      await sleep(1);
    } else {
      stalledAt ??= performance.now();
      if (performance.now() - stalledAt > STALLED) break;
      await sleep(10);
    }
  }
  connection.isReading = true;
  // A pong comes after all that was echoed before it.
  await isOver(session.options.patience, connection.roundTrip());
  if (!connection.isOver) {
    throw new NotRun('the connection was not ended: the server waits for the client to read');
  }
  const code = connection.closeFrame?.code;
  if (code === 1009 || code === 4429) {
    throw new NotRun(`another limit was hit first, which answers ${code}`);
  }
  expect(code === undefined, 'an end with no close frame', howItEnded(connection));
}
