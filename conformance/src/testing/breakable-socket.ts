import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { decodeJwt } from '../jwt.ts';
import type { Identity } from './breakable-jwts.ts';
import { SETTINGS } from './breakable-settings.ts';
import type { Break } from './breaks.ts';

/** What a socket is made of. */
export interface SocketOptions {
  readonly is: (name: Break) => boolean;
  readonly webSocket: WebSocket;
  /** The connection below it. */
  readonly socket: Duplex;
  /** Whose token admitted it. */
  readonly user: string;
  readonly verify: (jwt: string) => Identity | undefined;
  /** Whether the user has all the connections there may be. */
  readonly isFull: () => boolean;
  /** Ends all connections of the server. */
  readonly endAll: () => void;
}

/** A socket, as the server sees it. */
export interface Served {
  readonly user: string;
  readonly isReady: boolean;
  /** Sends an application's string. */
  say(text: string): void;
  goAway(retryAfter: number, deadline: number): void;
  stopServing(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

interface Typed {
  readonly type: string;
  readonly token?: unknown;
  readonly data?: unknown;
}

/** Serves a socket from its upgrade to its end. */
export function createSocket(options: SocketOptions): Served {
  const { is, webSocket, socket, user, verify, isFull, endAll } = options;
  const isTwoStage = webSocket.protocol === 'two-stage.v1';
  let isReady = false;
  let isRefused = false;
  let isOver = false;
  let isServing = true;
  let isVerifying = false;
  let isAnswered = true;
  let held: (string | Buffer)[] = [];
  let messages: number[] = [];
  let expiry: NodeJS.Timeout | undefined;
  const timers = new Set<NodeJS.Timeout>();

  const send = (frame: string | Buffer): void => {
    if (isOver) return;
    if (webSocket.bufferedAmount <= SETTINGS.maxBuffered) webSocket.send(frame);
    else if (is('closes who does not read with 1008')) close(1008, 'slow');
    else terminate();
  };
  const encode = (data: unknown): string =>
    isTwoStage ? JSON.stringify({ type: 'message', data }) : String(data);

  function close(code: number, reason: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(expiry);
    webSocket.close(code, reason);
  }

  function terminate(): void {
    isOver = true;
    webSocket.terminate();
  }

  function refuse(code: number, reason: string): void {
    isRefused = true;
    const handled = is('handles messages after a refusal') ? held.splice(0) : [];
    for (const frame of handled) echo(frame);
    if (!isTwoStage && !is('sends a close frame on the original wire')) terminate();
    else close(is('refuses with one code for everything') ? 4401 : code, reason);
  }

  let deadline = setTimeout(() => {}, 0);
  const startDeadline = (): void => {
    clearTimeout(deadline);
    if (isReady || is('has no deadline')) return;
    deadline = setTimeout(() => refuse(4408, 'init timeout'), SETTINGS.initTimeout);
  };
  startDeadline();

  function receive(frame: string | Buffer): void {
    if (frame.length > SETTINGS.maxFrame && is('closes a large frame with 1000')) {
      close(1000, 'too large');
      return;
    }
    if (isReady) {
      handle(frame);
      return;
    }
    if (isVerifying || isRefused) {
      held.push(frame);
      return;
    }
    isVerifying = true;
    const init = readTyped(frame);
    const isInit = init?.type === 'jwt' && typeof init.token === 'string';
    if (!isInit && !is('takes any first frame for an init payload')) {
      refuse(4400, 'no init payload');
      return;
    }
    if (is('acks before the verification')) ack(undefined);
    // As a verification that asks somebody else would take its time.
    setTimeout(() => judge(String(init?.token)), 2);
  }

  function judge(jwt: string): void {
    if (isOver) return;
    const identity = verify(jwt);
    if (identity === undefined) {
      if (is('looks at a second init payload') && held.length > 0) {
        isVerifying = false;
        for (const frame of held.splice(0)) receive(frame);
        return;
      }
      refuse(4401, is('repeats the JWT in the reason') ? jwt.slice(-100) : 'unauthorized');
      return;
    }
    if (identity.user !== user && !is('ignores the subject')) {
      refuse(4403, 'forbidden');
      return;
    }
    if (isFull()) {
      if (is('acks one connection too many')) ack(identity);
      tooMany();
      return;
    }
    start(identity);
  }

  function start(identity: Identity): void {
    clearTimeout(deadline);
    if (!is('acks before the verification')) ack(identity);
    isReady = true;
    watchExpiry(identity);
    let pings = 0;
    timers.add(
      setInterval(() => {
        pings += 1;
        send(encode(`ping ${pings}`));
      }, SETTINGS.individualEvery),
    );
    timers.add(setInterval(probe, SETTINGS.heartbeat));
    if (is('drops messages that waited')) held = [];
    if (is('reorders messages that waited')) held.reverse();
    for (const frame of held.splice(0)) handle(frame);
  }

  function ack(identity: Identity | undefined): void {
    const text = is('says another ack on the original wire') ? 'ok' : 'authentication successful';
    const { expiresAt = 0 } = identity ?? {};
    const unit = is('says in seconds when a JWT expires') ? 0.001 : 1;
    const ready = {
      type: 'ready',
      ...(!is('says ready for nobody') && { user: identity?.user ?? user }),
      expiresIn: (expiresAt - Date.now()) * unit,
      heartbeat: SETTINGS.heartbeat,
    };
    send(isTwoStage ? JSON.stringify(ready) : text);
  }

  function watchExpiry({ expiresAt }: Identity): void {
    clearTimeout(expiry);
    if (is('lives on when the JWT expires')) return;
    expiry = setTimeout(() => close(4401, 'expired'), Math.max(0, expiresAt - Date.now()));
  }

  function probe(): void {
    if (!isAnswered && !is('never ends who does not answer pings')) {
      terminate();
      return;
    }
    isAnswered = false;
    webSocket.ping();
  }

  function handle(frame: string | Buffer): void {
    if (isOver || !isServing) return;
    const now = performance.now();
    messages = messages.filter((at) => at > now - 1000);
    messages.push(now);
    if (messages.length > SETTINGS.messagesPerSecond) {
      tooMany();
      return;
    }
    if (!isTwoStage || typeof frame !== 'string') {
      if (is('understands pings on the original wire') && readTyped(frame)?.type === 'ping') {
        send('{"type":"pong"}');
      } else echo(frame);
      return;
    }
    const text = is('takes NaN for JSON') ? frame.replace(/-?(NaN|Infinity)/, '0') : frame;
    const typed = readTyped(text);
    if (typed === undefined || (typed.type === 'jwt' && typeof typed.token !== 'string')) {
      if (is('ends everybody at an invalid frame')) endAll();
      if (is('handles messages after an invalid frame')) setTimeout(() => close(4400, ''), 5);
      else if (!is('ignores invalid frames')) close(4400, 'invalid');
      return;
    }
    handleTyped(typed);
  }

  function handleTyped({ type, token, data }: Typed): void {
    switch (type) {
      case 'message':
        if (!data && is('drops values that are falsy')) return;
        send(encode(typeof data === 'string' ? `echo: ${data}` : (data ?? null)));
        return;
      case 'ping':
        if (!is('has no pong')) send('{"type":"pong"}');
        return;
      case 'jwt':
        renew(String(token));
        return;
      default:
        if (is('closes at an unknown type')) close(4400, 'unknown type');
        if (is('looks types up in an object') && type in {}) close(1011, 'no function');
    }
  }

  function renew(jwt: string): void {
    const isUnchecked = is('does not check a renewal');
    const claims = decodeJwt(jwt)?.claims;
    const unchecked = { user, expiresAt: Number(claims?.exp) * 1000 };
    const identity = isUnchecked ? unchecked : verify(jwt);
    if (identity === undefined) close(4401, 'unauthorized');
    else if (identity.user !== user && !is('ignores the subject')) close(4403, 'forbidden');
    else {
      if (!is('keeps the old expiry at a renewal')) watchExpiry(identity);
      if (!is('does not answer a renewal')) ack(identity);
    }
  }

  function echo(frame: string | Buffer): void {
    if (typeof frame === 'string') send(encode(`echo: ${frame}`));
    else send(is('answers bytes with text') ? frame.toString('latin1') : frame);
  }

  function tooMany(): void {
    close(4429, is('says no retry-after with 4429') ? 'too many' : 'retry-after=500');
  }

  webSocket.on('message', (data: Buffer, isBinary) => {
    // `ws` has looked at that already, unless it was told not to.
    if (!isBinary && !isUtf8(data)) close(4400, 'not UTF-8');
    else receive(isBinary ? data : data.toString());
  });
  webSocket.on('pong', () => {
    isAnswered = true;
  });
  webSocket.on('ping', () => {
    if (is('moves the deadline at pings')) startDeadline();
  });
  socket.on('data', () => {
    if (is('moves the deadline at bytes')) startDeadline();
  });
  // After an error, `ws` closes by itself.
  webSocket.on('error', () => {
    isOver = true;
  });
  webSocket.on('close', () => {
    isOver = true;
    clearTimeout(deadline);
    clearTimeout(expiry);
    for (const timer of timers) clearInterval(timer);
  });
  if (is('greets before the ack')) send(encode('hello'));

  return {
    user,
    get isReady() {
      return isReady && !isOver;
    },
    say: (text) => send(encode(text)),
    goAway(retryAfter, announced) {
      if (isTwoStage) {
        send(JSON.stringify({ type: 'going-away', retryAfter, deadline: announced }));
      }
    },
    stopServing() {
      isServing = false;
    },
    close,
    terminate,
  };
}

function readTyped(frame: string | Buffer): Typed | undefined {
  if (typeof frame !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(frame);
    const isTyped = typeof value === 'object' && value !== null && Object.hasOwn(value, 'type');
    return isTyped && typeof (value as Typed).type === 'string' ? (value as Typed) : undefined;
  } catch {
    return undefined;
  }
}
