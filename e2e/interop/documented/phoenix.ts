import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Host } from '../services/host.ts';
import { listen, parse } from './site.ts';

/** A fake of a Phoenix app with the channel `room:*`, and what the tests have it do. */
export interface FakePhoenix extends Host {
  /** A token for `connect/3` that is good for `ms` from now. */
  token(ms: number): string;
  /** The token that `join/3` wants. */
  readonly joinToken: string;
  broadcast(topic: string, event: string, payload: object): void;
  /** Resolves with the next heartbeat. */
  beat(): Promise<void>;
  /** The process of a channel ends: it `crash`es, or the app `close`s it. */
  end(topic: string, how: 'crash' | 'close'): void;
  /** Ends all sockets: `disconnect`, which an app broadcasts to a user's, or `drain`, which a restart does. */
  leave(how: 'disconnect' | 'drain'): void;
}

type Channels = Map<string, unknown>;

/**
 * Channels of Phoenix 1.8 with the V2 JSON serializer, as documented, and as its source answers:
 * - https://hexdocs.pm/phoenix/writing_a_channels_client.html : `/socket/websocket?vsn=2.0.0`, messages
 *   `[join_ref, ref, topic, event, payload]`, `phx_join`, `phx_leave`, `heartbeat`; no reply to a stale join_ref.
 * - https://hexdocs.pm/phoenix/Phoenix.Socket.html : `connect/3` lets in or not; `phx_error`, `phx_close`;
 *   the broadcast `disconnect`.
 * - https://hexdocs.pm/phoenix/Phoenix.Endpoint.html#socket/3 : `:timeout`, 60 s by default, ends a connection
 *   that has sent nothing.
 * - https://github.com/phoenixframework/phoenix/blob/main/lib/phoenix/transports/websocket.ex : who is not let
 *   in gets 403.
 * - https://github.com/phoenixframework/phoenix/blob/main/lib/phoenix/socket.ex : `unmatched topic`, a second
 *   join that closes the first, 1001 for `disconnect`, 1012 for a restart; a frame that the serializer
 *   cannot read ends the process.
 *
 * The close codes of a timeout and of a crash are those of the web server; here 1000 and 1011.
 *
 * @param timeout of the endpoint, in ms
 */
export async function startFakePhoenix(timeout = 60_000): Promise<FakePhoenix> {
  const expiries = new Map<string, number>();
  const joinToken = randomUUID();
  const beats: (() => void)[] = [];
  const sockets = new Map<WebSocket, Channels>();

  const push = (ws: WebSocket, ...message: readonly unknown[]) => ws.send(JSON.stringify(message));

  const join = (ws: WebSocket, channels: Channels, [joinRef, ref, topic, , payload]: any[]) => {
    const reply = (status: string, response: object) =>
      push(ws, joinRef, ref, topic, 'phx_reply', { status, response });
    if (channels.has(topic)) {
      push(ws, channels.get(topic), channels.get(topic), topic, 'phx_close', {});
      channels.delete(topic);
    }
    if (payload?.token !== joinToken) return reply('error', { reason: 'unauthorized' });
    channels.set(topic, joinRef);
    reply('ok', {});
    push(ws, joinRef, null, topic, 'presence_state', {});
  };

  const receive = (ws: WebSocket, channels: Channels, message: any[]) => {
    const [joinRef, ref, topic, event, payload] = message;
    const reply = (status: string, response: object) =>
      push(ws, joinRef, ref, topic, 'phx_reply', { status, response });
    if (topic === 'phoenix' && event === 'heartbeat') {
      for (const resolve of beats.splice(0)) resolve();
      return reply('ok', {});
    }
    if (event === 'phx_join' && /^room:/.test(topic)) return join(ws, channels, message);
    if (event === 'phx_leave' && !channels.has(topic)) return reply('ok', {});
    if (!channels.has(topic)) {
      return push(ws, null, ref, topic, 'phx_reply', {
        status: 'error',
        response: { reason: 'unmatched topic' },
      });
    }
    if (joinRef !== null && joinRef !== channels.get(topic)) return;
    reply('ok', event === 'echo' ? payload : {});
    if (event !== 'phx_leave') return;
    channels.delete(topic);
    push(ws, joinRef, joinRef, topic, 'phx_close', {});
  };

  const site = await listen({
    refuses({ pathname, searchParams }) {
      if (pathname !== '/socket/websocket') return 404;
      const isLetIn = Date.now() < (expiries.get(searchParams.get('token') ?? '') ?? 0);
      return searchParams.get('vsn') === '2.0.0' && isLetIn ? undefined : 403;
    },
    accept(ws) {
      const channels: Channels = new Map();
      const idle = setTimeout(() => ws.close(1000), timeout);
      sockets.set(ws, channels);
      ws.on('close', () => {
        clearTimeout(idle);
        sockets.delete(ws);
      });
      ws.on('message', (data, isBinary) => {
        idle.refresh();
        const message = parse(data, isBinary);
        if (Array.isArray(message) && message.length >= 5) receive(ws, channels, message);
        else ws.close(1011);
      });
    },
  });

  return {
    ...site,
    get upgrades() {
      return site.upgrades;
    },
    joinToken,
    token(ms) {
      const token = randomUUID();
      expiries.set(token, Date.now() + ms);
      return token;
    },
    broadcast(topic, event, payload) {
      for (const [ws, channels] of sockets) {
        if (channels.has(topic)) push(ws, null, null, topic, event, payload);
      }
    },
    beat: () => new Promise((resolve) => beats.push(resolve)),
    end(topic, how) {
      for (const [ws, channels] of sockets) {
        const joinRef = channels.get(topic);
        if (!channels.delete(topic)) continue;
        if (how === 'close') push(ws, joinRef, joinRef, topic, 'phx_close', {});
        else push(ws, joinRef, joinRef, topic, 'phx_error', { reason: 'channel_crash' });
      }
    },
    leave(how) {
      for (const ws of sockets.keys()) ws.close(how === 'drain' ? 1012 : 1001);
    },
  };
}
