/**
 * The reference server under load, over many connections that come and go, and in a stampede. README.md
 * says how to read it. Usage: node server.mjs [load|cycles|overload …] [--connections n] [--sessions n]
 * [--cycles n] [--clients n] [--profiles directory]
 */
import { parseArgs } from 'node:util';
import { cycles } from './server/cycles.mjs';
import { load } from './server/load.mjs';
import { describeMachine } from './server/machine.mjs';
import { overload } from './server/overload.mjs';

const scenarios = { load, cycles, overload };

const number = { type: 'string' };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: number,
    sessions: number,
    cycles: number,
    clients: number,
    profiles: { type: 'string' },
  },
});
const { profiles, ...numbers } = values;
const options = { profiles };
for (const [name, text] of Object.entries(numbers)) {
  if (!/^[1-9]\d*$/.test(text)) fail(`--${name} is ${text}; expected a whole number above 0.`);
  options[name] = Number(text);
}
const names = positionals.length > 0 ? positionals : Object.keys(scenarios);
const unknown = names.filter((name) => !Object.hasOwn(scenarios, name));
if (unknown.length > 0) {
  fail(`No scenario ${unknown.join(', ')}: there are ${Object.keys(scenarios).join(', ')}.`);
}

console.log(describeMachine());
for (const name of names) {
  console.log(`\n${name}`);
  await scenarios[name](options);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
