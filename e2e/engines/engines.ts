import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  type TestFunction,
  test,
} from 'vitest';
import { chromium } from './chromium.ts';
import type { Ability, Engine, EngineKind } from './driver.ts';
import { firefox } from './firefox.ts';
import { closePanels } from './panel.ts';
import { sites } from './site.ts';
import { webkit } from './webkit.ts';

const all = [chromium, firefox, webkit];

/** Those that `ENGINES` names, in lower case between commas; Chromium alone if it does not say. */
const chosen = (process.env.ENGINES || 'chromium').split(',').map((name) => {
  const kind = all.find((each) => each.name.toLowerCase() === name);
  if (kind) return kind;
  throw new Error(`ENGINES names ${name}: there are ${all.map((each) => each.name.toLowerCase())}`);
});

/**
 * Describes the same for each engine: it is started before the tests, and after each its pages are
 * closed and every site is reset. One that is not there is named, and the name says how to get it.
 */
export function describeEngines(
  body: (kind: EngineKind, engine: Pick<Engine, 'open' | 'sleep'>) => void,
): void {
  for (const kind of chosen) {
    describe(kind.name, async () => {
      const missing = await kind.missing();
      if (missing) {
        test.skip(`not run: ${missing}`);
        return;
      }
      let engine: Engine;
      beforeAll(async () => {
        engine = await kind.launch();
      });
      beforeEach(() => {
        for (const { gateway } of sites) {
          gateway.scripts = kind.pageScript ? [calmRandom, kind.pageScript] : [calmRandom];
        }
      });
      afterEach(async () => {
        await closePanels(
          [...sites].flatMap(({ gateway }) => [...gateway.tokens, ...gateway.jwts]),
        );
        for (const site of sites) await site.reset();
      });
      afterAll(() => engine?.close());
      body(kind, { open: (url) => engine.open(url), sleep: () => engine.sleep() });
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

/** Runs in the page: the client waits for a random part of its delay, here a small one. */
function calmRandom(): void {
  Math.random = () => 0.05;
}
