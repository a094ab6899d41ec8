import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Host } from '../services/host.ts';
import { json, listen, parse } from './site.ts';

/** A fake of Slack, and what the tests have it do. */
export interface FakeSlack extends Host {
  /** Where its Web API is. */
  readonly api: string;
  /** The only app-level token that it knows. */
  readonly appToken: string;
  /** How many connections are open. */
  readonly connections: number;
  /** What `apps.connections.open` answers next, in place of a URL: an error, or 429 with a delay in s. */
  fail(how: { readonly error: string } | { readonly retryAfter: number }): void;
  /** The next URL is one that no longer opens a connection. */
  spoil(): void;
  /** Resolves once the app has acknowledged the event, with how often it was sent. */
  event(event: object): Promise<number>;
  /** Sends `disconnect` to every connection, and ends it after `ms`. */
  disconnect(reason: string, ms: number): void;
}

/**
 * Slack's Socket Mode, as documented:
 * - https://docs.slack.dev/reference/methods/apps.connections.open/ : POST, the app-level token in the
 *   header and nowhere else; `{ ok, url }`, or `{ ok: false, error }` with HTTP 200.
 * - https://docs.slack.dev/apis/web-api/rate-limits : HTTP 429 with `Retry-After` in s.
 * - https://docs.slack.dev/apis/events-api/using-socket-mode : `hello` first; up to ten connections, each
 *   payload to any one of them; `disconnect` with `link_disabled`, `warning` (some 10 s before) or
 *   `refresh_requested`; every envelope is acknowledged by its `envelope_id`.
 * - https://docs.slack.dev/apis/events-api/ : an event that is not acknowledged within 3 s is sent again;
 *   on a socket with `retry_attempt` and `retry_reason`, as
 *   https://github.com/slackapi/bolt-python/issues/1484 shows.
 *
 * Not documented is what a URL is good for: here, one connection. Any other is refused with 408, which
 * https://github.com/slackapi/node-slack-sdk/issues/1472 saw.
 *
 * @param patience how long an acknowledgement may take, in ms
 */
export async function startFakeSlack(patience = 3000): Promise<FakeSlack> {
  const appToken = `xapp-${randomUUID()}`;
  const tickets = new Set<string>();
  const connections = new Set<WebSocket>();
  /** By the id of the envelope, what an acknowledgement does. */
  const pending = new Map<string, () => void>();
  /** What has found no connection yet. */
  const backlog: (() => void)[] = [];
  let failure: Parameters<FakeSlack['fail']>[0] | undefined;
  let isSpoiled = false;

  const deliver = (envelope: object, id: string, attempt: number, done: (sent: number) => void) => {
    const [ws] = connections;
    if (!ws) return backlog.push(() => deliver(envelope, id, attempt, done));
    const again = attempt > 0 && { retry_attempt: attempt, retry_reason: 'timeout' };
    ws.send(JSON.stringify({ ...envelope, envelope_id: id, ...again }));
    const stop = () => {
      clearTimeout(timer);
      ws.off('close', retry);
    };
    const retry = () => {
      stop();
      deliver(envelope, id, attempt + 1, done);
    };
    const timer = setTimeout(retry, patience);
    ws.once('close', retry);
    pending.set(id, () => {
      stop();
      pending.delete(id);
      done(attempt + 1);
    });
  };

  const site = await listen({
    answer({ method, url, headers: { authorization } }, _body, answer) {
      const refuse = (error: string, status = 200) => json(answer, status, { ok: false, error });
      if (method !== 'POST' || url !== '/api/apps.connections.open')
        return refuse('unknown_method');
      const now = failure;
      failure = undefined;
      if (now && 'retryAfter' in now) {
        answer.setHeader('Retry-After', String(now.retryAfter));
        return refuse('ratelimited', 429);
      }
      if (now) return refuse(now.error);
      if (!authorization) return refuse('not_authed');
      if (authorization !== `Bearer ${appToken}`) return refuse('invalid_auth');
      const ticket = randomUUID();
      if (!isSpoiled) tickets.add(ticket);
      isSpoiled = false;
      json(answer, 200, { ok: true, url: `ws://${site.host}/link/?ticket=${ticket}&app_id=A1` });
    },
    refuses({ searchParams }) {
      const isGood = tickets.delete(searchParams.get('ticket') ?? '');
      return isGood && connections.size < 10 ? undefined : 408;
    },
    accept(ws) {
      connections.add(ws);
      // Before those of the envelopes, which look for another connection.
      ws.on('close', () => connections.delete(ws));
      ws.on('message', (data, isBinary) => pending.get(parse(data, isBinary)?.envelope_id)?.());
      const hello = {
        type: 'hello',
        connection_info: { app_id: 'A1' },
        num_connections: connections.size,
        debug_info: { host: 'applink-1', approximate_connection_time: 3600 },
      };
      ws.send(JSON.stringify(hello));
      for (const send of backlog.splice(0)) send();
    },
  });

  return {
    ...site,
    get upgrades() {
      return site.upgrades;
    },
    get connections() {
      return connections.size;
    },
    api: `http://${site.host}/api`,
    appToken,
    fail(how) {
      failure = how;
    },
    spoil() {
      isSpoiled = true;
    },
    event: (event) =>
      new Promise((resolve) => {
        const payload = { type: 'event_callback', event };
        const envelope = { type: 'events_api', accepts_response_payload: false, payload };
        deliver(envelope, randomUUID(), 0, resolve);
      }),
    disconnect(reason, ms) {
      for (const ws of connections) {
        ws.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'applink-1' } }));
        const timer = setTimeout(() => ws.close(), ms);
        ws.once('close', () => clearTimeout(timer));
      }
    },
  };
}
