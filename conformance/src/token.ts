import { type Envelope, type Response, readEnvelope } from './http.ts';
import { fail, show } from './outcome.ts';

/** What the token route answers (3.2), as far as rows need it. */
export interface Token {
  readonly token: string;
  /** In ms; `undefined` if the server does not say. */
  readonly expiresIn: number | undefined;
  readonly reusable: boolean;
  readonly protocol: string | undefined;
  /** When the answer came, in ms of `performance.now()`: it expires no later than this and its life. */
  readonly receivedAt: number;
}

/** Reads the answer of the token route. Throws a `Failure` when there is no token in it. */
export function readToken(response: Response): Token {
  const { status, text } = response;
  const { data }: Envelope = readEnvelope(text);
  const { token, expiresIn, reusable, protocol } = (data ?? {}) as Record<string, unknown>;
  if (status !== 200 || typeof token !== 'string') {
    fail('200 with data.token from the token route', `${status} with ${show(text)}`);
  }
  return {
    token,
    expiresIn: typeof expiresIn === 'number' ? expiresIn : undefined,
    reusable: reusable === true,
    protocol: typeof protocol === 'string' ? protocol : undefined,
    receivedAt: performance.now(),
  };
}
