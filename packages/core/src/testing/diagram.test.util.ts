import { readFileSync } from 'node:fs';
import type { Status } from '../types.ts';

const file = new URL('../../../../docs/lifecycle.md', import.meta.url);

/** What `trying` stands for in the diagram: as a start any of its states, as an end where one begins. */
const trying: readonly Status[] = ['fetching-token', 'connecting', 'authenticating'];

/** The arrows of the state diagram in the docs, as `from > to`. */
export function arrows(): Set<string> {
  const [, diagram = ''] = /```mermaid\n(.*?)```/s.exec(readFileSync(file, 'utf8')) ?? [];
  const found = new Set<string>();
  for (const [, start = '', end = ''] of diagram.matchAll(/^ *(\w+) --> (\w+)/gm)) {
    for (const from of statesOf(start, trying)) {
      for (const to of statesOf(end, trying.slice(0, 2))) found.add(`${from} > ${to}`);
    }
  }
  return found;
}

function statesOf(name: string, expanded: readonly Status[]): readonly Status[] {
  return name === 'trying' ? expanded : [name.replace('_', '-') as Status];
}
