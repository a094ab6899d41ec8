import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Host } from '../services/host.ts';
import { json, listen, parse } from './site.ts';

/** A fake of Kraken, and what the tests have it do. */
export interface FakeKraken extends Host {
  /** Where its REST API is. */
  readonly api: string;
  readonly apiKey: string;
  /** In base64, as Kraken shows it. */
  readonly apiSecret: string;
  /** The next token has expired before it is used. */
  spoil(): void;
  /** What it answers to the next subscription, in place of subscribing. */
  fail(error: string): void;
  /** Reports something of an order to every subscription. */
  execute(order: object): void;
  /** Resolves with the next heartbeat. */
  beat(): Promise<void>;
  /** From now on answers nothing and sends nothing, but ends nothing either. */
  silence(): void;
}

/** How long a token may wait for its subscription, in ms. */
const lifetime = 900_000;

const wsPath = '/v2';
const tokenPath = '/0/private/GetWebSocketsToken';

/**
 * Kraken's WebSocket API v2 with the private channel `executions`, as documented:
 * - https://docs.kraken.com/api-reference/trading/get-websockets-token : `{ error, result: { token, expires } }`;
 *   the token is to be used within 15 minutes, and does not expire while its subscription lasts.
 * - https://docs.kraken.com/exchange/guides/rest/authentication : `API-Key`, `API-Sign` and a nonce that grows.
 * - https://docs.kraken.com/exchange/guides/general/errors : HTTP 200, and in `error` what was wrong.
 * - https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/status : sent once connected.
 * - https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/executions : the subscription, its
 *   answer, a snapshot, then updates.
 * - https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/heartbeat : each second that nothing else
 *   came in, once there is a subscription.
 * - https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/ping : `pong` with the same `req_id`.
 * - `ESession:Invalid session` is what a token that is no good is told, and the connection stays open:
 *   https://github.com/knowm/XChange/issues/3683, https://github.com/knowm/XChange/pull/3697. What is no
 *   request is told `Malformed request`, with the method `error`:
 *   https://docs.rs/crate/rustrade-data/0.14.0/source/src/exchange/kraken/subscription.rs
 *
 * @param interval between heartbeats, in ms
 */
export async function startFakeKraken(interval = 1000): Promise<FakeKraken> {
  const apiKey = randomBytes(42).toString('base64');
  const apiSecret = randomBytes(64).toString('base64');
  const tokens = new Map<string, number>();
  const subscriptions = new Map<WebSocket, number>();
  const beats: (() => void)[] = [];
  let nonceBefore = 0;
  let isSpoiled = false;
  let isSilent = false;
  let failure: string | undefined;

  const send = (ws: WebSocket, message: object) => {
    if (!isSilent) ws.send(JSON.stringify(message));
  };
  const publish = (ws: WebSocket, type: 'snapshot' | 'update', data: object[]) => {
    const sequence = (subscriptions.get(ws) ?? 0) + 1;
    subscriptions.set(ws, sequence);
    send(ws, { channel: 'executions', type, data, sequence });
  };

  const subscribe = (ws: WebSocket, { params, req_id }: any) => {
    const now = new Date().toISOString();
    const about = { method: 'subscribe', req_id, time_in: now, time_out: now };
    const isGood = Date.now() < (tokens.get(params?.token) ?? 0);
    const refusal = isGood ? undefined : 'ESession:Invalid session';
    const error = failure ?? refusal;
    failure = undefined;
    if (error) return send(ws, { ...about, success: false, error });
    tokens.set(params.token, Number.POSITIVE_INFINITY);
    const { snap_orders = true, snap_trades = false } = params;
    const result = { channel: 'executions', maxratecount: 180, snap_orders, snap_trades };
    send(ws, { ...about, success: true, result });
    if (snap_orders) publish(ws, 'snapshot', [{ order_id: 'O1', exec_type: 'new' }]);
    const timer = setInterval(() => {
      send(ws, { channel: 'heartbeat' });
      for (const resolve of beats.splice(0)) resolve();
    }, interval);
    ws.once('close', () => {
      clearInterval(timer);
      subscriptions.delete(ws);
    });
  };

  const site = await listen({
    answer({ url, method, headers }, body, answer) {
      const say = (error: string[], result?: object) => json(answer, 200, { error, result });
      const nonce = Number(new URLSearchParams(body).get('nonce'));
      if (method !== 'POST' || url !== tokenPath) return say(['EGeneral:Unknown method']);
      if (headers['api-key'] !== apiKey) return say(['EAPI:Invalid key']);
      if (headers['api-sign'] !== signKraken(url, body, apiSecret)) {
        return say(['EAPI:Invalid signature']);
      }
      if (!(nonce > nonceBefore)) return say(['EAPI:Invalid nonce']);
      nonceBefore = nonce;
      const token = randomUUID();
      tokens.set(token, isSpoiled ? 0 : Date.now() + lifetime);
      isSpoiled = false;
      say([], { token, expires: lifetime / 1000 });
    },
    refuses: ({ pathname }) => (pathname === wsPath ? undefined : 404),
    accept(ws) {
      const status = { system: 'online', api_version: 'v2', connection_id: 1, version: '2.0.0' };
      send(ws, { channel: 'status', type: 'update', data: [status] });
      ws.on('message', (data, isBinary) => {
        const request = parse(data, isBinary);
        if (request?.method === 'ping') send(ws, { method: 'pong', req_id: request.req_id });
        else if (request?.params?.channel === 'executions') subscribe(ws, request);
        else send(ws, { method: 'error', error: 'Malformed request', success: false });
      });
    },
  });

  return {
    ...site,
    get upgrades() {
      return site.upgrades;
    },
    api: `http://${site.host}`,
    apiKey,
    apiSecret,
    spoil() {
      isSpoiled = true;
    },
    fail(error) {
      failure = error;
    },
    execute(order) {
      for (const ws of subscriptions.keys()) publish(ws, 'update', [order]);
    },
    beat: () => new Promise((resolve) => beats.push(resolve)),
    silence() {
      isSilent = true;
    },
  };
}

/** The `API-Sign` of a call: HMAC-SHA512 by the secret over its path and SHA-256 of nonce and body. */
export function signKraken(path: string, body: string, secret: string): string {
  const nonce = new URLSearchParams(body).get('nonce') ?? '';
  const digest = createHash('sha256')
    .update(nonce + body)
    .digest();
  return createHmac('sha512', Buffer.from(secret, 'base64'))
    .update(path)
    .update(digest)
    .digest('base64');
}
