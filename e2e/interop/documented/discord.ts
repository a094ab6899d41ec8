import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Host } from '../services/host.ts';
import { json, listen, parse } from './site.ts';

/** A fake of Discord's gateway, and what the tests have it do. */
export interface FakeDiscord extends Host {
  /** What Get Gateway Bot gives. */
  readonly url: string;
  /** The only bot's. */
  readonly token: string;
  /** Each `identify` and `resume` that it has taken, with the path that it came by. */
  readonly handshakes: readonly { readonly op: 2 | 6; readonly path: string }[];
  /** What the next `heartbeat` says to have come last. */
  beat(): Promise<number | null>;
  /** Dispatches an event to every session, now or when it is resumed. */
  dispatch(event: string, data: object): void;
  /** Sends `op` (1 heartbeat, 7 reconnect, 9 invalid session) to every connection. */
  send(op: 1 | 7 | 9, data?: boolean): void;
  /** Ends every connection, without a word where there is no code; sessions stay. */
  cut(closeCode?: number): void;
  /** Forgets every session. */
  forget(): void;
  /** What it answers to the next of `identify` and `resume`: opcode 9, or a close code. */
  fail(...how: number[]): void;
  /** Refuses whoever comes to resume, in the upgrade. */
  moveAway(): void;
  /** Acknowledges no heartbeat any more. */
  silence(): void;
}

interface Session {
  readonly id: string;
  readonly events: { readonly t: string; readonly d: object }[];
  ws: WebSocket | undefined;
}

/** GUILDS, GUILD_MESSAGES and what else asks for no approval; beyond them are privileged ones, and none. */
const privileged = (1 << 1) | (1 << 8) | (1 << 15);
const all = 2 ** 26 - 1;

const maxBytes = 4096;

/** So long that who does not wait for `hello` is found out, in ms. */
const helloDelay = 20;

/**
 * Discord's gateway, version 10 with plain JSON, as documented:
 * - https://docs.discord.com/developers/events/gateway : Get Gateway Bot, `hello` with the interval, identify or
 *   resume, `READY` with `session_id` and `resume_gateway_url`, missed events and `RESUMED`, heartbeats and
 *   their acks, heartbeats that it asks for, invalid sessions; a connection whose heartbeat is late is closed;
 *   closing with 1000 or 1001 ends the session, any other end does not; 4096 bytes at most.
 * - https://docs.discord.com/developers/events/gateway-events : the payloads.
 * - https://docs.discord.com/developers/topics/opcodes-and-status-codes : 4001 to 4014, and which are final.
 *
 * Stricter than documented: what comes before `hello` is told 4003 too. The code for a late heartbeat is not
 * documented; here 4000, after which one resumes.
 *
 * @param interval between heartbeats, in ms; one may be late by half of it
 */
export async function startFakeDiscord(interval = 41_250): Promise<FakeDiscord> {
  const token = `bot.${randomUUID()}`;
  const sessions = new Map<string, Session>();
  const open = new Set<WebSocket>();
  const handshakes: { op: 2 | 6; path: string }[] = [];
  const beats: ((seq: number | null) => void)[] = [];
  const failures: number[] = [];
  let isAway = false;
  let isSilent = false;

  const say = (ws: WebSocket, op: number, d: unknown = null, s: number | null = null, t?: string) =>
    ws.send(JSON.stringify({ op, d, s, t: t ?? null }));

  const add = (session: Session, t: string, d: object) => {
    const s = session.events.push({ t, d });
    if (session.ws) say(session.ws, 0, d, s, t);
  };

  /** Returns the close code of one that is not good. */
  const identify = (ws: WebSocket, { intents }: any): Session | number => {
    if (!Number.isInteger(intents) || intents < 0 || intents > all) return 4013;
    if (intents & privileged) return 4014;
    const session: Session = { id: randomUUID(), events: [], ws };
    sessions.set(session.id, session);
    const about = { session_id: session.id, resume_gateway_url: `ws://${site.host}/resume` };
    add(session, 'READY', { v: 10, user: { id: '1' }, guilds: [{ id: '2' }], ...about });
    add(session, 'GUILD_CREATE', { id: '2' });
    return session;
  };

  const resume = (ws: WebSocket, { session_id, seq }: any): Session | number => {
    const session = sessions.get(session_id);
    if (!session) return 9;
    if (!Number.isInteger(seq) || seq < 0 || seq > session.events.length) return 4007;
    session.ws = ws;
    for (const [i, { t, d }] of session.events.entries()) if (i >= seq) say(ws, 0, d, i + 1, t);
    add(session, 'RESUMED', {});
    return session;
  };

  const accept = (ws: WebSocket, url: URL) => {
    let session: Session | undefined;
    let isGreeted = false;
    open.add(ws);
    const late = setTimeout(() => ws.close(4000), interval * 1.5);
    const hello = setTimeout(() => {
      isGreeted = true;
      say(ws, 10, { heartbeat_interval: interval });
    }, helloDelay);
    ws.on('close', (code) => {
      clearTimeout(late);
      clearTimeout(hello);
      open.delete(ws);
      if (session?.ws === ws) session.ws = undefined;
      if (session && (code === 1000 || code === 1001)) sessions.delete(session.id);
    });

    /** Returns the code that it closes with. */
    const receive = ({ op, d }: any): number | undefined => {
      if (!isGreeted) return 4003;
      if (op === 1) {
        late.refresh();
        for (const resolve of beats.splice(0)) resolve(d);
        if (!isSilent) say(ws, 11);
        return;
      }
      if (op !== 2 && op !== 6) {
        if (!session) return 4003;
        return [3, 4, 8, 31, 43].includes(op) ? undefined : 4001;
      }
      if (session) return 4005;
      if (d?.token !== token) return 4004;
      const now = failures.shift() ?? (op === 2 ? identify(ws, d) : resume(ws, d));
      if (typeof now === 'number') {
        if (now !== 9) return now;
        say(ws, 9, false);
        return;
      }
      session = now;
      handshakes.push({ op, path: url.pathname });
      return;
    };

    ws.on('message', (data, isBinary) => {
      const bytes = Buffer.byteLength(String(data));
      const event = bytes <= maxBytes ? parse(data, isBinary) : undefined;
      const code = event && typeof event === 'object' ? receive(event) : 4002;
      if (code) ws.close(code);
    });
    if (url.searchParams.get('v') !== '10') ws.close(4012);
  };

  const site = await listen({
    answer({ url, headers }, _body, answer) {
      if (url !== '/api/v10/gateway/bot') return json(answer, 404, { message: '404: Not Found' });
      if (headers.authorization !== `Bot ${token}`) {
        return json(answer, 401, { message: '401: Unauthorized', code: 0 });
      }
      const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
      json(answer, 200, { url: `ws://${site.host}`, shards: 1, session_start_limit: limit });
    },
    refuses: ({ pathname }) => (isAway && pathname === '/resume/' ? 503 : undefined),
    accept,
  });

  return {
    ...site,
    get upgrades() {
      return site.upgrades;
    },
    url: `ws://${site.host}`,
    token,
    handshakes,
    beat: () => new Promise((resolve) => beats.push(resolve)),
    dispatch(event, data) {
      for (const session of sessions.values()) add(session, event, data);
    },
    send(op, data) {
      for (const ws of open) say(ws, op, data);
    },
    cut(closeCode) {
      for (const ws of open) {
        if (closeCode) ws.close(closeCode);
        else ws.terminate();
      }
    },
    forget: () => sessions.clear(),
    fail: (...how) => failures.push(...how),
    moveAway() {
      isAway = true;
    },
    silence() {
      isSilent = true;
    },
    async kill() {
      sessions.clear();
      await site.kill();
    },
  };
}
