import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

/** One entry of an exports map. */
type Export = string | { readonly source: string };

// Run in a package's folder: what it builds is what its exports map offers, said only there.
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, Export>;
};

export default defineConfig({
  entry: Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : entry.source)),
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  // An app's bundler minifies; who debugs into this wants to read it.
  minify: false,
  sourcemap: true,
});
