import type { ErrorCode, TwoStageError } from './errors.ts';

/** What a `WebSocket` can carry in one frame. */
export type Frame = string | ArrayBufferLike | ArrayBufferView<ArrayBuffer> | Blob;

/**
 * The short-lived secret of the token stage, and what its server says of it. Further members that
 * the token route returned are kept, for `url` and `tokenIn` to use.
 */
export interface Token {
  /** Where only a `url` was given, that. */
  readonly token: string;
  /** The URL to connect to, with the secret in it: in place of the options `url` and `tokenIn`. */
  readonly url?: string | undefined;
  /** How long the token lives, in ms from the moment it was asked for. Preferred to `expiresAt`. */
  readonly expiresIn?: number | undefined;
  /** When it expires, in ms since the epoch or as a date string; trusts this machine's clock. */
  readonly expiresAt?: number | string | Date | undefined;
  /** Whether it may open more than one connection: decides `tokenRetry` where that is not set. */
  readonly reusable?: boolean | undefined;
  /** The subprotocol to offer with it, such as `two-stage.v1`, unless `protocols` is set. */
  readonly protocol?: string | undefined;
}

/**
 * Why the client asks for a credential: `start` (`connect()` or a first `retain()`), `reconnect`
 * (`reconnect()`), `renew` (a payload for a connection that is ready), `handover` (the server is going
 * away), `prefetch` (a spare token), or the code of the failure that it recovers from.
 */
export type Reason = 'start' | 'reconnect' | 'renew' | 'handover' | 'prefetch' | ErrorCode;

/** What each function that gives a credential is told. */
export interface Context {
  /** The try in a row, from 1; starts over after a stable connection. */
  readonly attempt: number;
  readonly reason: Reason;
  /** Aborts when the answer is not wanted any more: hand it to `fetch`. */
  readonly signal: AbortSignal;
}

/** What `getToken` may give: a token, bare or with what is known of it, or a URL that the token is in. */
export type GivenToken = string | Token | (Omit<Token, 'token'> & { readonly url: string });

/** What `initPayload` is told. */
export interface PayloadContext extends Context {
  /** What `isChallenge` accepted; none when a payload is renewed, or where there is no `isChallenge`. */
  readonly challenge?: any;
}

/** What `getToken` is told. */
export interface TokenContext extends Context {
  /** The token of the attempt before, whatever became of it; none after `close()`. */
  readonly previous: Token | undefined;
}

/** What `url` is told. */
export interface UrlContext extends Context {
  /** The token that will go with this URL; none where there is no `getToken`. */
  readonly token: Token | undefined;
}

/** Reads and writes the frames of the original wire, and the binary ones of `two-stage.v1`. */
export interface Codec<Incoming = unknown, Outgoing = unknown> {
  /** Must not change its argument. What it throws, `send` throws. */
  encode(message: Outgoing): Frame;
  /** Every message that the frame holds, in order; the first may be the ack. */
  decode(frame: string | ArrayBuffer): Iterable<Incoming>;
}

/**
 * What checks a message and says its type: a Standard Schema (https://standardschema.dev), which the
 * schemas of zod, valibot, arktype and others are.
 */
export interface Schema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a `Schema` makes of a message: a value, or issues. */
export type SchemaResult<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<{ readonly message: string }> };

/** How attempts follow one another. */
export interface RetryOptions {
  /** The longest first wait, in ms. Default 2000. */
  readonly initialDelay: number;
  /** The longest wait, in ms. Default 20000. */
  readonly maxDelay: number;
  /** What the longest wait grows by with each try. Default 1.5. */
  readonly factor: number;
  /** The shortest wait from the second try on, in ms. Default 250. */
  readonly minDelay: number;
  /**
   * Tries in a row before the socket closes with the last failure; losing a connection is one, during a
   * handover too. Default `Infinity`.
   */
  readonly maxAttempts: number;
  /** How long a connection must have been ready before the count starts over, in ms. Default 10000. */
  readonly stableAfter: number;
  /**
   * Overrules the verdict on a failure: a delay in ms, `false` to close, `undefined` to agree.
   * Called for failures that would be final too (`failure.retryable` is false then). Default: agrees.
   */
  readonly decide: (failure: TwoStageError, history: History) => number | false | undefined;
}

/** What went before, as `retry.decide` sees it. */
export interface History {
  /** Tries in a row that failed before this one. */
  readonly tries: number;
  /** How many times since the last stable connection the server said that credentials are bad. */
  readonly rejections: number;
  /** How many times since the last ack a connection ended, unexplained, between init and ack. */
  readonly drops: number;
}

/** How long each phase may take, in ms; 0 is off. */
export interface Timeouts {
  /** `getToken` and `url`. Default 10000. */
  readonly token: number;
  /** The upgrade. Default 10000. */
  readonly connect: number;
  /** From open to the ack, the init payload included. Default 10000. */
  readonly init: number;
}

/** What `send` may keep while the socket is not ready. */
export interface QueueOptions {
  /** Default 1000. */
  readonly maxMessages: number;
  /** Memory that the queued frames take, in bytes; text takes two a character. Default 1048576. */
  readonly maxBytes: number;
  /** How long a message may wait, in ms; 0 is for ever. Default 60000. */
  readonly maxAge: number;
  /** A ready socket queues while its `bufferedAmount` is above this many bytes. Default 1048576. */
  readonly maxBuffered: number;
}

/** How the client notices that a connection is dead although it still looks open. */
export interface Heartbeat<Incoming = unknown, Outgoing = unknown> {
  /** How often it asks, in ms. Default 0: as often as the ack says, on the original wire never. */
  readonly interval: number;
  /** How long the answer may take, in ms; other frames put the verdict off by as much. At most `interval`, which 0 stands for. Default 10000. */
  readonly timeout: number;
  /** What asks on the original wire; `two-stage.v1` has a ping of its own. Default: nothing does. */
  readonly ping: () => Outgoing | undefined;
  /** Whether a message of the original wire, as yet unchecked by `schema`, but answers a ping. Default: none does. */
  readonly isPong: (message: Incoming) => boolean;
  /**
   * What answers a message of the original wire that is a ping of the server's, `undefined` for any other.
   * Nobody else hears of one that is answered. Default: none is.
   */
  readonly pong: (message: Incoming) => Outgoing | undefined;
}

/** The events of a page, by their names in the DOM. */
export type PageEvent = 'online' | 'visibilitychange' | 'resume' | 'pagehide' | 'pageshow';

/** Where the page's events come from; a React Native app plugs `NetInfo` and `AppState` in here. */
export interface Page {
  /** Whether the machine believes it has a network. */
  online(): boolean;
  /** Whether the page can be seen, or need not be. */
  visible(): boolean;
  /** Calls `listener` at each event; returns what stops that. One that never comes is none lost. */
  on(event: PageEvent, listener: () => void): () => void;
}

/** The world outside, injectable so that every interleaving can be tested without waiting. */
export interface Environment {
  /** The time in ms since the epoch. Default `Date.now`. */
  now(): number;
  /** A number from 0 up to 1. Default `Math.random`. */
  random(): number;
  /** Calls `callback` after `ms`, unless the returned function is called first. Default `setTimeout`. */
  after(ms: number, callback: () => void): () => void;
  readonly page: Page;
}

/** The part of a `WebSocket` that the client uses. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(frame: any): void;
  close(code?: number, reason?: string): void;
}

/** A class of `WebSocket`s, such as the platform's or that of the package ws. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

/** Some of a group of options; what is left out, or `undefined`, keeps its default. */
export type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What a `TwoStageSocket` is made of. Only `url` is required, or a `getToken` that gives one. */
export interface Options<Incoming = unknown, Outgoing = unknown> {
  /**
   * Where to connect: `ws:`, `wss:`, `http:`, `https:`, or relative to the page. A function is asked
   * at each attempt, once the token is there. May be left out where each token brings its `url`.
   */
  readonly url?: string | URL | ((context: UrlContext) => string | URL | Promise<string | URL>);
  /**
   * The token stage. Throw a `Response`, or anything with `status` and `retryAfter` (ms), to say what
   * went wrong: 401 and 403 are final, a delay is obeyed, anything else is tried again. Left out,
   * there is no token stage. See `fetchToken` for the usual case.
   */
  readonly getToken?: ((context: TokenContext) => GivenToken | Promise<GivenToken>) | undefined;
  /** What a retry does with the token in hand. Default: what the token says of itself, else `refresh`. */
  readonly tokenRetry?: 'refresh' | 'reuse' | undefined;
  /**
   * Where the token travels: in the query parameter `token` (the default) or another one, as the
   * subprotocol `token.<value>` beside a real one, or wherever a function puts it.
   */
  readonly tokenIn?:
    | 'query'
    | 'subprotocol'
    | { readonly query: string }
    | ((url: string, token: string) => string | URL)
    | undefined;
  /**
   * The first frame of every connection: a value, or a function that is asked for each connection, at
   * the same time as `getToken`, or once `isChallenge` has accepted a message. Left out, the socket is
   * ready at open, or when `isReady` says so. A function that gives `undefined` fails the attempt.
   */
  readonly initPayload?: ((context: PayloadContext) => unknown) | string | object;
  /**
   * For a server that speaks first: whether a message before ready asks for the init payload, which is not
   * sent before. Each is answered. One that `isReady` accepts as well is the ack, once the payload has left.
   */
  readonly isChallenge?: ((message: unknown) => boolean) | undefined;
  /**
   * Whether a message that follows the init payload, or comes first where there is none, is the ack.
   * Default: the ack of either wire, the text `authentication successful` or `{ type: 'ready' }`.
   */
  readonly isReady?: ((message: unknown) => boolean) | undefined;
  /** Whether a message before ready says that the init payload is refused. Default: none does. */
  readonly isRejected?: ((message: unknown) => boolean) | undefined;
  /**
   * How long the init payload lives by its ack, in ms, on a wire that is not `two-stage.v1`, whose acks say
   * so. Where it is given, payloads are renewed in place there too: the answer is the next message that
   * `isReady` accepts, or `isRejected`, which ends the connection.
   */
  readonly expiresIn?: ((ack: any) => number | undefined) | undefined;
  /** How attempts follow one another; what is left out keeps its default. */
  readonly retry?: Given<RetryOptions> | undefined;
  /** How long each phase may take, in ms; 0 is off. */
  readonly timeouts?: Given<Timeouts> | undefined;
  /**
   * Pings of the client's own, and what answers them; `false` sends none. Newer functions are used at
   * once, newer times from the next connection on.
   */
  readonly heartbeat?: false | Given<Heartbeat<Incoming, Outgoing>> | undefined;
  /**
   * Keeps a spare token while the socket is ready, where a retry would need a fresh one, so that coming
   * back takes a round trip less. Costs a token for each connection, and another whenever the spare
   * expires. One that fails is an `error` event, and is asked for again by the next connection. Default false.
   */
  readonly prefetch?: boolean | undefined;
  /** What `send` keeps while the socket is not ready; `false` refuses it, as request/response users want. */
  readonly queue?: false | Given<QueueOptions> | undefined;
  /** Default: strings and binary as they are, anything else as JSON. */
  readonly codec?: Codec<Incoming, Outgoing> | undefined;
  /**
   * Checks every message of the application once the socket is ready, and says its type; what it makes of
   * one is delivered. One that fails is an `error` event with code `message-invalid`, and the connection
   * goes on. Must validate synchronously. Beside a `codec` that is typed, say the type arguments, and give
   * that as a `Codec<any, Outgoing>`. Default: messages are believed.
   */
  readonly schema?: Schema<Incoming> | undefined;
  /** The subprotocols to offer. Default: the one that the token names, else none. */
  readonly protocols?: string | readonly string[] | undefined;
  /** Default: the global `WebSocket`, looked up at each attempt. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Clock, randomness, timers and page events; what is left out is the platform's. */
  readonly environment?:
    | (Given<Omit<Environment, 'page'>> & { readonly page?: Given<Page> | undefined })
    | undefined;
}

/** A socket that is on its way through the stages. */
export interface Trying {
  /** `fetching-token`, `connecting` (the upgrade), `authenticating` (the init stage). */
  readonly status: 'fetching-token' | 'connecting' | 'authenticating';
  /** The try in a row, from 1. */
  readonly attempt: number;
  /** What the try before ended with. */
  readonly failure?: TwoStageError | undefined;
}

/**
 * What the next try waits for: a time by `environment.now`; or the network, a page that is seen, a page
 * that is back from the back/forward cache.
 */
export type Until =
  | { readonly retryAt: number; readonly until?: undefined }
  | { readonly until: 'online' | 'visible' | 'shown'; readonly retryAt?: undefined };

/** A socket that waits for its next try. */
export type Waiting = Until & {
  readonly status: 'waiting';
  /** The try that failed, or that was let go; from 1. */
  readonly attempt: number;
  readonly failure: TwoStageError;
};

/** What a socket is doing: immutable, a new object at each change, told apart by `status`. */
export type State =
  | { readonly status: 'idle' }
  | Trying
  | { readonly status: 'ready'; readonly attempt: number; readonly wire: Wire }
  | Waiting
  | {
      readonly status: 'closed';
      /** Why; none when it was asked for. */
      readonly failure?: TwoStageError | undefined;
    };

/** Where a socket is in its life: `idle`, `fetching-token`, `connecting`, `authenticating`, `ready`, `waiting`, `closed`. */
export type Status = State['status'];

/** The wire that the ack chose: see PROTOCOL.md. */
export type Wire = 'original' | 'two-stage.v1';

/** A message that was queued and will not be sent. */
export interface Unsent<Outgoing = unknown> {
  readonly message: Outgoing;
  /**
   * `expired`: it waited longer than `queue.maxAge`; `closed`: the socket was closed, or gave up;
   * `refused`: the `WebSocket` would not take its frame.
   */
  readonly reason: 'expired' | 'closed' | 'refused';
}

/** What each event of `on` carries. */
export interface Events<Incoming = unknown, Outgoing = unknown> {
  /** A message of the application. */
  readonly message: Incoming;
  /**
   * Both stages are through; `ack` is the message that said so, `undefined` without an init stage. Told
   * again after a handover: what a server keeps for a connection has to be asked for again.
   */
  readonly ready: { readonly ack: unknown; readonly wire: Wire };
  /**
   * An attempt or a connection failed; or, while the connection goes on, a renewal, a spare token, a
   * handover, the reading of a frame or the check of a message: the state tells which.
   */
  readonly error: TwoStageError;
  /** The new state, after each change. */
  readonly statechange: State;
  /**
   * A message of the application that has left: handed to the `WebSocket`, which may yet lose it. It is the
   * object that `send` was given, as it is by now.
   */
  readonly sent: Outgoing;
  readonly unsent: Unsent<Outgoing>;
  /** The state has become `closed`: the last event until the socket is opened again. */
  readonly close: { readonly failure: TwoStageError | undefined };
}
