import {
  type AnyHandler,
  type DefaultBodyType,
  HttpResponse,
  type HttpResponseResolver,
  http,
  ws,
} from 'msw';
import { createFakeBackend, formatTimes } from './fake-backend.ts';
import type {
  FakeBackend,
  FakeBackendOptions,
  FakeConnection,
  FakeToken,
  TokenRefusal,
} from './fake-types.ts';

/** What the two stages are handled as. */
export interface TwoStageHandlersOptions<Incoming = unknown, Outgoing = unknown>
  extends Omit<FakeBackendOptions<Incoming, Outgoing>, 'verify'> {
  /** Where the app connects to, without a query, as `ws.link` takes it. */
  readonly url: string;
  /** The token route, which answers POST and GET, as `http.post` takes it. Left out, there is no token stage. */
  readonly tokenUrl?: string | undefined;
  /**
   * Whose JWT this is; nothing for a bad one. Asked of the bearer of the token route, of the init payload, and of
   * renewals. Default: whatever it is, it is ada's.
   * @param jwt `''` for a request to the token route without a bearer.
   * @param tokenRequest What has come to the token route, for apps whose route goes by a cookie, with its cookies,
   * of which a browser's `Request` says nothing; nothing for an init payload or a renewal.
   */
  readonly authenticate?:
    | ((
        jwt: string,
        tokenRequest?: {
          readonly request: Request;
          readonly cookies: { readonly [name: string]: string };
        },
      ) => string | undefined | Promise<string | undefined>)
    | undefined;
  /**
   * Whether it answers init payloads by itself: see `auto` of the handlers. Upgrades are always answered: msw
   * opens a `WebSocket` as soon as it has handled it. Default true.
   */
  readonly auto?: boolean | undefined;
}

/** One for a URL: each listens to a channel of msw's for ever, and ten of them bring a warning. */
const links: Map<string, ReturnType<typeof ws.link>> = new Map();

function linkOf(url: string): ReturnType<typeof ws.link> {
  const link = links.get(url) ?? ws.link(url);
  links.set(url, link);
  return link;
}

/** Handlers for msw, which are a server at once: what it heard, and what it is to do. */
export type TwoStageHandlers<Incoming = unknown, Outgoing = unknown> = AnyHandler[] &
  FakeBackend<Incoming, Outgoing> & {
    /** What has come to the token route, in order. */
    readonly tokenRequests: readonly Request[];
  };

/**
 * A two-stage server as handlers for msw 3, for apps that are tested whole: their `fetch` and the global
 * `WebSocket` reach it. It follows PROTOCOL.md: a token is for who is known to `authenticate`, and is spent by its
 * upgrade; the first frame has to bring a JWT of the same user.
 *
 * @example
 * import { fetchToken, TwoStageSocket } from '@two-stage-socket/core';
 * import { twoStageHandlers } from '@two-stage-socket/core/testing/msw';
 * import { setupServer } from 'msw/node';
 * import { afterAll, beforeAll, expect, test } from 'vitest';
 *
 * const chat = twoStageHandlers({
 *   url: 'wss://api.example.com/demo',
 *   tokenUrl: 'https://api.example.com/token/ws',
 *   authenticate: (jwt) => (jwt === 'jwt-of-ada' ? 'ada' : undefined),
 *   onMessage: (message, connection) => connection.say(`echo: ${message}`),
 * });
 * const network = setupServer(...chat);
 * beforeAll(() => network.listen());
 * afterAll(() => network.close());
 *
 * test('is answered', async () => {
 *   using socket = new TwoStageSocket({
 *     url: 'wss://api.example.com/demo',
 *     getToken: fetchToken('https://api.example.com/token/ws', {
 *       headers: { Authorization: 'Bearer jwt-of-ada' },
 *     }),
 *     initPayload: { type: 'jwt', token: 'jwt-of-ada' },
 *   });
 *   socket.connect();
 *   await socket.ready();
 *   socket.send('hello');
 *   expect(await chat.nextMessage()).toBe('hello');
 * });
 */
export function twoStageHandlers<Incoming = unknown, Outgoing = unknown>(
  options: TwoStageHandlersOptions<Incoming, Outgoing>,
): TwoStageHandlers<Incoming, Outgoing> {
  const { url, tokenUrl, authenticate = () => 'ada', auto = true, ack } = options;
  let tokenRequests: Request[] = [];
  const users: WeakMap<FakeConnection<any, any>, string> = new WeakMap();

  const { controls, tokens, connect, answer } = createFakeBackend(
    {
      ...options,
      auto,
      init: true,
      accepts: true,
      ownTokens: tokenUrl !== undefined,
      async verify(payload, connection) {
        if (payload?.type !== 'jwt' || typeof payload.token !== 'string') return 4400;
        const user = await authenticate(payload.token);
        if (!user) return 4401;
        users.set(connection, user);
        return (tokens.find(connection.token)?.user ?? user) === user || 4403;
      },
      ackOf: (connection) =>
        connection.wire === 'original'
          ? ack
          : { user: users.get(connection), ...(ack as object | undefined) },
      describeTokens: () => `the token route has been asked ${formatTimes(tokenRequests.length)}`,
    },
    () => Date.now(),
  );

  const answerTokenRequest: HttpResponseResolver = async ({ request, cookies }) => {
    tokenRequests.push(request);
    const [, jwt = ''] = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
    const user = await authenticate(jwt, { request, cookies });
    if (!user) return refuse({});
    const given = await tokens.ask(user);
    return 'token' in given ? grant(given) : refuse(given);
  };
  const routes = tokenUrl
    ? [http.post(tokenUrl, answerTokenRequest), http.get(tokenUrl, answerTokenRequest)]
    : [];

  const upgrades = linkOf(url).addEventListener('connection', ({ client, info }) => {
    const peer = connect({
      url: client.url.href,
      protocols: [info.protocols ?? []].flat(),
      // msw opens it by itself, once this handler has returned.
      open() {},
      send: (frame) => client.send(frame),
      end: (code, reason) => client.close(code, reason),
    });
    client.addEventListener('message', ({ data }) => peer.hear(data));
    client.addEventListener('close', ({ code, reason }) => peer.left(code, reason));
    answer(peer.connection);
  });

  const { reset } = controls;
  controls.reset = () => {
    reset();
    tokenRequests = [];
  };
  const own = {
    get tokenRequests() {
      return tokenRequests;
    },
  };
  return Object.defineProperties([...routes, upgrades], {
    ...Object.getOwnPropertyDescriptors(controls),
    ...Object.getOwnPropertyDescriptors(own),
  }) as TwoStageHandlers<Incoming, Outgoing>;
}

function grant({ user, ...token }: FakeToken): HttpResponse<DefaultBodyType> {
  const expiresAt = new Date(Date.now() + token.expiresIn).toISOString();
  return HttpResponse.json(
    { status: 1, message: 'Token generated successfully', data: { ...token, expiresAt } },
    { headers: { 'Cache-Control': 'no-store' } },
  );
}

function refuse({ status = 401, retryAfter }: TokenRefusal): HttpResponse<DefaultBodyType> {
  return HttpResponse.json(
    {
      status: 0,
      message: `Refused with ${status}`,
      ...(retryAfter !== undefined && { data: { retryAfter } }),
    },
    {
      status,
      headers: {
        ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
        ...(retryAfter !== undefined && { 'Retry-After': String(Math.ceil(retryAfter / 1000)) }),
      },
    },
  );
}
