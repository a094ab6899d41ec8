import { describe, expect, test, vi } from 'vitest';
import { TwoStageSocket } from '../core/src/index.ts';
import { settle } from '../core/src/testing/fakes.test.util.ts';
import type { Views } from './contract.ts';
import { createServer } from './server.ts';

/** What every adapter does where there is no page. `serverHtml` is what `contract` hydrates. */
export function serverContract(
  render: (view: keyof Views, props: any) => Promise<string>,
  serverHtml: string,
  /** Svelte has no first render apart: what the app itself has opened on the server is shown open. */
  { alwaysIdle = true } = {},
): void {
  const rest = { onRender() {} };

  describe('on a server', () => {
    test('a socket of the component’s own is idle, and opens nothing', async () => {
      const server = createServer();
      expect(await render('Chat', { source: server.options, ...rest })).toBe(serverHtml);
      await settle();
      expect(server.tokenCalls).toEqual([]);
      expect(server.dialled).toEqual([]);
    });

    test('a socket that is shared is rendered idle, and left alone', async () => {
      const server = createServer();
      const socket = new TwoStageSocket<any, any>(server.options);
      const uses = [
        vi.spyOn(socket, 'on'),
        vi.spyOn(socket, 'subscribe'),
        vi.spyOn(socket, 'retain'),
      ];
      expect(await render('Chat', { source: socket, ...rest })).toBe(serverHtml);
      await render('Listener', { socket, onMessage() {}, ...rest });
      await settle();
      for (const use of uses) expect(use).not.toHaveBeenCalled();
    });

    if (alwaysIdle) {
      test('even one that the app has opened there', async () => {
        const server = createServer();
        const socket = new TwoStageSocket<any, any>(server.options);
        socket.connect();
        expect(await render('Chat', { source: socket, ...rest })).toBe(serverHtml);
        socket.close();
      });
    }

    test('reduced messages are the initial value', async () => {
      const socket = new TwoStageSocket<any, any>(createServer().options);
      const on = vi.spyOn(socket, 'on');
      const reducer = (value: unknown) => value;
      const html = await render('Feed', { socket, reducer, initial: ['none yet'], ...rest });
      expect(html).toContain('none yet');
      expect(on).not.toHaveBeenCalled();
    });
  });
}
