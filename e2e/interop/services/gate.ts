import { randomUUID } from 'node:crypto';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Wrong } from '../contract.ts';
import { type Host, openHost } from './host.ts';

/** The token stage before a service that has none of its own, and the HTTP server that both are on. */
export interface Gate extends Host {
  /** What an app gives as `getToken`: a token for one upgrade. */
  tokens(wrong?: Wrong): () => Promise<string>;
  /** Whether the token in an upgrade's URL is good; spends it. */
  admits(upgrade: IncomingMessage): boolean;
}

/** @param attach puts the service on each HTTP server, before that listens */
export async function openGate(attach: (http: HttpServer) => void): Promise<Gate> {
  const expiries = new Map<string, number>();
  const host = await openHost(attach);

  return Object.assign(host, {
    tokens(wrong?: Wrong) {
      let lifetime = wrong === 'expired token' ? 0 : 60_000;
      return async () => {
        const token = randomUUID();
        if (wrong !== 'bad token') expiries.set(token, Date.now() + lifetime);
        lifetime = 60_000;
        return token;
      };
    },
    admits({ url = '' }: IncomingMessage) {
      const token = new URL(url, 'http://localhost').searchParams.get('token') ?? '';
      const expiresAt = expiries.get(token) ?? 0;
      expiries.delete(token);
      return Date.now() < expiresAt;
    },
  });
}
