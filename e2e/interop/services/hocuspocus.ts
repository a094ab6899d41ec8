import { Server as HocuspocusServer, OutgoingMessage } from '@hocuspocus/server';
import type { Server } from '../contract.ts';
import { hocuspocus } from '../recipes/hocuspocus.ts';
import { openGate } from './gate.ts';
import { createJwts, type Jwts } from './jwts.ts';

/** A Hocuspocus server with one document, behind our gate. */
export interface HocuspocusService extends Server {
  /** How many tokens have been judged on connections that were authenticated before. */
  readonly renewals: number;
  /** What an app gives as `getAuthToken`. */
  readonly sign: Jwts['sign'];
  /** By the recipe, with some of what an app gives it. */
  optionsWith(app: Partial<Parameters<typeof hocuspocus>[0]>): ReturnType<typeof hocuspocus>;
  /** Asks every connection for a new token. */
  requestTokens(): void;
}

/** The name of the document. */
export const name = 'letter';

/** What the document says at first. */
export const beginning = 'Dear Ada,';

const unauthorized = 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n';

export async function startHocuspocus(): Promise<HocuspocusService> {
  const jwts = createJwts();
  let version = '';
  let renewals = 0;

  const judge = async (token: string) => {
    if (!(await jwts.verify(token))) throw Object.assign(new Error(), { reason: 'The JWT is bad' });
  };
  const server = new HocuspocusServer({
    quiet: true,
    async onConfigure(payload) {
      version = payload.version;
    },
    onAuthenticate: ({ token }) => judge(token),
    async onTokenSync({ token, connection }) {
      renewals++;
      await judge(token);
      const answer = new OutgoingMessage(connection.messageAddress);
      connection.send(answer.writeAuthenticated(connection.readOnly).toUint8Array());
    },
    async onLoadDocument({ document }) {
      document.getText().insert(0, beginning);
      document.awareness.setLocalState({ user: 'the server' });
    },
  });
  const gate = await openGate((http) =>
    http.on('upgrade', (request, tcp, head) => {
      if (gate.admits(request)) server.httpServer.emit('upgrade', request, tcp, head);
      else tcp.end(unauthorized);
    }),
  );

  const optionsWith: HocuspocusService['optionsWith'] = (app) =>
    hocuspocus({
      url: `ws://${gate.host}`,
      getToken: gate.tokens(),
      name,
      getAuthToken: () => jwts.sign(),
      ...app,
    });
  return {
    version,
    get upgrades() {
      return gate.upgrades;
    },
    get renewals() {
      return renewals;
    },
    options: (wrong) =>
      optionsWith({ getToken: gate.tokens(wrong), getAuthToken: () => jwts.sign(wrong) }),
    optionsWith,
    requestTokens() {
      const connections = server.hocuspocus.documents.get(name)?.getConnections() ?? [];
      for (const connection of connections) connection.requestToken();
    },
    sign: jwts.sign,
    kill: gate.kill,
    revive: gate.revive,
    async stop() {
      await gate.kill();
      await server.destroy();
    },
  };
}
