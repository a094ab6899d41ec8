/**
 * One client and its connection, which is kept for all rounds: connecting is not what is measured. Each
 * client is given an instance of this module, and so of its library, for itself, as in an app: code that
 * several share is compiled for all of them, and slower for each.
 */
import { clients } from './clients.mjs';
import { createCheck } from './messages.mjs';

let go;
let onMessage;
let check;

export async function open(origin, client, bytes, count) {
  const url = `${origin.replace('http', 'ws')}/?bytes=${bytes}&count=${count}`;
  check = createCheck(bytes, count);
  go = await clients[client](url, (message) => onMessage(message));
}

/** Receives the messages once. Resolves with the ms from asking for them to the last of them. */
export function receive() {
  return new Promise((resolve) => {
    check.reset();
    const start = performance.now();
    onMessage = (message) => {
      if (check.add(message)) resolve(performance.now() - start);
    };
    go();
  });
}

/** @throws where a message did not arrive as it was sent */
export const verify = () => check.verify();
