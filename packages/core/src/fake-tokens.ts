import { v1 } from './connection.ts';
import type { FakeToken, TokenMembers, TokenRefusal } from './fake-types.ts';
import type { Wire } from './types.ts';

/** The token route's half of a server: what it gives out, and what it thinks of what comes back. */
export interface FakeTokens {
  /** Mints one now: `token-1`, `token-2`, … */
  issue(user?: string): FakeToken;
  /** What the route answers, once it is let: a token, or how it refuses one. */
  ask(user?: string): Promise<FakeToken | Required<TokenRefusal>>;
  /** Refuses the next request that is not refused already. */
  refuseNext(refusal?: TokenRefusal): void;
  /** Keeps requests waiting until the returned function is called. */
  hold(): () => void;
  /** What was issued under this name; nothing for one that is another's. */
  find(token: string | undefined): FakeToken | undefined;
  /** Why a server would refuse an upgrade with this token; nothing where it would not. */
  fault(token: string | undefined): 'unknown' | 'spent' | 'expired' | undefined;
  spend(token: string | undefined): void;
  reset(): void;
  readonly held: boolean;
}

export function createFakeTokens(
  wire: Wire,
  { expiresIn = 900_000, reusable = false }: TokenMembers,
  now: () => number,
): FakeTokens {
  const issued: Map<string, { readonly token: FakeToken; readonly until: number; spent: boolean }> =
    new Map();
  let refusals: TokenRefusal[] = [];
  let gate: ReturnType<typeof openable> | undefined;

  const issue = (user?: string): FakeToken => {
    const token: FakeToken = {
      token: `token-${issued.size + 1}`,
      expiresIn,
      reusable,
      ...(wire === v1 && { protocol: v1 }),
      ...(user !== undefined && { user }),
    };
    issued.set(token.token, { token, until: now() + expiresIn, spent: false });
    return token;
  };

  return {
    issue,
    async ask(user) {
      // Held or refused in the same task as it is asked for, it still is.
      await undefined;
      while (gate) await gate.opened;
      const refusal = refusals.shift();
      if (!refusal) return issue(user);
      return { status: refusal.status ?? 401, retryAfter: refusal.retryAfter };
    },
    refuseNext(refusal = {}) {
      refusals.push(refusal);
    },
    hold() {
      gate ??= openable();
      const own = gate;
      return () => {
        if (gate === own) gate = undefined;
        own.open();
      };
    },
    find: (token) => issued.get(token ?? '')?.token,
    fault(token) {
      const found = issued.get(token ?? '');
      if (!found) return 'unknown';
      if (now() >= found.until) return 'expired';
      return found.spent && !found.token.reusable ? 'spent' : undefined;
    },
    spend(token) {
      const found = issued.get(token ?? '');
      if (found) found.spent = true;
    },
    reset() {
      issued.clear();
      refusals = [];
      gate?.open();
      gate = undefined;
    },
    get held() {
      return gate !== undefined;
    },
  };
}

function openable(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
