import { expect, test } from 'vitest';
import { createAdmission } from './admission.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

test('callers above the rate get slots of their own, a step apart', () => {
  const admit = createAdmission(fakeEnvironment(), 10);
  const answers = Array.from({ length: 15 }, () => admit());
  expect(answers).toEqual([...Array(10).fill(0), 1100, 1200, 1300, 1400, 1500]);
});

test('who comes back in its slot is let in: one refusal for each of a thousand', () => {
  const environment = fakeEnvironment();
  const admit = createAdmission(environment, 100);
  let callers: { at: number; refusals: number }[] = Array.from({ length: 1000 }, () => ({
    at: 0,
    refusals: 0,
  }));
  const admittedAt: number[] = [];
  for (let now = 0; callers.length > 0; now += 10) {
    callers = callers.filter((caller) => {
      if (caller.at > now) return true;
      const wait = admit();
      if (wait === 0) {
        admittedAt.push(now);
        return false;
      }
      caller.refusals += 1;
      caller.at = now + wait;
      expect(caller.refusals).toBe(1);
      return true;
    });
    environment.advance(10);
  }
  // A second's worth at once, the others at the rate.
  expect(admittedAt.filter((at) => at === 0)).toHaveLength(100);
  expect(admittedAt.at(-1)).toBeLessThanOrEqual(10_000);
});

test('a quiet server lets everybody in, however slow its rate', () => {
  const environment = fakeEnvironment();
  const admit = createAdmission(environment, 0.5);
  for (let n = 0; n < 5; n += 1) {
    expect(admit()).toBe(0);
    environment.advance(2000);
  }
  expect(createAdmission(environment, 0)()).toBe(0);
});
