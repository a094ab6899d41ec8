import { expect, test, vi } from 'vitest';
import { memoryFanOut } from './fan-out.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { startServer } from './testing/harness.ts';
import { memoryTokens } from './tokens.ts';

test('S12 health says what is down, and readiness follows', async () => {
  const environment = fakeEnvironment();
  const tokens = memoryTokens(environment);
  const fanOut = memoryFanOut();
  const harness = await startServer({}, { environment, services: { tokens, fanOut } });
  const state = async (): Promise<unknown> => {
    const health = await harness.request('/health');
    const { data } = (await health.json()) as { data: { tokenStore: string; fanOut: string } };
    const ready = await harness.request('/ready');
    const { message } = (await ready.json()) as { message: string };
    return [health.status, data.tokenStore, data.fanOut, ready.status, message];
  };
  expect(await state()).toEqual([200, 'up', 'up', 200, 'Ready']);
  const checks = [vi.spyOn(tokens, 'check'), vi.spyOn(fanOut, 'check')];
  checks[0]?.mockRejectedValue(new Error('no'));
  expect(await state()).toEqual([200, 'down', 'up', 503, 'The token store is down']);
  checks[0]?.mockRestore();
  checks[1]?.mockRejectedValue(new Error('no'));
  expect(await state()).toEqual([200, 'up', 'down', 503, 'The fan-out is down']);
  checks[1]?.mockRestore();
  expect(await state()).toEqual([200, 'up', 'up', 200, 'Ready']);
});
