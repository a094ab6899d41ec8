import { expect, test } from 'vitest';
import { rig } from '../testing/fakes.test.util.ts';
import { addInspection, getInspections } from './registry.ts';

const names = () => getInspections().map(({ name }) => name);

test('a socket that has made room for others is shown again once it is inspected again', async () => {
  const first = rig();
  const stops = [addInspection(first.socket, { name: 'first' })];
  for (let n = 2; n <= 21; n += 1) stops.push(addInspection(rig().socket, { name: `${n}` }));
  expect(names()).not.toContain('first');

  stops.push(addInspection(first.socket, { name: 'again' }));
  expect(names()).toHaveLength(20);
  expect(names().at(-1)).toBe('again');
  await first.become('ready');
  expect(getInspections().at(-1)?.getTimeline().status).toBe('ready');

  // The one that was shown before is over: stopping it neither hides this one nor lets it be shown twice.
  stops[0]?.();
  stops.push(addInspection(first.socket, { name: 'twice' }));
  expect(names().filter((name) => /again|twice/.test(name))).toEqual(['again']);
  for (const stop of stops) stop();
  expect(names()).toEqual([]);
});
