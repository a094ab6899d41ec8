import { expect, test } from 'vitest';
import { runAlone } from './lone.mjs';
import { outages } from './outage.mjs';
import { peers, twoStage } from './policies.mjs';
import { runStorm } from './storm.mjs';

const small = { policy: twoStage, count: 2000, seed: 1 };

/** All there is to see of a run. */
const toFigures = ({ backAt, ...figures }) => ({ ...figures, back: [0.5, 0.99, 1].map(backAt) });

test.each([undefined, 'slots', 'gate'])(
  'a fleet is back to the last client, helped by %s',
  (help) => {
    for (const outage of Object.values(outages)) {
      const { lost, backAt } = runStorm({ ...small, outage, help });
      expect(lost).toBe(0);
      // Nobody is faster than the rate, and the last straggles for two of the longest waits at most.
      expect(backAt(1)).toBeGreaterThan(outage.back + 49_000);
      expect(backAt(1)).toBeLessThan(outage.back + 90_000);
    }
  },
);

test('the same seed does the same, and another one does not', () => {
  const run = (seed) => toFigures(runStorm({ ...small, outage: outages.S1, seed }));
  expect(run(1)).toEqual(run(1));
  expect(run(1)).not.toEqual(run(2));
});

test('what the server says helps', () => {
  const run = (help) => runStorm({ ...small, outage: outages.S2, help });
  const [unaided, slots, gate] = [undefined, 'slots', 'gate'].map(run);
  expect(slots.refusals).toBeLessThan(unaided.refusals / 2);
  expect(slots.backAt(0.99)).toBeLessThan(unaided.backAt(0.99));
  expect(gate.peakAfter).toBeLessThan(unaided.peakAfter / 10);
});

test('who gives up is lost', () => {
  const { lost, backAt } = runStorm({
    ...small,
    outage: outages.S1,
    policy: peers['graphql-ws 6.4.2'],
  });
  expect(lost).toBe(2000);
  expect(backAt(0.5)).toBeUndefined();
});

test('a lone client whose network says that it is back is back within a second and a round trip', () => {
  const alone = { policy: twoStage, blip: 30_000, count: 500, seed: 1 };
  expect(runAlone({ ...alone, isTold: true }).at(-1)).toBeLessThan(1120);
  expect(runAlone(alone).at(-1)).toBeGreaterThan(10_000);
});
