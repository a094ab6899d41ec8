import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interopFolder, readResults, readServices } from '../../scripts/interop/services.mjs';
import { columnsOf } from '../../scripts/interop/table.mjs';
import { slug } from '../../scripts/links.mjs';

// Makes docs/services.md of the recipes, what is known of their servers, and what was seen of them.
// `node docs/.vitepress/services.mjs --write` writes it; the docs stage compares.

/**
 * @typedef {import('../../scripts/interop/services.mjs').Service} Service
 * @typedef {import('../../scripts/interop/services.mjs').DropIn} DropIn
 */

const page = join(import.meta.dirname, '..', 'services.md');

const intro = `# Other servers

Many services authenticate in two stages, each in its own words. \`TwoStageSocket\` speaks to them by options alone: a
recipe is a function from what is your app's (a URL, functions that get credentials) to options. Copy its file, and call
it once for each socket, with any adapter: some recipes keep what they have read, so that calling them at each render
would forget it.

- **A recipe** gives you the service's own messages, the queue, the states and the typed failures of this client. What
  the messages mean (subscriptions, ids, acknowledgements) stays yours: after each \`ready\`, subscribe again.
- **The drop-in class** suits you if you have the service's client library and want to keep it: it goes on speaking its
  protocol, [over a \`WebSocket\` that goes through both stages](websocket.md).
- **The token stage** is your server's to add where a service has none: a route that gives a logged-in user a token for
  one upgrade, and a check of \`?token=\` in the upgrade, before the service sees it, which answers anything else with
  401. Recipes take \`getToken\` for it, such as [\`fetchToken\`](guide/two-stages.md); leave it out where there is no such
  check. [Your own server](recipes/own-server.md) has the parts.

A server that does not do what a recipe expects (no ack, one of another shape, an error frame with the socket left
open, a close with 1000) ends in a failure of stage \`init\`, whose \`received\` says by its shape what came instead.`;

const rowsIntro = `## What was run

Each of these servers was started, spoken to by its recipe, and stopped, by tests that are in
\`e2e/interop\`: \`npm test\` runs those that are npm packages, and the documented ones, \`npm run test:interop\` all that
can be had on a machine.`;

const rowsMeaning = `- **ready**: authenticated, and something that only an authenticated connection gets has come.
- **bad token**, **bad payload**: final, with the right stage and code, after two tries at most.
- **expired token**: refused once, refreshed, and in.
- **renewal**: other credentials on the same connection.
- **with the ack**: what comes right behind the ack, or in its frame, is not lost.
- **restart**: the server is killed and started again, and the client is back.
- **wrong servers**: fakes that answer something else, or nothing, each end in a failure of stage \`init\`.
- **special**: what only this service has.

\`–\` is a row that is not for that service: it has no such stage, or no such tokens.`;

const documentedIntro = `## From public documentation

These run on their companies' machines alone, or want a toolchain that is not asked for here. Their recipes were held to small fakes that were written from the documentation that is cited, **not to the services
themselves**.`;

const dropInIntro = `## Libraries over the drop-in class

The library's own client, against a server of its own kind behind a gate that wants a token and an init payload. Each
was dropped ten times, and what its user saw was compared with what it saw over the platform's \`WebSocket\`: it has to be
the same. **Refused tries** are drops after which the next tries are refused as well. \`Class\` is what
[\`createWebSocket\`](websocket.md) gave.`;

/** What the page says by the files as they are. */
export function servicesPage() {
  const { services, documented, dropIns } = readServices();
  return [
    intro,
    rowsIntro,
    resultsTable(services),
    rowsMeaning,
    '## Handshakes',
    handshakes([...services, ...documented]),
    '## Recipes',
    ...services.map(recipe),
    dropInIntro,
    resultsTable(dropIns),
    table(
      ['library', 'server', 'handed over'],
      dropIns.map(({ name, server, handOver }) => [name, server, `\`${handOver}\``]),
    ),
    documentedIntro,
    resultsTable(documented),
    ...documented.map(recipe),
  ]
    .join('\n\n')
    .concat('\n');
}

/** What is wrong with the page in the repository, if anything. */
export function staleServicesPage() {
  return readFileSync(page, 'utf8') === servicesPage()
    ? []
    : ['It is not what its parts say: run node docs/.vitepress/services.mjs --write.'];
}

/** @param {Service[]} services */
function handshakes(services) {
  return table(
    ['server', 'from', 'handshake', 'a refusal', 'renewal'],
    services.map(({ name, npm, from, handshake, failure, renewal }) => [
      link(name),
      npm ? `npm, \`${npm}\`` : (from ?? 'its public documentation'),
      handshake,
      failure,
      renewal,
    ]),
  );
}

/** @param {(Service | DropIn)[]} entries */
function resultsTable(entries) {
  const results = readResults();
  const rows = columnsOf(entries[0]?.id ?? '').filter((row) =>
    entries.some(({ id }) => results[id]?.rows?.[row]),
  );
  const missing = entries.flatMap(({ id, name }) => {
    const why = results[id] ? results[id].notRun : 'not yet';
    return why ? [`- ${name}: not run: ${why}`] : [];
  });
  const cells = table(
    ['', 'version', ...rows, 'run on'],
    entries.map((entry) => {
      const { version, date, rows: seen } = results[entry.id] ?? {};
      const name = 'app' in entry ? link(entry.name) : entry.name;
      if (!seen) return [name, 'not run', ...rows.map(() => ''), ''];
      const shown = rows.map((row) => (seen[row] === 'pass' ? '✓' : (seen[row] ?? '–')));
      return [name, version ?? '', ...shown, date ?? ''];
    }),
  );
  return [cells, ...(missing.length ? [missing.join('\n')] : [])].join('\n\n');
}

/** @param {Service} service */
function recipe({ id, name, app, sources = {} }) {
  const code = readFileSync(join(interopFolder, 'recipes', `${id}.ts`), 'utf8').trimEnd();
  const cited = Object.entries(sources).map(([url, what]) => `- ${what}: <${url}>`);
  return [
    `### ${name}`,
    app,
    ...(cited.length ? [cited.join('\n')] : []),
    `\`\`\`ts no-check: it is compiled in e2e/interop, where it stands\n${code}\n\`\`\``,
  ].join('\n\n');
}

/** @param {string} name of a heading below */
function link(name) {
  return `[${name}](#${slug(name)})`;
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] === import.meta.filename && process.argv.includes('--write')) {
  writeFileSync(page, servicesPage());
}
