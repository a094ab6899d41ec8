import { build } from './build.mjs';
import { checkByTool, runAlone } from './check.mjs';
import { publicPackages } from './workspaces.mjs';

/** Whether what would be published can be imported by whoever installs it, types included. */
export function exports() {
  return Promise.all(
    publicPackages().flatMap(({ name, folder }) => [
      checkByTool(`publint ${name}`, ['publint', '--strict'], folder),
      checkByTool(
        `arethetypeswrong ${name}`,
        ['attw', '--pack', '.', '--profile', 'esm-only'],
        folder,
      ),
    ]),
  );
}

await runAlone(import.meta, async () => [...(await build()), ...(await exports())]);
