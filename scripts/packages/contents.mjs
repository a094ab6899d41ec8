import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { root } from '../workspaces.mjs';

const needed = ['package.json', 'README.md', 'LICENSE'];

/** What only we need: tests, what they are made of, settings of tools. */
const ours = /\.test\.|(^|\/)testing\/|(^|\/)tsconfig|node_modules|\.tsbuildinfo$|(^|\/)\./;

/** What looks like a secret, wherever it is, and where this checkout lies. */
const secrets = [
  /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(npm|ghp|gho|ghs)_[A-Za-z0-9]{30,}/,
  /\bAKIA[0-9A-Z]{16}\b/,
];

/** What a browser has not. Some bundlers put it in, so that one cannot tell by what they make. */
const foreign = new RegExp(
  `\\b(process|Buffer|global|require)\\s*[.([]|(from|import)\\s*\\(?["'](node:|(${builtinModules.join('|')})["'])`,
);

/**
 * Whether a tarball holds what its users need, and nothing else.
 *
 * @param {import('./pack.mjs').Tarball} tarball
 * @returns {import('../check.mjs').Check}
 */
export function checkContents({ name, paths, folder }) {
  const held = new Set(paths);
  const read = (/** @type {string} */ path) => readFileSync(join(folder, path), 'utf8');
  const offered = pathsIn(JSON.parse(read('package.json')).exports);
  const wanted = [...needed, ...offered, ...(name.endsWith('/core') ? ['errors.md'] : [])];
  const wrong = [
    ...wanted.filter((path) => !held.has(path)).map((path) => `${path} is missing`),
    ...paths.filter((path) => ours.test(path)).map((path) => `${path} is of no use to users`),
  ];
  for (const path of paths) {
    const text = read(path);
    if (text.includes(root) || secrets.some((secret) => secret.test(text))) {
      wrong.push(`${path} has what looks like a secret, or the path of this checkout`);
    }
    const found = path.endsWith('.js') ? foreign.exec(text)?.[0] : undefined;
    if (found !== undefined) wrong.push(`${path} has ${found}, which no browser has`);
    if (!path.endsWith('.map')) continue;
    /** @type {string[]} */
    const sources = JSON.parse(text).sources;
    const lost = sources.filter((source) => !held.has(posix.join(posix.dirname(path), source)));
    wrong.push(...lost.map((source) => `${path} points to ${source}, which is missing`));
  }
  return {
    name: `${name}, ${paths.length} files`,
    ok: wrong.length === 0,
    output: wrong.join('\n'),
  };
}

/**
 * The files that an exports map offers, under whatever conditions.
 *
 * @param {unknown} entry
 * @returns {string[]}
 */
function pathsIn(entry) {
  if (typeof entry === 'string') return [posix.normalize(entry)];
  return Object.values(/** @type {object} */ (entry ?? {})).flatMap(pathsIn);
}
