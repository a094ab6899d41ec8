import { type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { fail, show } from './outcome.ts';
import { within } from './time.ts';

/** An HTTP request. */
export interface Request {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** How long it may take, in ms. */
  readonly timeout: number;
}

/** An HTTP answer. */
export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The envelope of an answer (2.2.4), as far as it is one. */
export interface Envelope {
  readonly status?: unknown;
  readonly message?: unknown;
  readonly data?: unknown;
}

/** Sends a request on a connection of its own. Rejects with `Late`, or with the system's error. */
export async function send(url: URL, request: Request): Promise<Response> {
  const end = new AbortController();
  try {
    const { method, timeout } = request;
    return await within(timeout, `an answer to ${method}`, ask(url, request, end.signal));
  } finally {
    end.abort();
  }
}

function ask(
  url: URL,
  { method, target, headers, body }: Request,
  signal: AbortSignal,
): Promise<Response> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(target, url),
      {
        method,
        agent: false,
        signal,
        headers: {
          ...(payload !== undefined && { 'Content-Type': 'application/json' }),
          'Content-Length': Buffer.byteLength(payload ?? ''),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

/** The JSON object in a body; empty when there is none. */
export function readEnvelope(text: string): Envelope {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Requires the envelope of a failure (2.2.4). */
export function expectFailure(text: string): Envelope {
  const envelope = readEnvelope(text);
  if (envelope.status !== 0 || typeof envelope.message !== 'string') {
    fail('the envelope { status: 0, message }', show(text));
  }
  return envelope;
}

/**
 * Requires what 3.3.1 says of 429 and 503, and answers the delay in ms.
 *
 * @param header value of `Retry-After`
 */
export function expectRetryAfter(header: string | undefined, text: string): number {
  const { data } = expectFailure(text);
  if (header === undefined || !/^\d+$/.test(header)) {
    fail('Retry-After in whole seconds', header === undefined ? 'no such header' : show(header));
  }
  const exact = (data as { retryAfter?: unknown } | undefined)?.retryAfter;
  if (exact === undefined) return Number(header) * 1000;
  if (typeof exact !== 'number' || exact < 0) fail('retryAfter as a number of ms', show(exact));
  if (Math.ceil(exact / 1000) !== Number(header)) {
    fail('Retry-After to be data.retryAfter, rounded up', `${header} s for ${exact} ms`);
  }
  return exact;
}
