import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../workspaces.mjs';
import { visit } from './browser.mjs';
import { readQuickStart } from './guide.mjs';
import { findPort, openTerminal } from './terminal.mjs';

/**
 * How long a quick start took: the commands and the browser, not the reader.
 *
 * @typedef {object} Timing
 * @property {{ title: string, seconds: number }[]} steps
 * @property {number} seconds
 * @property {number} npmSeconds how much of that npm took to create and to install
 * @property {number | undefined} buildSeconds for the same app built and served, where it can be
 */

/**
 * Does what a quick start says, in an empty folder. Only what cannot be so yet is another: ports that are
 * free, and tarballs for packages that are not published.
 *
 * @param {string} name the page of the guide
 * @param {import('./pack.mjs').Tarball[]} tarballs
 * @param {import('playwright').Browser} browser
 * @param {string} scratch
 * @returns {Promise<Timing>}
 */
export async function follow(name, tarballs, browser, scratch) {
  const ports = { server: await findPort(), app: await findPort() };
  const localize = (/** @type {string} */ text) =>
    text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.server}`)
      .replaceAll('localhost:5173', `localhost:${ports.app}`)
      .replace(/^npm run (dev|preview)$/m, `$& -- --port ${ports.app} --strictPort`)
      .replace(/^npm install (@two-stage-socket\/\w+)$/m, (_, wanted) => {
        const files = tarballs.filter(({ name }) => name === wanted || name.endsWith('/core'));
        return `npm install ${files.map(({ file }) => file).join(' ')}`;
      });

  const folder = mkdtempSync(join(scratch, `${name}-`));
  const own = mkdtempSync(join(scratch, 'terminal-'));
  const terminal = openTerminal(own, folder);
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  /** @type {import('./browser.mjs').Visit | undefined} */
  let page;
  let npmSeconds = 0;

  /** @param {import('./guide.mjs').Action} action */
  const act = async (action) => {
    if ('file' in action) {
      const file = join(terminal.folder, action.file);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, localize(action.text));
    } else if ('open' in action) {
      page = await visit(browser, localize(action.open));
    } else if ('press' in action) {
      await page?.press(action.press);
    } else if ('see' in action) {
      await page?.see(action.see);
    } else if (/\bnpm start$/m.test(action.run)) {
      const clone = openTerminal(mkdtempSync(join(scratch, 'terminal-')), root);
      // Not its set-up: that is done, and would install anew below what runs here.
      const env = { PORT: String(ports.server), npm_config_ignore_scripts: 'true' };
      stops.push(await clone.start(localize(action.run), env));
    } else if (/^(npm run|npx)\b/m.test(action.run)) {
      stops.push(await terminal.start(localize(action.run)));
    } else {
      // From here on it may say that it has lost the connection.
      page?.assertClean();
      const comesBack = page?.comesBack();
      const seconds = await time(() => terminal.run(localize(action.run)));
      if (/^npm (create|install)\b/m.test(action.run)) npmSeconds += seconds;
      await comesBack?.();
      await page?.see('ready');
    }
  };

  try {
    const quickStart = readQuickStart(name);
    const steps = [];
    for (const { title, actions } of quickStart) {
      const seconds = await time(async () => {
        for (const action of actions) await act(action);
      });
      steps.push({ title, seconds });
    }
    await page?.close();

    const all = quickStart.flatMap(({ actions }) => actions);
    let buildSeconds;
    if (all.some((action) => 'run' in action && /^npm run dev$/m.test(action.run))) {
      await stops.pop()?.();
      buildSeconds = await time(async () => {
        await terminal.run('npm run build');
        await act({ run: 'npm run preview' });
        for (const action of all) if (!('run' in action || 'file' in action)) await act(action);
      });
      page?.assertClean();
    }
    const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
    return { steps, seconds, npmSeconds, buildSeconds };
  } finally {
    await page?.close();
    for (const stop of stops.reverse()) await stop();
  }
}

/** @param {() => Promise<unknown>} action */
async function time(action) {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}
