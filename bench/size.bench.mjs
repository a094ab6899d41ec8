/**
 * What importing TwoStageSocket adds to an app, next to the libraries that an app would use instead.
 * Usage: node size.bench.mjs
 */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { bundle } from './bundle.mjs';
import { table } from './table.mjs';

const core = '@two-stage-socket/core';

/** Each library's usual import. */
const libraries = {
  TwoStageSocket: `export { TwoStageSocket } from '${core}'`,
  'reconnecting-websocket': "export { default } from 'reconnecting-websocket'",
  'partysocket/ws': "export { default } from 'partysocket/ws'",
  partysocket: "export { default } from 'partysocket'",
  'graphql-ws': "export { createClient } from 'graphql-ws'",
  centrifuge: "export { Centrifuge } from 'centrifuge'",
  'socket.io-client': "export { io } from 'socket.io-client'",
  ably: "export { Realtime } from 'ably'",
};

/** What an app imports beside `TwoStageSocket`. */
const helpers = ['fetchToken', 'reduceMessages'];

const adapters = ['react', 'vue', 'svelte'];

const goals = { TwoStageSocket: 4500, react: 500, vue: 500, svelte: 500 };

async function measure(code, external = []) {
  const bundled = await bundle(code, { external });
  return {
    gzip: gzipSync(bundled, { level: 9 }).length,
    brotli: brotliCompressSync(bundled).length,
  };
}

/** What is left of an adapter where the app has core and the framework anyway. */
function measureAdapter(name) {
  // Not the index: `export * from` of a module that is left out becomes code that no app has.
  const code = `export * from '../packages/${name}/src/adapter.ts'`;
  return measure(code, [core, 'react', 'vue', 'svelte']);
}

/** What a helper adds to the bundle that holds `TwoStageSocket`. */
async function measureHelper(name) {
  const { gzip, brotli } = await measure(`export { TwoStageSocket, ${name} } from '${core}'`);
  const alone = await measure(libraries.TwoStageSocket);
  return { gzip: gzip - alone.gzip, brotli: brotli - alone.brotli };
}

/** Measures each, and shows the smallest first. */
async function show(title, names, measureOne) {
  const sizes = await Promise.all(
    names.map(async (name) => ({ name, ...(await measureOne(name)) })),
  );
  const rows = sizes
    .sort((a, b) => a.gzip - b.gzip)
    .map(({ name, gzip, brotli }) => [name, gzip, brotli, verdict(name, gzip)]);
  console.log(`\n${table([title, 'gzip, B', 'brotli, B', 'goal'], rows)}`);
}

function verdict(name, gzip) {
  const goal = goals[name];
  if (!goal) return '';
  return `${goal}: ${gzip <= goal ? 'met' : `missed by ${gzip - goal}`}`;
}

await show('A library', Object.keys(libraries), (name) => measure(libraries[name]));
await show('On top of TwoStageSocket', helpers, measureHelper);
await show('An adapter, without core and framework', adapters, measureAdapter);
