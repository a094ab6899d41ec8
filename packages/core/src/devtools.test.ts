import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { expect, test, vi } from 'vitest';
import { inspect, report, showDevtools } from './devtools.ts';
import { rig } from './testing/fakes.test.util.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** What a production bundle has of an entry; the package says of itself that no file has side effects. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: folder },
    conditions: ['source'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

test('on a server it does nothing, and says so by what it returns', () => {
  const { socket, events } = rig();
  const on = vi.spyOn(socket, 'on');
  const stop = inspect(socket, { name: 'chat' });
  stop();
  expect(on).not.toHaveBeenCalled();
  expect(showDevtools({ open: true })).toBe(undefined);
  expect(report()).not.toContain('chat');
  expect(events).toEqual([]);
});

test.each([
  "import { inspect } from '@two-stage-socket/core/devtools'; inspect(globalThis.socket);",
  "import { showDevtools } from '@two-stage-socket/core/devtools'; showDevtools();",
])('a bundle of %s registers the element', async (contents) => {
  expect(await bundle(contents)).toContain('two-stage-devtools');
  expect(await bundle(contents)).toMatch(/customElements\.define\(/);
});

test('a bundle without a call has none of it', async () => {
  const core = "export * from '@two-stage-socket/core';";
  const idle = "import { inspect } from '@two-stage-socket/core/devtools';";
  expect(await bundle(idle)).toBe('');
  expect(await bundle(core)).not.toContain('two-stage-devtools');
  expect(await bundle(core + idle)).toBe(await bundle(core));
});

test('a call that is only for development leaves nothing in production', async () => {
  const contents =
    "if (false) import('@two-stage-socket/core/devtools').then((m) => m.showDevtools());";
  expect(await bundle(contents)).toBe('');
});
