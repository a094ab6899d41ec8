import { expect, test } from 'vitest';
import { openRaw, textFrame, upgradeRequest } from './testing/client.ts';
import { startServer } from './testing/harness.ts';

test('who answers pings stays, who does not is ended at the next', async () => {
  const harness = await startServer({ heartbeat: 25_000 });
  const jwt = await harness.login('ada');
  const alive = await harness.readyOriginal(jwt);

  const { token } = await harness.token(jwt);
  const halfOpen = openRaw(harness.server.url);
  halfOpen.socket.write(upgradeRequest(`/demo?token=${token}`));
  await halfOpen.until('\r\n\r\n');
  halfOpen.socket.write(textFrame(JSON.stringify({ type: 'jwt', token: jwt })));
  await halfOpen.until('authentication successful');

  harness.environment.advance(25_000);
  // The pong to the server's ping leaves before the ping of the round trip.
  await alive.roundTrip();
  harness.environment.advance(25_000);
  await halfOpen.ended;
  await alive.roundTrip();
  harness.environment.advance(25_000);
  await alive.roundTrip();
  expect(alive.frames).toEqual(['authentication successful']);
});
