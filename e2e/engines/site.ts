import { type Server, startServer } from '../server.ts';
import { type Gateway, startGateway } from './gateway.ts';

/** The reference server, behind a gateway of its own. */
export interface Site {
  readonly gateway: Gateway;
  readonly server: Server;
  /** Forgets what a test has done to it, and what it has seen. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Those that run. */
export const sites = new Set<Site>();

/** @param settings Of the server, as environment variables. */
export async function startSite(settings: Readonly<Record<string, string>> = {}): Promise<Site> {
  const gateway = await startGateway();
  const server = await startServer({ ...settings, ORIGINS: gateway.url });
  gateway.target = server.url;
  const site: Site = {
    gateway,
    server,
    async reset() {
      gateway.reset();
      await server.faults({ action: 'reset' });
    },
    async stop() {
      sites.delete(site);
      gateway.stop();
      await server.stop();
    },
  };
  sites.add(site);
  return site;
}
