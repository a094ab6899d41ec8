import { type Failure, TwoStageError } from './errors.ts';
import { appFacts, type Facts } from './failure.ts';
import type { Settings } from './options.ts';
import { isRetryable, noHistory } from './retry.ts';

const code = 'renew-failed';

/** Keeps a connection authenticated beyond the life of its init payload. */
export interface Renewal {
  /** Renews now; who asks meanwhile shares it. Rejects with a TwoStageError where it comes to nothing. */
  renew(): Promise<void>;
  /** Whether a payload has been sent that the server has not answered yet. */
  isUnderWay(): boolean;
  /** The server has taken a payload, which lives for `expiresIn` ms if it says so. */
  acknowledged(expiresIn: any): void;
  /** Ends it, and what is under way with `failure`. */
  stop(failure: Failure): void;
}

/**
 * Asks for a payload and sends it, shortly before the one in use ends. An app that fails is asked
 * again; a server that does not answer in time has lost the connection.
 */
export function createRenewal(
  { environment, timeouts }: Settings,
  askPayload: () => Promise<unknown>,
  send: (payload: unknown) => void,
  onTrouble: (failure: Failure) => void,
  onLost: (facts: Facts) => void,
): Renewal {
  /** How long before a payload's end the next one is asked for, in ms: from this up to twice this. */
  const margin = 30_000;
  /** How long after a failure of the app's the next try comes at the soonest, in ms. */
  const retryInterval = 5000;
  /** The soonest that a payload is renewed, in ms, however short the life that its server gives it. */
  const minInterval = 1000;

  let current: Promise<void> | undefined;
  let finish: ((failure?: Failure) => void) | undefined;
  let isSent = false;
  let isStopped = false;
  /** When the payload in use ends, by `environment.now`; 0 where its server has not said. */
  let expiresAt = 0;
  let cancel: (() => void) | undefined;

  const arm = (ms: number, callback: () => void) => {
    cancel?.();
    // The app may end it while it says how long a payload lives.
    if (!isStopped) cancel = environment.after(ms, callback);
  };

  const start = (resolve: () => void, reject: (error: TwoStageError) => void) => {
    const mine = (failure?: Failure) => {
      finish = current = undefined;
      isSent = false;
      if (failure) reject(new TwoStageError(failure, isRetryable(failure, noHistory)));
      else resolve();
    };
    const fail = (error?: unknown) => {
      if (finish !== mine) return;
      const facts = appFacts(code, error);
      const failure: Failure = { ...facts, stage: 'ready', code };
      mine(failure);
      cancel?.();
      const delay = Math.max(retryInterval, facts.retryAfter ?? 0);
      // A refusal is final, and a payload that has ended is its server's to judge.
      if (facts.code === code && environment.now() + delay < expiresAt) arm(delay, renew);
      onTrouble(failure);
    };
    finish = mine;
    if (timeouts.init) {
      arm(timeouts.init, () => {
        if (isSent) onLost({ code: 'renew-timeout' });
        else fail();
      });
    }
    // Later, since the app may ask for a renewal in there.
    Promise.resolve()
      .then(() => finish === mine && askPayload())
      .then((payload) => {
        if (finish !== mine) return;
        isSent = true;
        send(payload);
      })
      .catch(fail);
  };
  const renew = () => {
    current ??= new Promise(start);
    // Nobody has to listen.
    current.catch(() => {});
    return current;
  };

  return {
    renew,
    isUnderWay: () => isSent,
    acknowledged(expiresIn) {
      if (current && !isSent) return;
      finish?.();
      cancel?.();
      expiresAt = Number.isFinite(expiresIn) ? environment.now() + expiresIn : 0;
      if (!expiresAt) return;
      const latest = expiresIn - margin * (1 + environment.random());
      arm(Math.max(minInterval, expiresIn / 2, latest), renew);
    },
    stop(failure) {
      isStopped = true;
      cancel?.();
      finish?.(failure);
    },
  };
}
