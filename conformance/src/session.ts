import type { Socket } from 'node:net';
import type { Connection, Frame } from './connection.ts';
import { howItEnded } from './ends.ts';
import { expectRetryAfter, type Response, readEnvelope, send } from './http.ts';
import { lifeOf, withLife } from './jwt.ts';
import type { Options, User } from './options.ts';
import { expect, fail, NotRun, show } from './outcome.ts';
import type { Secrets } from './secrets.ts';
import { Late, sleep, within } from './time.ts';
import { readToken, type Token } from './token.ts';
import { type Ask, connectForUpgrade, type Upgraded, type UpgradeRequest } from './upgrade.ts';
import { initPayload, isPipeline, type Wire } from './wire.ts';

/** A ready connection. */
export interface Ready {
  readonly wire: Wire;
  readonly connection: Connection;
  /** The JWT it is ready with. */
  readonly jwt: string;
  readonly ack: Frame;
  /** The next data frame that is not of a pipeline. */
  next(expected: string): Promise<Frame>;
}

/** An unauthenticated socket. */
export interface Open {
  readonly wire: Wire;
  readonly connection: Connection;
  readonly token: string;
}

/** A token, and the JWT it was minted with. */
export interface UserToken extends Token {
  readonly jwt: string;
}

/** A token, and the answer to an upgrade with it. */
export type UserUpgraded = UserToken & Upgraded;

/** Which token an upgrade carries, and where. */
export interface Carry extends Omit<UpgradeRequest, 'target'> {
  /** Put into the query. */
  readonly token?: string;
  /** Instead of the socket's path with the token. */
  readonly target?: string;
}

/** A JWT that the server issued. */
interface Login {
  readonly user: User;
  /** When it came, in ms of `performance.now()`. */
  readonly at: number;
  /** In ms. */
  readonly life: number;
}

/** What expires meanwhile is tried this often. */
const MOST_TRIES = 3;

/** Refusals that ask to come back are followed this often. */
const MOST_RETRIES = 20;

/** How long a row waits for a place on a server that is full, before it asks again, in ms. */
const FULL = 100;

/** What a server answers at once, it may take this long to answer, in ms, on a busy machine. */
const PROMPT = 8000;

/** What all rows of a run share. */
export interface Run {
  readonly options: Options;
  readonly secrets: Secrets;
  /** How many tokens each user was given, by name. */
  readonly minted: Map<string, number>;
  /** All there were: each opens what would keep the process alive. */
  readonly sessions: Session[];
}

/** Life of a JWT that outlives any row, in s. */
const LONG = 600;

const tooShort = (what: string, life: number): NotRun =>
  new NotRun(
    `${what} live ${Math.round(life)} ms, which is too short here: start the server with longer ones`,
  );

/** What a row does with the server. Knows all it opened, and closes it at the end. */
export class Session {
  readonly options: Options;
  readonly secrets: Secrets;
  /** The user a row is about: the one that was given fewer tokens, to stay below limits. */
  readonly user: User;
  /** The other one. */
  readonly other: User;
  readonly #run: Run;
  /** Where a JWT came from. */
  readonly #logins = new Map<string, Login>();
  readonly #sockets = new Set<Socket>();
  #isDone = false;

  constructor(run: Run) {
    const { options, secrets, minted } = run;
    this.#run = run;
    run.sessions.push(this);
    this.options = options;
    this.secrets = secrets;
    const [one, two] = options.users;
    const isTwo = (minted.get(two.name) ?? 0) < (minted.get(one.name) ?? 0);
    this.user = isTwo ? two : one;
    this.other = isTwo ? one : two;
  }

  /** How long to wait for what a server does at once, in ms. */
  get prompt(): number {
    return Math.min(PROMPT, this.options.patience);
  }

  /** A session that this one's end does not close. */
  another(): Session {
    return new Session(this.#run);
  }

  /** Ends all connections. */
  close(): void {
    this.#isDone = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** Sends an HTTP request to the server. */
  request(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body?: unknown,
  ): Promise<Response> {
    return send(this.options.url, { method, target, headers, body, timeout: this.prompt });
  }

  /** Asks for a token, whatever the answer. */
  askToken(jwt: string, method = 'POST'): Promise<Response> {
    const name = this.#logins.get(jwt)?.user.name;
    const { minted } = this.#run;
    if (name !== undefined) minted.set(name, (minted.get(name) ?? 0) + 1);
    return this.request(method, this.options.tokenPath, { Authorization: `Bearer ${jwt}` });
  }

  /** Logs a user in; answers the JWT. */
  async login(user: User): Promise<string> {
    const { name, password } = user;
    const { loginPath } = this.options;
    const response = await this.#patiently(() =>
      this.request('POST', loginPath, {}, { username: name, password }),
    );
    const { status, data } = readEnvelope(response.text);
    const jwt = (data as { token?: unknown } | undefined)?.token;
    if (response.status !== 200 || status !== 1 || typeof jwt !== 'string') {
      fail(`a JWT from POST ${loginPath} for ${name}`, `${response.status}`);
    }
    const life = lifeOf(jwt);
    // Where this machine's clock is so far ahead, nothing is known of it.
    const known = life > 0 ? life : Number.POSITIVE_INFINITY;
    this.#logins.set(jwt, { user, at: performance.now(), life: known });
    return this.secrets.add(jwt);
  }

  /** Mints a token; logs the user in again first if half of the JWT's life is over. */
  async mint(jwt: string): Promise<UserToken> {
    let current = jwt;
    for (let tries = 1; ; tries += 1) {
      const { user } = this.#oldLogin(current) ?? {};
      if (user !== undefined) current = await this.login(user);
      const response = await this.#patiently(() => this.askToken(current));
      const old = this.#oldLogin(current);
      if (response.status === 401 && old !== undefined) {
        if (tries === MOST_TRIES) throw tooShort('JWTs', old.life);
        continue;
      }
      const token = readToken(response);
      this.secrets.add(token.token);
      return { ...token, jwt: current };
    }
  }

  /** Logs a user in and mints a token. */
  async token(user: User): Promise<UserToken> {
    return this.mint(await this.login(user));
  }

  /**
   * Does something with a token and its JWT that takes a while, again with others if one of them
   * has expired meanwhile, and so says nothing about the server. That nothing came at all says
   * something even then.
   */
  async withFreshToken<T>(user: User, work: (token: UserToken) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const token = await this.token(user);
      try {
        return await work(token);
      } catch (error) {
        const stale = this.#stale(token);
        if (stale === undefined || error instanceof Late) throw error;
        if (tries === MOST_TRIES) throw stale;
      }
    }
  }

  /** Leaves the row if a token, or its JWT, may have expired meanwhile. */
  expectFresh(token: UserToken): void {
    const stale = this.#stale(token);
    if (stale !== undefined) throw stale;
  }

  #stale({ jwt, expiresIn = Number.POSITIVE_INFINITY, receivedAt }: UserToken): NotRun | undefined {
    if (performance.now() - receivedAt >= expiresIn) return tooShort('tokens', expiresIn);
    const old = this.#oldLogin(jwt);
    return old === undefined ? undefined : tooShort('JWTs', old.life);
  }

  /** The login of a JWT that is past half of its life: by the server's clock, it may have expired. */
  #oldLogin(jwt: string): Login | undefined {
    const login = this.#logins.get(jwt);
    return login !== undefined && performance.now() - login.at > login.life / 2 ? login : undefined;
  }

  /** Where a token goes in the query. */
  target(token?: string): string {
    const { socketPath } = this.options;
    return token === undefined ? socketPath : `${socketPath}?token=${token}`;
  }

  /** Asks for an upgrade, whatever the answer. */
  async upgrade(request: UpgradeRequest): Promise<Upgraded> {
    const ask = await this.connect();
    return ask(request);
  }

  /** Opens a network connection for an upgrade, to be asked for later. */
  async connect(): Promise<Ask> {
    const connected = connectForUpgrade(this.options.url, (socket) => {
      if (this.#isDone) socket.destroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    const ask = await within(this.prompt, 'a network connection', connected);
    return (request) => within(this.prompt, 'an answer to the upgrade', ask(request));
  }

  /**
   * Like `upgrade`, and comes back when the server says that it is full. Sooner than it asks for: it
   * is other rows that fill it, and a token may not live as long as that.
   */
  async upgradePatiently(carry: Carry): Promise<Upgraded> {
    const { token, target = this.target(token), ...request } = carry;
    const deadline = performance.now() + this.options.patience;
    for (;;) {
      const upgraded = await this.upgrade({ ...request, target });
      if (upgraded.status !== 503 || performance.now() > deadline) return upgraded;
      expectRetryAfter(upgraded.headers.get('retry-after'), upgraded.answer?.body ?? '');
      await sleep(FULL);
    }
  }

  /** Like `upgradePatiently`, with a token of a user's that has not expired. */
  upgradeAs(user: User, carry: Omit<Carry, 'token' | 'target'> = {}): Promise<UserUpgraded> {
    return this.withFreshToken(user, async (token) => {
      const upgraded = await this.upgradePatiently({ ...carry, token: token.token });
      if (upgraded.status === 401) this.expectFresh(token);
      return { ...token, ...upgraded };
    });
  }

  /** Opens a socket on a wire with a token. */
  async openWith(wire: Wire, token: string): Promise<Open> {
    const { connection, status, headers } = await this.upgradePatiently({
      token,
      offer: wire.offer,
    });
    if (connection === undefined) fail('101 for a good token', `${status}`);
    const selected = headers.get('sec-websocket-protocol');
    if (selected !== wire.offer) {
      fail(`the wire ${wire.name} to be selected`, `Sec-WebSocket-Protocol: ${selected}`);
    }
    return { wire, connection, token };
  }

  /** Opens an unauthenticated socket of a user's. */
  async open(wire: Wire, user: User): Promise<Open & { readonly jwt: string }> {
    return this.withFreshToken(user, async ({ token, jwt }) => ({
      ...(await this.openWith(wire, token)),
      jwt,
    }));
  }

  /** Makes a connection of a user's ready, with a JWT that outlives any row if one can be signed. */
  async ready(wire: Wire, user: User = this.user): Promise<Ready> {
    if (this.options.jwtSecret === undefined) return this.readyAsIssued(wire, user);
    const { connection, jwt } = await this.open(wire, user);
    return this.readyWith(wire, connection, this.longer(jwt));
  }

  /** Makes a connection of a user's ready with a JWT that the server issued. */
  readyAsIssued(wire: Wire, user: User = this.user): Promise<Ready> {
    return this.withFreshToken(user, async ({ token, jwt }) => {
      const { connection } = await this.openWith(wire, token);
      return this.readyWith(wire, connection, jwt);
    });
  }

  /** The same JWT with a life that outlives any row, if one can be signed; else as it is. */
  longer(jwt: string): string {
    const { jwtSecret } = this.options;
    return jwtSecret === undefined ? jwt : this.secrets.add(withLife(jwt, jwtSecret, LONG));
  }

  /** Makes an open socket ready with a JWT. */
  async readyWith(wire: Wire, connection: Connection, jwt: string): Promise<Ready> {
    connection.send(initPayload(jwt));
    await within(
      this.prompt,
      `the ack ${wire.ack}`,
      connection.until(() => connection.frames.length > 0),
    );
    const [ack] = connection.frames;
    if (ack === undefined || !wire.isAck(ack)) {
      fail(`the ack ${wire.ack}`, ack === undefined ? howItEnded(connection) : show(ack));
    }
    let asked = 1;
    const next = async (expected: string): Promise<Frame> => {
      const isThere = (): boolean => {
        let frame = connection.frames[asked];
        while (frame !== undefined && isPipeline(wire, frame)) {
          asked += 1;
          frame = connection.frames[asked];
        }
        return frame !== undefined;
      };
      await within(this.prompt, expected, connection.until(isThere));
      const frame = connection.frames[asked];
      if (frame === undefined) fail(expected, howItEnded(connection));
      asked += 1;
      return frame;
    };
    return { wire, connection, jwt, ack, next };
  }

  /** Requires that a string sent is echoed, and so that the connection is served. */
  async expectEcho(ready: Ready, text: string): Promise<void> {
    ready.connection.send(ready.wire.say(text));
    const expected = `the echo of ${show(text)}`;
    const frame = await ready.next(expected);
    expect(ready.wire.hear(frame) === `echo: ${text}`, expected, show(frame));
  }

  /** Requires a wait to be within patience, or leaves the row. `advice` says how to make it shorter. */
  expectPatience(wait: number, advice: string): void {
    if (wait <= this.options.patience) return;
    throw new NotRun(`${advice}, or raise --patience to ${Math.ceil(wait)}`);
  }

  /** The server's secret for JWTs, or leaves the row. */
  needSecret(): string {
    const { jwtSecret } = this.options;
    if (jwtSecret === undefined) {
      throw new NotRun('it takes a signed JWT: pass --jwt-secret, for servers that use HS256');
    }
    return jwtSecret;
  }

  async #patiently(ask: () => Promise<Response>): Promise<Response> {
    for (let tries = 1; ; tries += 1) {
      const response = await ask();
      const { status, headers, text } = response;
      if ((status !== 429 && status !== 503) || tries > MOST_RETRIES) return response;
      await this.#comeBack(status, headers['retry-after'], text);
    }
  }

  async #comeBack(status: number, header: string | undefined, text: string): Promise<void> {
    const wait = expectRetryAfter(header, text);
    this.expectPatience(
      wait,
      `the server answers ${status} and asks to wait ${wait} ms: start it with a higher limit`,
    );
    // Others were told the same time, and whole seconds are rounded up.
    await sleep(wait + 50 + Math.random() * 200);
    if (this.#isDone) throw new NotRun('the row is over');
  }
}
