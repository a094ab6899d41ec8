import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../workspaces.mjs';

/**
 * What a step of a quick start has its reader do, in the order of the page.
 *
 * @typedef {{ run: string } | { file: string, text: string } | { open: string } | { press: string } | { see: string }} Action
 * @typedef {{ title: string, actions: Action[] }} Step
 */

/**
 * Reads the quick start of a page of the guide: its numbered steps, and in each the blocks to run, those
 * that are files (a line has their path before), the address to open, the buttons to press and the texts
 * that are then to be seen.
 *
 * @param {string} name of the page
 * @returns {Step[]}
 */
export function readQuickStart(name) {
  const page = readFileSync(join(root, 'docs', 'guide', `${name}.md`), 'utf8');
  const [, section = ''] = page.split(/^## Quick start$/m);
  const [quickStart = ''] = section.split(/^## /m);
  const steps = quickStart.split(/^### \d+\. /m).slice(1);
  if (steps.length === 0) throw new Error(`docs/guide/${name}.md has no numbered quick start`);
  return steps.map((step) => {
    const [title = '', ...rest] = step.split('\n');
    return { title, actions: readActions(rest.join('\n')) };
  });
}

/** @param {string} step */
function readActions(step) {
  const block = /(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n(.*?)^```$/gms;
  /** @type {Action[]} */
  const actions = [];
  let end = 0;
  for (const { 0: whole, 1: file, 2: language, 3: text = '', index } of step.matchAll(block)) {
    actions.push(...readProse(step.slice(end, index)));
    end = index + whole.length;
    if (file !== undefined) actions.push({ file, text });
    else if (language === 'sh') actions.push({ run: text });
    else throw new Error(`A block of ${language} that is to be written to no file:\n${text}`);
  }
  return [...actions, ...readProse(step.slice(end))];
}

/**
 * What is done in the browser: the paragraph that says what to open says what to do there.
 *
 * @param {string} prose
 * @returns {Action[]}
 */
function readProse(prose) {
  const [paragraph = ''] = prose.match(/^Open `http.*?(?=\n\n|^\(|$(?![\s\S]))/ms) ?? [];
  return [...paragraph.matchAll(/Press \*([^*]+)\*|`([^`]+)`/g)].map(([, press, code = '']) => {
    if (press !== undefined) return { press };
    return code.startsWith('http') ? { open: code } : { see: code };
  });
}
