import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * A Node process of its own whose clients use the global `WebSocket`. `cpu` is all that the process
 * spent, garbage collection included.
 */
export async function openNode(code, origin) {
  const child = fork(fileURLToPath(new URL('./node-child.mjs', import.meta.url)), {
    // The system's Node may be an older one, without a global WebSocket: the repository brings its own.
    execPath: globalThis.WebSocket
      ? process.execPath
      : fileURLToPath(import.meta.resolve('node/bin/node')),
  });
  const exited = once(child, 'exit').then(([code]) => [
    { error: `The Node client ended with ${code}` },
  ]);
  const ask = async (question) => {
    child.send(question);
    const [answer] = await Promise.race([once(child, 'message'), exited]);
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
  return {
    open: (client, bytes, count) => ask({ code, open: [origin, client, bytes, count] }),
    receive: (client) => ask({ receive: client }),
    close: () => child.kill(),
  };
}
