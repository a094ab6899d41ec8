import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorPages } from './errors.mjs';

// Makes the pages that are made of something else: those of the errors, and the reference. They are
// files, and no dynamic routes, because the search finds only files.

const folder = join(import.meta.dirname, '..', 'errors');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
for (const { name, content } of errorPages()) writeFileSync(join(folder, `${name}.md`), content);

await import('./reference.mjs');
