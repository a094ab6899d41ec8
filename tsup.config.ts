import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

/** A file, or what it is by conditions: `source` is what it is built from. */
type Export = string | { readonly [condition: string]: Export };

function sources(target: Export): string[] {
  if (typeof target === 'string') return [];
  return Object.entries(target).flatMap(([condition, file]) =>
    condition === 'source' && typeof file === 'string' ? file : sources(file),
  );
}

// Run in a package's folder: what it builds is what its exports map offers, said only there.
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, Export>;
};

export default defineConfig({
  entry: Object.values(exports).flatMap(sources),
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  // An app's bundler minifies; who debugs into this wants to read it.
  minify: false,
  sourcemap: true,
});
