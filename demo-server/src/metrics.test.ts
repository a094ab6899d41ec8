import { expect, test } from 'vitest';
import { openClient } from './testing/client.ts';
import { type Harness, startServer } from './testing/harness.ts';

async function metricsOf({ request }: Harness): Promise<string> {
  const answer = await request('/metrics');
  expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return answer.text();
}

test('S11 metrics count what happened, and name nobody and no secret', async () => {
  const harness = await startServer({ tokensPerMinute: 5 });
  const jwt = await harness.login('ada');
  const client = await harness.ready(jwt);
  const original = await harness.readyOriginal(jwt);
  const waiting = await harness.open(jwt);
  const { token } = await harness.token(jwt);
  // A code of the client's choice makes no series of its own.
  const odd = await harness.open(jwt);
  odd.socket.close(4777);
  await odd.closed;
  await harness.post('/token/ws', undefined, jwt);
  await harness.server.control.broadcast('to all');
  await Promise.all([client.next(), original.next()]);
  await expect(openClient(harness.address(`${token}x`))).rejects.toThrow();
  original.socket.close();
  await original.closed;
  waiting.send('no init payload');
  await waiting.closed;

  const text = await metricsOf(harness);
  for (const line of [
    'two_stage_tokens_total{outcome="minted"} 5',
    'two_stage_tokens_total{outcome="limited"} 1',
    'two_stage_upgrades_total{status="101"} 4',
    'two_stage_upgrades_total{status="401"} 1',
    'two_stage_ready_total{wire="two-stage.v1"} 1',
    'two_stage_ready_total{wire="original"} 1',
    'two_stage_ends_total{code="1005"} 1',
    'two_stage_ends_total{code="other"} 1',
    'two_stage_ends_total{code="1006"} 1',
    'two_stage_connections{state="ready"} 1',
    'two_stage_connections{state="unauthenticated"} 0',
    'two_stage_frames_total{direction="in"} 3',
    'two_stage_frames_total{direction="out"} 4',
  ]) {
    expect(text).toContain(`\n${line}\n`);
  }
  expect(text).toContain('process_resident_memory_bytes');
  for (const secret of [jwt, token, 'ada']) expect(text).not.toContain(secret);
});

test('two servers in one process count for themselves', async () => {
  const [one, two] = [await startServer(), await startServer()];
  await one.token(await one.login('ada'));
  expect(await metricsOf(one)).toContain('two_stage_tokens_total{outcome="minted"} 1');
  expect(await metricsOf(two)).not.toContain('two_stage_tokens_total{outcome="minted"}');
});
