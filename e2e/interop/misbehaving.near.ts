import { readdirSync } from 'node:fs';
import { type Options, TwoStageError } from '@two-stage-socket/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasten, open } from './contract.ts';
import { misbehaviours, said, startMisbehaving, type Turn } from './misbehaving.ts';
import { azureWebPubSub } from './recipes/azure-web-pubsub.ts';
import { centrifuge } from './recipes/centrifuge.ts';
import { colyseus } from './recipes/colyseus.ts';
import { directus } from './recipes/directus.ts';
import { discord } from './recipes/discord.ts';
import { graphqlWs } from './recipes/graphql-ws.ts';
import { hocuspocus } from './recipes/hocuspocus.ts';
import { homeAssistant } from './recipes/home-assistant.ts';
import { kraken } from './recipes/kraken.ts';
import { mosquitto } from './recipes/mosquitto.ts';
import { nats } from './recipes/nats.ts';
import { parseLiveQuery } from './recipes/parse-live-query.ts';
import { phoenix } from './recipes/phoenix.ts';
import { slack } from './recipes/slack.ts';
import { socketIo } from './recipes/socket.io.ts';

interface Recipe {
  /** For an app whose every secret is `secret`; the token stage is replaced. */
  readonly options: Options<any, any>;
  /** The frame by which a right server speaks first, unless that is its ack as well. */
  readonly challenge?: string | Uint8Array;
}

const token = 'the-token-of-the-upgrade-5d0b6f';
const secret = 'the-secret-of-the-payload-91ac3e';

const url = 'ws://localhost';
const getToken = () => token;
const getSecret = () => secret;
const getSecrets = () => ({ Authorization: secret });

/** Every recipe with an init stage, by its file. */
const recipes: Record<string, Recipe> = {
  'azure-web-pubsub': { options: azureWebPubSub({ negotiateUrl: url, getHeaders: getSecrets }) },
  centrifuge: { options: centrifuge({ url, getToken, getConnectionToken: getSecret }) },
  colyseus: {
    options: colyseus({ endpoint: url, roomName: 'a', getAuthToken: getSecret }),
  },
  directus: {
    options: directus({ url, getTokens: async () => ({ access_token: secret, expires: 9e5 }) }),
  },
  discord: {
    options: discord({ url, identify: { token: secret } }),
    challenge: '{"op":10,"d":{"heartbeat_interval":41250}}',
  },
  'graphql-ws': { options: graphqlWs({ url, getToken, getJwt: getSecret }) },
  hocuspocus: { options: hocuspocus({ url, getToken, name: 'a', getAuthToken: getSecret }) },
  'home-assistant': {
    options: homeAssistant({
      hassUrl: 'http://localhost',
      getAccessToken: async () => secret,
      nextId: () => 1,
    }),
    challenge: '{"type":"auth_required","ha_version":"2024.3.3"}',
  },
  kraken: { options: kraken({ url, getToken: getSecret }) },
  mosquitto: {
    options: mosquitto({
      url,
      getConnect: () => ({ clientId: 'a', username: 'a', password: secret }),
    }),
  },
  nats: {
    options: nats({ url, getAuth: () => ({ auth_token: secret }) }),
    challenge: new TextEncoder().encode('INFO {"nonce":"a"}\r\n'),
  },
  'parse-live-query': {
    options: parseLiveQuery({
      url,
      getToken,
      applicationId: 'a',
      javascriptKey: secret,
      getSessionToken: getSecret,
    }),
  },
  phoenix: { options: phoenix({ endpoint: url, topic: 'a', getToken, getParams: getSecrets }) },
  slack: { options: slack({ api: url, getAppToken: getSecret }) },
  'socket.io': {
    options: socketIo({ url, getToken, getAuth: getSecrets }),
    challenge: '0{"sid":"1","upgrades":[],"pingInterval":25000,"pingTimeout":20000}',
  },
};

/** Those that are ready at open: nothing is expected of a server that it could break. */
const withoutInit: readonly string[] = ['jupyter'];

type Kind = keyof typeof misbehaviours;

const kinds = Object.keys(misbehaviours) as Kind[];

const secrets = [token, secret, said.text, String(said.number)];

/** How long the init stage may take, in ms; it is over when the test says so. */
const init = 150;

/** How a socket ends that meets such a server: `undefined` where it takes that for an ack. */
async function fate({ options }: Recipe, how: Kind, turn: Turn) {
  const server = await startMisbehaving(misbehaviours[how], turn);
  onTestFinished(server.stop);
  let expire = () => {};
  const after = (ms: number, callback: () => void) => {
    if (ms === init) expire = callback;
    const timer = ms === init ? undefined : setTimeout(callback, ms);
    return () => clearTimeout(timer);
  };
  const socket = open({
    ...hasten(options, 1),
    async url(context) {
      // Where some start anew for each connection.
      if (typeof options.url === 'function') await options.url(context);
      return server.url;
    },
    getToken,
    timeouts: { init },
    environment: { after },
  });
  const failure = socket.ready().then(
    () => undefined,
    (error: TwoStageError) => error,
  );
  await Promise.race([server.seen, failure]);
  expire();
  return failure;
}

test('no recipe is left out', () => {
  const files = readdirSync(new URL('recipes', import.meta.url));
  const known = [...Object.keys(recipes), ...withoutInit];
  expect(files.map((file) => file.replace(/\.ts$/, '')).sort()).toEqual(known.sort());
});

describe.each(Object.entries(recipes))('%s ends in stage init where a server', (_, recipe) => {
  const { options, challenge } = recipe;
  const turns: (readonly [string, Turn])[] = [['at open', 'at open']];
  if (challenge) turns.push(['once its challenge is answered', { challenge }]);
  else if ('initPayload' in options && !options.isChallenge) {
    turns.push(['once spoken to', 'once spoken to']);
  }

  describe.each(turns)('%s', (_, turn) => {
    test.each(kinds)('%s', async (how) => {
      const failure = (await fate(recipe, how, turn)) as TwoStageError;
      expect(failure).toBeInstanceOf(TwoStageError);
      expect(failure.stage).toBe('init');
      const { message, received, closeCode } = failure;
      const closes = how === 'closes with 1000';
      expect(closeCode).toBe(closes ? 1000 : undefined);
      if (closes) expect(message).toContain('close code 1000');
      const isTold = typeof turn === 'object' || !(closes || how === 'says nothing');
      expect(received).toEqual(isTold ? expect.stringMatching(/./) : undefined);
      if (isTold) expect(message).toContain(received);
      const whole = `${message} ${failure.stack} ${JSON.stringify(failure)}`;
      for (const each of secrets) expect(whole).not.toContain(each);
    });
  });
});
