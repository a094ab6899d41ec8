import { describe, type TestFunction, test } from 'vitest';
import { chromium } from './chromium.ts';
import type { Ability, EngineKind } from './driver.ts';
import { firefox } from './firefox.ts';
import { webkit } from './webkit.ts';

const all = [chromium, firefox, webkit];

/** Those that `ENGINES` names, in lower case between commas; Chromium alone if it does not say. */
const chosen = (process.env.ENGINES ?? 'chromium').split(',').map((name) => {
  const kind = all.find((each) => each.name.toLowerCase() === name);
  if (kind) return kind;
  throw new Error(`ENGINES names ${name}: there are ${all.map((each) => each.name.toLowerCase())}`);
});

/** Describes the same for each engine; one that is not there is named, and says how to get it. */
export function describeEngines(body: (kind: EngineKind) => void): void {
  for (const kind of chosen) {
    describe(kind.name, async () => {
      const missing = await kind.missing();
      if (missing) test.skip(`not run: ${missing}`);
      else body(kind);
    });
  }
}

/** A test that needs what not every driver can do; where it cannot, its name says why. */
export function testWith(
  { lacks }: EngineKind,
  abilities: readonly Ability[],
  name: string,
  body: TestFunction,
): void {
  const reason = abilities.map((ability) => lacks[ability]).find(Boolean);
  if (reason) test.skip(`${name} (not possible: ${reason})`);
  else test(name, body);
}
