import { createHmac } from 'node:crypto';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findCentrifuge, noCentrifuge } from '../../../scripts/interop/go.mjs';
import type { Wrong } from '../contract.ts';
import { centrifuge as recipe } from '../recipes/centrifuge.ts';
import { startProgram } from './program.ts';

/** Where the Centrifuge server is that tests can have, and what to do about one that is not there. */
export const centrifuge = { path: findCentrifuge(), missing: noCentrifuge };

export type CentrifugeServer = Awaited<ReturnType<typeof startCentrifuge>>;

/**
 * A Centrifuge server of one user, which lets in only who has its token for the upgrade.
 *
 * @param token everybody is let in where it is empty
 * @param pingInterval how often it pings, in ms; it waits half as long for the answer
 */
export async function startCentrifuge(token: string = crypto.randomUUID(), pingInterval = 25_000) {
  const { path, missing } = centrifuge;
  if (path === undefined) throw new Error(missing);
  const port = await freePort();
  const secret = crypto.randomUUID();
  const url = `ws://127.0.0.1:${port}/connection/websocket`;
  const env = {
    ...process.env,
    PORT: `${port}`,
    TOKEN: token,
    JWT_SECRET: secret,
    PING_INTERVAL: `${pingInterval}ms`,
  };
  const program = await startProgram(path, [], /^listening/, env);
  const jwt = (seconds = 3600) =>
    sign({ sub: 'ada', exp: Math.floor(Date.now() / 1000) + seconds }, secret);

  return {
    version: program.greeting.replace(/^.* v/, ''),
    url,
    /** Goes into the URL as `?token=`. */
    token,
    /** A JWT for the connect command that ends in this many seconds. */
    jwt,
    /** @param getConnectionToken in place of one that lasts */
    options(wrong?: Wrong, getConnectionToken = () => jwt()) {
      let isExpired = wrong === 'expired token';
      return recipe({
        url,
        getToken: () => (wrong === 'bad token' ? 'not the token' : token),
        getConnectionToken() {
          if (wrong === 'bad payload') return 'not a JWT';
          if (!isExpired) return getConnectionToken();
          isExpired = false;
          return jwt(-60);
        },
      });
    },
    /** How many upgrades it has been asked for since it was started. */
    async count() {
      const response = await fetch(`http://127.0.0.1:${port}/upgrades`);
      return Number(await response.text());
    },
    kill: () => program.kill(),
    revive: () => program.revive(),
    stop: () => program.stop(),
  };
}

function sign(claims: object, secret: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}
