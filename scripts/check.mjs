import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './workspaces.mjs';

/**
 * One thing that was found to be right or wrong.
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {boolean} ok
 * @property {string} [output] what there is to say about it
 */

// Tools are started by name and may start others: all of them under the Node that npm installed.
const PATH = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);

/**
 * Starts a tool and resolves with its exit status; `null` if it died of a signal.
 *
 * @param {string[]} command
 * @param {import('node:child_process').SpawnOptions} [options]
 * @param {(text: string) => void} [onOutput]
 * @returns {Promise<number | null>}
 */
export function run([tool = '', ...args], options, onOutput) {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { cwd: root, ...options, env: { ...process.env, PATH } });
    child.stdout?.setEncoding('utf8').on('data', (text) => onOutput?.(text));
    child.stderr?.setEncoding('utf8').on('data', (text) => onOutput?.(text));
    child.on('error', reject);
    child.on('close', resolve);
  });
}

/**
 * A check by a tool's exit status; what it printed is kept for when it is wrong.
 *
 * @param {string} name
 * @param {string[]} command
 * @param {string} [cwd]
 * @returns {Promise<Check>}
 */
export async function checkByTool(name, command, cwd = root) {
  let output = '';
  const status = await run(command, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }, (text) => {
    output += text;
  });
  return status === 0 ? { name, ok: true } : { name, ok: false, output };
}

/** @param {Check[]} checks */
export function report(checks) {
  for (const { name, ok, output } of checks) {
    console.log(`  ${ok ? '✓' : '✗'} ${name}`);
    if (output) console.log(output.trimEnd().replace(/^/gm, '    '));
  }
}

/**
 * Lets a script that offers checks be run by itself.
 *
 * @param {ImportMeta} meta
 * @param {() => Promise<Check[]>} checks
 */
export async function runAlone(meta, checks) {
  if (realpathSync(process.argv[1] ?? '') !== fileURLToPath(meta.url)) return;
  const found = await checks();
  report(found);
  process.exitCode = found.every(({ ok }) => ok) ? 0 : 1;
}
