import type { Doc } from 'yjs';
import { Log } from './log.ts';

/** A list of lines in a document, and what its user sees of it. */
export interface Lines {
  /** Each line, whoever wrote it, as it comes. */
  readonly log: Log;
  write(line: string): void;
}

export function follow(doc: Doc, log = new Log()): Lines {
  const lines = doc.getArray<string>('lines');
  lines.observe(({ changes }) => {
    for (const { insert = [] } of changes.delta) {
      for (const line of insert) log.add(line);
    }
  });
  return { log, write: (line) => lines.push([line]) };
}

/** What each of two has written since the last drop reaches the other, what was written offline first. */
export async function exchange(user: Lines, peer: Lines, drops: number): Promise<void> {
  if (drops > 0) await peer.log.has(`offline ${drops}`);
  user.write(`user ${drops}`);
  await peer.log.has(`user ${drops}`);
  peer.write(`peer ${drops}`);
  await user.log.has(`peer ${drops}`);
}
