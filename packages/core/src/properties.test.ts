import { expect, test } from 'vitest';
import { arrows } from './testing/diagram.test.util.ts';
import { search } from './testing/model.test.util.ts';

// npm run properties plays a million others.
test('C1 to C10 hold in any interleaving, and the state takes every arrow of the diagram and no other', async () => {
  const moves = new Set<string>();
  expect(await search(1, 3000, { moves })).toBeUndefined();
  expect([...moves].sort()).toEqual([...arrows()].sort());
}, 60_000);
