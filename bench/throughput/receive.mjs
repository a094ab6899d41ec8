import { clients } from './clients.mjs';
import { createCheck } from './messages.mjs';

/** One connection per client and size, kept for all rounds: connecting is not what is measured. */
const connections = new Map();

let run;

/** Makes everything ready for one run, so that nothing but receiving is in it. */
export async function prepare(origin, client, bytes, count) {
  const url = `${origin.replace('http', 'ws')}/?bytes=${bytes}&count=${count}`;
  run = { connection: await connect(client, url), check: createCheck(bytes), count };
}

/** Receives the messages. Resolves with the ms from asking for them to the last of them. */
export function receive() {
  const { connection, check, count } = run;
  return new Promise((resolve) => {
    const start = performance.now();
    connection.onMessage = (message) => {
      if (check.add(message) === count) resolve(performance.now() - start);
    };
    connection.go();
  });
}

/** @throws where a message did not arrive as it was sent */
export const verify = () => run.check.verify();

async function connect(client, url) {
  const key = client + url;
  let connection = connections.get(key);
  if (!connection) {
    connection = { onMessage() {} };
    connections.set(key, connection);
    connection.go = await clients[client](url, (message) => connection.onMessage(message));
  }
  return connection;
}
