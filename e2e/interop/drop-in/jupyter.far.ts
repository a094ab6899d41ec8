import {
  type Kernel,
  KernelManager,
  type KernelMessage,
  ServerConnection,
} from '@jupyterlab/services';
import { test, vi } from 'vitest';
import { findJupyter, noJupyter } from '../../../scripts/interop/python.mjs';
import { startJupyter } from '../services/jupyter.ts';
import { holdDrops } from './drops.ts';
import type { Log } from './log.ts';

const name = '@jupyterlab/services';

/** A cell that asks its user, and goes on once that answers. */
const question = "print('You say', input('What? '))";

if (findJupyter()) {
  // The library tells of each connection and each loss.
  vi.spyOn(console, 'debug').mockReturnValue();
  vi.spyOn(console, 'warn').mockReturnValue();

  holdDrops({
    name,
    refusals: 2,
    async start() {
      const jupyter = await startJupyter();
      const headers = { Authorization: `token ${jupyter.token}` };
      return { ...jupyter, url: jupyter.baseUrl.replace('http', 'ws'), headers };
    },
    async run({ WebSocket, options, url, log, server }) {
      const manager = new KernelManager({
        serverSettings: ServerConnection.makeSettings({
          baseUrl: server.baseUrl,
          wsUrl: url,
          token: server.token,
          // Behind the gateway `?token=` is the gateway's, and the server's travels in a header.
          appendToken: !options,
          WebSocket,
        }),
      });
      const kernel = await manager.startNew({ name: 'python3' });
      const connected = () => whenConnected(kernel);
      const first = connected();
      kernel.connectionStatusChanged.connect((_, status) => log.add({ status }));
      await first;

      let answer: ((value: string) => Promise<unknown>) | undefined;
      return {
        isBack: connected,
        async use(drops) {
          // What was asked before the drop is answered after it.
          await answer?.(`${drops}`);
          await execute(kernel, `print('cell', ${drops})`, log);
          answer = await ask(kernel, log);
        },
        async stop() {
          await answer?.('the end');
          await kernel.shutdown();
          manager.dispose();
        },
      };
    },
  });
} else {
  test.skip(`${name}: not run, ${noJupyter}`);
}

function whenConnected(kernel: Kernel.IKernelConnection): Promise<void> {
  return new Promise((resolve) => {
    const look = (_: unknown, status: Kernel.ConnectionStatus) => {
      if (status !== 'connected') return;
      kernel.connectionStatusChanged.disconnect(look);
      resolve();
    };
    kernel.connectionStatusChanged.connect(look);
  });
}

/** Runs a cell and logs what its user sees of it, by then whole. */
async function execute(
  kernel: Kernel.IKernelConnection,
  code: string,
  log: Log,
  onQuestion: (question: KernelMessage.IInputRequestMsg) => void = () => {},
): Promise<void> {
  let printed = '';
  const cell = kernel.requestExecute({ code });
  cell.onIOPub = ({ content }) => {
    if ('text' in content) printed += content.text;
  };
  cell.onStdin = (message) => {
    if (message.header.msg_type === 'input_request') {
      onQuestion(message as KernelMessage.IInputRequestMsg);
    }
  };
  const { content } = await cell.done;
  log.add({ code, printed, status: content.status, count: content.execution_count });
}

/** Runs a cell up to its question; what it gives answers that, and resolves at the end of the cell. */
function ask(kernel: Kernel.IKernelConnection, log: Log) {
  return new Promise<(value: string) => Promise<void>>((resolve) => {
    const done = execute(kernel, question, log, ({ header }) => {
      resolve((value) => {
        kernel.sendInputReply({ status: 'ok', value }, header);
        return done;
      });
    });
  });
}
