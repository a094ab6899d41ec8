import { createServer, type Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { json } from 'node:stream/consumers';
import manifest from 'parse-server/package.json' with { type: 'json' };
import type { Server } from '../contract.ts';
import { parseLiveQuery } from '../recipes/parse-live-query.ts';
import { openGate } from './gate.ts';
import { createJwts, user } from './jwts.ts';

/** Parse's LiveQuery server, behind our gate; its sessions are JWTs. */
export interface ParseLiveQueryService extends Server {
  /** By the recipe, for an app whose key is another. */
  optionsOfStranger(): ReturnType<typeof parseLiveQuery>;
  /** Tells of a note as if it had just been saved, one that only our user may read. */
  save(text: string): void;
}

const appId = 'notes';
const javascriptKey = 'the key of the app';
const unauthorized = 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n';

/** What of the server's database a LiveQuery asks for: classes, of which it knows none. */
const databaseAdapter = { getAllClasses: async () => [], watch() {} };

const nothing = () => {};
const filesAdapter = {
  createFile: nothing,
  deleteFile: nothing,
  getFileData: nothing,
  getFileLocation: nothing,
};

/** Parse, kept from saying all that it does, and from logging it in a folder here. */
function requireParse() {
  process.env.PARSE_SERVER_LOGS_FOLDER = 'null';
  const { resolve } = createRequire(import.meta.url);
  // The SDK is a module with a state, and the server's own may be another than ours.
  const require = createRequire(resolve('parse-server'));
  require('./logger').setLogger(new Proxy({}, { get: () => nothing }));
  return { Parse: require('parse/node'), ParseServer: require('parse-server').default };
}

export async function startParseLiveQuery(): Promise<ParseLiveQueryService> {
  const { Parse, ParseServer } = requireParse();
  const jwts = createJwts();

  /** Stands in for the REST API, where the LiveQuery server looks up sessions. */
  const answerSessions = (http: HttpServer) =>
    http.on('request', async (request, response) => {
      const { where } = (await json(request)) as any;
      const objectId = await jwts.verify(where?.sessionToken);
      const session = { objectId: 'session', user: { className: '_User', objectId } };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ results: objectId ? [session] : [] }));
    });

  const gate = await openGate((http) => {
    const behind = createServer();
    http.on('upgrade', (request, tcp, head) => {
      if (gate.admits(request)) behind.emit('upgrade', request, tcp, head);
      else tcp.end(unauthorized);
    });
    answerSessions(http);
    ParseServer.createLiveQueryServer(behind, { appId, keyPairs: { javascriptKey } });
  });
  const { config } = new ParseServer({
    appId,
    masterKey: 'the key of the server',
    serverURL: `http://${gate.host}/parse`,
    liveQuery: { classNames: ['Note'] },
    databaseAdapter,
    filesAdapter,
    logsFolder: null,
    silent: true,
  });
  Parse.Cloud.beforeConnect(({ user }: any) => {
    if (!user) throw new Parse.Error(Parse.Error.INVALID_SESSION_TOKEN, 'The session is not good');
  });

  const options = (key: string, getSessionToken: () => Promise<string>, getToken: any) =>
    parseLiveQuery({
      url: `ws://${gate.host}`,
      getToken,
      applicationId: appId,
      javascriptKey: key,
      getSessionToken,
    });
  return {
    version: manifest.version,
    get upgrades() {
      return gate.upgrades;
    },
    options: (wrong) => options(javascriptKey, () => jwts.sign(wrong), gate.tokens(wrong)),
    optionsOfStranger: () => options('another', jwts.sign, gate.tokens()),
    save(text) {
      const note = new Parse.Object('Note', { objectId: crypto.randomUUID(), text });
      const acl = new Parse.ACL();
      acl.setReadAccess(user, true);
      note.setACL(acl);
      config.liveQueryController.onAfterSave('Note', note);
    },
    kill: gate.kill,
    revive: gate.revive,
    stop: gate.kill,
  };
}
