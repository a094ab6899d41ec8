import { expect, test } from 'vitest';
import { Late, within } from './time.ts';

const never = new Promise<never>(() => {});

test('ends a wait when it is over', async () => {
  await expect(within(40, 'something', never)).rejects.toThrow(
    new Late('expected something; got nothing within 40 ms'),
  );
});

test('misses nothing that came while this process was held up', async () => {
  // Due after the wait, had that been measured by the clock.
  const came = new Promise((resolve) => setTimeout(resolve, 120));
  const wait = within(100, 'something', came);
  const until = performance.now() + 500;
  while (performance.now() < until);
  await expect(wait).resolves.toBeUndefined();
});
