import { createHmac } from 'node:crypto';
import { freePort } from '../../../scripts/cluster/redis-process.ts';
import { findCentrifuge, noCentrifuge } from '../../../scripts/interop/go.mjs';
import { startProgram } from './program.ts';

/** Where the Centrifuge server is that tests can have, and what to do about one that is not there. */
export const centrifuge = { path: findCentrifuge(), missing: noCentrifuge };

export type CentrifugeServer = Awaited<ReturnType<typeof startCentrifuge>>;

/**
 * A Centrifuge server of one user, which lets in only who has its token for the upgrade.
 *
 * @param token everybody is let in where it is empty
 */
export async function startCentrifuge(token: string = crypto.randomUUID()) {
  const { path, missing } = centrifuge;
  if (path === undefined) throw new Error(missing);
  const port = await freePort();
  const secret = crypto.randomUUID();
  const env = { ...process.env, PORT: `${port}`, TOKEN: token, JWT_SECRET: secret };
  const program = await startProgram(path, [], /^listening/, env);
  let before = 0;
  let upgrades = 0;

  const count = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/upgrades`);
    upgrades = before + Number(await response.text());
    return upgrades;
  };
  return {
    version: program.greeting.replace(/^.* v/, ''),
    url: `ws://127.0.0.1:${port}/connection/websocket`,
    /** Goes into the URL as `?token=`. */
    token,
    user: 'ada',
    /** A JWT for the connect command that ends in this many seconds. */
    jwt: (seconds = 3600) =>
      sign({ sub: 'ada', exp: Math.floor(Date.now() / 1000) + seconds }, secret),
    count,
    async kill() {
      before = await count();
      await program.kill();
    },
    revive: () => program.revive(),
    stop: () => program.stop(),
  };
}

function sign(claims: object, secret: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}
