import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Host } from '../services/host.ts';
import { json, listen, parse } from './site.ts';

/** A fake of Azure Web PubSub and of an app's server in front of it, and what the tests have it do. */
export interface FakeWebPubSub extends Host {
  /** The route of the app's server that gives a Client Access URL to who has `appToken`. */
  readonly negotiateUrl: string;
  readonly appToken: string;
  /** What the next Client Access URL is like: its token has expired, or the service's key never signed it. */
  spoil(how: 'expired' | 'forged'): void;
  /** The next client is declined: it is told so in place of `connected`. */
  decline(reason: string): void;
  /** What the app's server sends to all. */
  sendToAll(data: unknown): void;
  /** Tells all why, and ends their connections. */
  closeAll(reason: string): void;
  /** Answers no ping any more. */
  silence(): void;
}

interface Client {
  readonly userId: string;
  readonly roles: readonly string[];
  readonly groups: Set<string>;
  readonly ackIds: Set<number>;
}

const subprotocol = 'json.webpubsub.azure.v1';
const hub = '/client/hubs/chat';

/**
 * Azure Web PubSub for PubSub WebSocket clients, as documented:
 * - https://learn.microsoft.com/azure/azure-web-pubsub/howto-generate-client-access-url : the Client Access URL
 *   `wss://<service>/client/hubs/<hub>?access_token=<JWT>`, which the app's server gives to its users; user,
 *   lifetime and roles are in the token.
 * - https://learn.microsoft.com/azure/azure-web-pubsub/reference-json-webpubsub-subprotocol : the subprotocol;
 *   `system` events `connected` and `disconnected`, requests with `ackId`, their `ack`, roles, `Forbidden` and
 *   `Duplicate`.
 * - https://github.com/Azure/azure-sdk-for-js/tree/main/sdk/web-pubsub/web-pubsub-client : `ping` and `pong`,
 *   each 20 s.
 *
 * Not documented are the status of a refused upgrade (here 401, as other bearer tokens have it) and the code
 * that follows `disconnected` (here 1000).
 */
export async function startFakeWebPubSub(): Promise<FakeWebPubSub> {
  const key = randomBytes(32);
  const appToken = randomUUID();
  const clients = new Map<WebSocket, Client>();
  let spoiled: Parameters<FakeWebPubSub['spoil']>[0] | undefined;
  let reason: string | undefined;
  let isSilent = false;

  const send = (ws: WebSocket, message: object) => ws.send(JSON.stringify(message));
  const system = (ws: WebSocket, event: string, about: object) =>
    send(ws, { type: 'system', event, ...about });

  const read = (url: URL) => readJwt(url.searchParams.get('access_token') ?? '', key);

  const perform = (client: Client, { type, group, data, dataType, noEcho }: any, ws: WebSocket) => {
    const role = type === 'sendToGroup' ? 'sendToGroup' : 'joinLeaveGroup';
    const roles = [`webpubsub.${role}`, `webpubsub.${role}.${group}`];
    if (!roles.some((one) => client.roles.includes(one))) return 'Forbidden';
    if (type === 'joinGroup') client.groups.add(group);
    if (type === 'leaveGroup') client.groups.delete(group);
    if (type !== 'sendToGroup') return;
    const fromUserId = client.userId;
    for (const [other, { groups }] of clients) {
      if (!groups.has(group) || (noEcho && other === ws)) continue;
      send(other, { type: 'message', from: 'group', group, dataType, data, fromUserId });
    }
  };

  const site = await listen({
    answer({ url, method, headers }, _body, answer) {
      if (url !== '/negotiate' || method !== 'POST') return json(answer, 404, {});
      if (headers.authorization !== `Bearer ${appToken}`) return json(answer, 401, {});
      const claims = {
        sub: 'user1',
        role: ['webpubsub.joinLeaveGroup.room', 'webpubsub.sendToGroup.room'],
        exp: Date.now() / 1000 + (spoiled === 'expired' ? -1 : 3600),
        aud: `http://${site.host}${hub}`,
      };
      const token = signJwt(claims, spoiled === 'forged' ? randomBytes(32) : key);
      spoiled = undefined;
      json(answer, 200, { url: `ws://${site.host}${hub}?access_token=${token}` });
    },
    refuses(url, { headers }) {
      const claims = read(url);
      const isGood = claims?.exp > Date.now() / 1000 && claims.aud === url.origin + url.pathname;
      if (!isGood) return 401;
      return headers['sec-websocket-protocol'] === subprotocol ? undefined : 400;
    },
    accept(ws, url) {
      if (reason !== undefined) {
        system(ws, 'disconnected', { message: reason });
        reason = undefined;
        return ws.close(1000);
      }
      const { sub: userId, role: roles } = read(url);
      const client: Client = { userId, roles, groups: new Set(), ackIds: new Set() };
      clients.set(ws, client);
      ws.on('close', () => clients.delete(ws));
      system(ws, 'connected', { userId, connectionId: randomUUID() });
      ws.on('message', (data, isBinary) => {
        const request = parse(data, isBinary);
        if (request?.type === 'ping') return isSilent || send(ws, { type: 'pong' });
        if (!/^(joinGroup|leaveGroup|sendToGroup)$/.test(request?.type)) {
          system(ws, 'disconnected', { message: 'the payload is not a request' });
          return ws.close(1000);
        }
        const { ackId } = request;
        const isDuplicate = client.ackIds.has(ackId);
        const name = isDuplicate ? 'Duplicate' : perform(client, request, ws);
        if (ackId === undefined) return;
        client.ackIds.add(ackId);
        const outcome = name ? { success: false, error: { name } } : { success: true };
        send(ws, { type: 'ack', ackId, ...outcome });
      });
    },
  });

  return {
    ...site,
    get upgrades() {
      return site.upgrades;
    },
    negotiateUrl: `http://${site.host}/negotiate`,
    appToken,
    spoil(how) {
      spoiled = how;
    },
    decline(why) {
      reason = why;
    },
    sendToAll(data) {
      for (const ws of clients.keys()) {
        send(ws, { type: 'message', from: 'server', dataType: 'json', data });
      }
    },
    closeAll(message) {
      for (const ws of clients.keys()) {
        system(ws, 'disconnected', { message });
        ws.close(1000);
      }
    },
    silence() {
      isSilent = true;
    },
  };
}

const encode = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');

const sign = (text: string, key: Buffer) => createHmac('sha256', key).update(text).digest();

function signJwt(claims: object, key: Buffer): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${sign(text, key).toString('base64url')}`;
}

/** The claims, where the key has signed them. */
function readJwt(token: string, key: Buffer): any {
  const [header, claims, signature = ''] = token.split('.');
  const given = Buffer.from(signature, 'base64url');
  const wanted = sign(`${header}.${claims}`, key);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return;
  return JSON.parse(String(Buffer.from(claims ?? '', 'base64url')));
}
