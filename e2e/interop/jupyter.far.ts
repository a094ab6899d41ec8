import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TwoStageSocket } from '@two-stage-socket/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { findJupyter, noJupyter } from '../../scripts/interop/python.mjs';
import { hasten, hold, message, open } from './contract.ts';
import { type Jupyter, startJupyter } from './services/jupyter.ts';

/** A request to a kernel. */
const request = (msg_type: string, content = {}) => ({
  header: {
    msg_id: randomUUID(),
    msg_type,
    username: 'user',
    session: randomUUID(),
    date: new Date().toISOString(),
    version: '5.3',
  },
  parent_header: {},
  metadata: {},
  content,
  channel: 'shell',
  buffers: [],
});

/** The next message of this type that the kernel sends because of `cause`. */
function answer(
  socket: TwoStageSocket<any, any>,
  cause: ReturnType<typeof request>,
  type: string,
): Promise<any> {
  const { msg_id } = cause.header;
  return message(
    socket,
    (given) => given?.parent_header?.msg_id === msg_id && given.header.msg_type === type,
  );
}

/** Resolves once the server says this of its one kernel. */
async function kernelIs({ baseUrl, token }: Jupyter, expected: object): Promise<void> {
  const headers = { Authorization: `token ${token}` };
  await vi.waitFor(async () => {
    const response = await fetch(new URL('api/kernels', baseUrl), { headers });
    expect(await response.json()).toMatchObject([expected]);
  }, 10_000);
}

if (findJupyter()) {
  hold({
    name: 'Jupyter server',
    start: startJupyter,
    async exchange(socket) {
      const info = request('kernel_info_request');
      const reply = answer(socket, info, 'kernel_info_reply');
      socket.send(info);
      expect((await reply).content).toMatchObject({ status: 'ok', implementation: 'ipython' });
    },
    badToken: { stage: 'token', code: 'unauthorized' },
  });

  describe('Jupyter server', () => {
    let server: Jupyter;
    beforeAll(async () => {
      server = await startJupyter();
    });
    afterAll(() => server?.stop());

    test('what the kernel says between two connections waits for the next one', async () => {
      const gate = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void gate.close());
      await once(gate, 'listening');
      const { port } = gate.address() as AddressInfo;
      const code = `import urllib.request
urllib.request.urlopen('http://127.0.0.1:${port}')
print('done')`;

      const socket = open(hasten(server.options()));
      await socket.ready();
      const cell = request('execute_request', { code, silent: false, allow_stdin: false });
      const output = answer(socket, cell, 'stream');
      socket.send(cell);
      const [, response] = await once(gate, 'request');
      socket.close();
      await kernelIs(server, { connections: 0 });
      response.end();
      await kernelIs(server, { execution_state: 'idle' });
      socket.connect();
      expect((await output).content).toMatchObject({ text: 'done\n' });
    });
  });
} else {
  test.skip(`Jupyter server: not run, ${noJupyter}`);
}
