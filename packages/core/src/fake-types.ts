import type { Codec, Token, Wire } from './types.ts';

/** What a token route says instead of giving a token. */
export interface TokenRefusal {
  /** The HTTP status; default 401. */
  readonly status?: number | undefined;
  /** How long to stay away, in ms. */
  readonly retryAfter?: number | undefined;
}

/** A token that a fake has issued. */
export interface FakeToken extends Token {
  readonly expiresIn: number;
  readonly reusable: boolean;
  /** Who it is for, where that is known. */
  readonly user?: string | undefined;
}

/** What every token of a fake is, beside its name. */
export interface TokenMembers {
  /** How long tokens live, in ms. Default 900000. */
  readonly expiresIn?: number | undefined;
  /** Whether a token admits more than one upgrade. Default false. */
  readonly reusable?: boolean | undefined;
}

/** One upgrade that has come to a fake server, and the connection that becomes of it. */
export interface FakeConnection<Incoming = unknown, Outgoing = unknown> {
  /** 1 for the first upgrade that came, 2 for the next. */
  readonly id: number;
  /** As the server sees it: `connecting` until it is accepted, `authenticating` until the ack; see `hang`. */
  readonly status: 'connecting' | 'authenticating' | 'ready' | 'hanging' | 'closed';
  /** Where the client connected to, the token in the query included. */
  readonly url: string;
  /** The subprotocols that the client offered. */
  readonly protocols: readonly string[];
  /** The token that came with the upgrade, in the query as `token` or in the subprotocols. */
  readonly token: string | undefined;
  /** Which wire it speaks, once it is accepted. */
  readonly wire: Wire | undefined;
  /** The first frame, decoded; `undefined` until it has come. */
  readonly initPayload: unknown;
  /** The init payloads that came later to renew the connection, in order. */
  readonly renewals: readonly unknown[];
  /** The application's messages that the server has heard, in order; none before the ack. */
  readonly messages: readonly Outgoing[];
  /** Every frame that has come, as it was, the init payload and pings among them. */
  readonly frames: readonly (string | ArrayBuffer)[];
  /** How it ended, and by whose doing. */
  readonly end:
    | { readonly by: 'client' | 'server'; readonly code: number; readonly reason: string }
    | undefined;

  /** Resolves with the init payload once it has come. Rejects if the connection ends before that. */
  init(): Promise<unknown>;
  /** Lets the upgrade through, and selects the server's wire if the client offered it. */
  accept(): void;
  /** Refuses the upgrade. A client cannot tell why, and sees 1006, as of a broken network. */
  refuse(): void;
  /**
   * Acknowledges the init payload, or the renewal, that waits for an answer.
   * @param ack On `two-stage.v1` members of `ready` to be other than usual: `{ user: 'ada', expiresIn: 3600000,
   * heartbeat: 25000 }`. On the original wire the whole message, in place of `authentication successful`.
   */
  ack(ack?: object | string): void;
  /**
   * Refuses the init payload, or the renewal, that waits for an answer: with a close code on `two-stage.v1`, on
   * the original wire with none (PROTOCOL.md, section 5.4).
   * @param code Default 4401, which is a bad JWT; 4403 is another user's, 4400 no init payload, 4408 one too late.
   */
  reject(code?: number): void;
  /** Through both stages at once: accepts, waits for the init payload, acknowledges it. */
  admit(): Promise<void>;
  /** Sends messages of the application, each in a frame of its own, all in one task. */
  say(...messages: Incoming[]): void;
  /** Sends a frame as it is, whatever the wire and the stage: for servers that do what they must not. */
  sendFrame(frame: string | ArrayBuffer | ArrayBufferView): void;
  /** Ends it without a close frame, as a broken network does: the client sees 1006. */
  drop(): void;
  /**
   * Ends it with a close frame.
   * @param code Default 1000; PROTOCOL.md, section 8, lists what each means.
   * @param options.retryAfter When the client is to come back, in ms; goes into the reason, as of 1012, 1013
   * and 4429.
   */
  close(
    code?: number,
    options?: { readonly reason?: string | undefined; readonly retryAfter?: number | undefined },
  ): void;
  /**
   * Announces a planned close, on `two-stage.v1`: the client opens another connection beside this one, a
   * handover. The close itself is the test's: `close(1012)`.
   * @param options.retryAfter When to open another, in ms; default 0.
   * @param options.deadline When this one will be closed, in ms; default 10 s after that.
   */
  goAway(options?: {
    readonly retryAfter?: number | undefined;
    readonly deadline?: number | undefined;
  }): void;
  /** Dies unseen, as behind a broken router: nothing more is heard or answered, and nobody is told. */
  hang(): void;
}

/** How a fake server is, whatever carries its connections. */
export interface FakeBackendOptions<Incoming = unknown, Outgoing = unknown> {
  /** The wire that it speaks, with clients that offer it: its tokens name it. Default `two-stage.v1`. */
  readonly wire?: Wire | undefined;
  /** What its tokens are, beside their names. */
  readonly tokens?: TokenMembers | undefined;
  /** What every ack is, unless `ack()` is given another: see there. */
  readonly ack?: object | string | undefined;
  /** The client's codec, if it has one; it must be able to read what it writes. */
  readonly codec?: Codec<Incoming, Outgoing> | undefined;
  /**
   * Judges init payloads and renewals, where the server acts by itself: true lets the client in, false refuses
   * it as 4401 does, a close code as that does. Default: every one is good.
   */
  readonly verify?:
    | ((
        initPayload: any,
        connection: FakeConnection<Incoming, Outgoing>,
      ) => boolean | number | Promise<boolean | number>)
    | undefined;
  /** Hears every message of a ready connection, to answer it: `(message, chat) => chat.say(message)` echoes. */
  readonly onMessage?:
    | ((message: Outgoing, connection: FakeConnection<Incoming, Outgoing>) => void)
    | undefined;
}

/** What every fake server can be told and asked, whatever carries its connections. */
export interface FakeBackend<Incoming = unknown, Outgoing = unknown> {
  /**
   * Whether it acts by itself: lets upgrades through whose token is good, asks `verify`, acknowledges. May be
   * changed at any time; what waits for an answer then waits on.
   */
  auto: boolean;
  /** Every upgrade that has come, oldest first. */
  readonly connections: readonly FakeConnection<Incoming, Outgoing>[];
  /** The application's messages that all connections have heard, in order. */
  readonly messages: readonly Outgoing[];
  /**
   * The newest connection.
   * @throws Error where none has come yet.
   */
  last(): FakeConnection<Incoming, Outgoing>;
  /** The connections that have not ended, oldest first. */
  live(): FakeConnection<Incoming, Outgoing>[];
  /** Resolves with the upgrade that waits for an answer, or else with the next one to come. */
  upgrade(): Promise<FakeConnection<Incoming, Outgoing>>;
  /** Resolves with the first message that no call has given yet, or else with the next one to come. */
  nextMessage(): Promise<Outgoing>;
  /**
   * Lets the upgrade that waits through the rest of both stages, and gives the connection, ready. Waits for
   * promises of the app's, but for no timer and no network: there use `upgrade()` and `init()`.
   * @throws Error that says what is missing: an upgrade, an init payload, a token that is good.
   */
  admit(): Promise<FakeConnection<Incoming, Outgoing>>;

  /** Mints a token, for a `getToken` of the test's own. */
  issueToken(): FakeToken;
  /** The next request for a token is refused: by default with 401, after which a client stops. */
  refuseToken(refusal?: TokenRefusal): void;
  /** Requests for a token get no answer until the returned function is called. */
  holdTokens(): () => void;
  /** The next upgrade is refused by itself. */
  refuseUpgrade(): void;
  /** The next init payload, or renewal, is refused by itself. See `reject` for the code; default 4401. */
  rejectInit(code?: number): void;

  /**
   * Sends messages on every connection that is ready.
   * @throws Error where none is.
   */
  say(...messages: Incoming[]): void;
  /**
   * `drop` of every connection that is live, as when the network is gone.
   * @throws Error where none is.
   */
  drop(): void;
  /**
   * `close` of every connection that has been accepted, as when the server stops.
   * @throws Error where none is.
   */
  close: FakeConnection['close'];
  /**
   * `goAway` on every connection that is ready, as when the server is about to stop.
   * @throws Error where none is.
   */
  goAway: FakeConnection['goAway'];
  /** Drops what is live and forgets everything, for the next test; `auto` is again what it was at first. */
  reset(): void;
}
