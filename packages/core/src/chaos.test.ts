import { onTestFinished, test, vi } from 'vitest';
import { type App, createApp } from './testing/chaos-app.test.util.ts';
import { createJudge } from './testing/chaos-judge.test.util.ts';
import type { Refusal } from './testing/chaos-line.test.util.ts';
import { Clumsiness } from './testing/chaos-options.test.util.ts';
import { createRandom } from './testing/chaos-random.test.util.ts';
import { serve } from './testing/chaos-server.test.util.ts';
import { createTally, type World } from './testing/chaos-world.test.util.ts';

const goal = Number(process.env.CHAOS_FAULTS ?? 800);
const seed = Number(process.env.CHAOS_SEED ?? 20_261_124);
const clients = 64;

/** After so many faults the world is made well, for all to come back; then it goes on. */
const round = 1000;

/** How long coming to rest may take on the slowest of machines, in ms: by the policy it is a second or two. */
const bound = 20_000;

/** The shortest that the slow lane of a client is, in ms. */
const slowLane = 15_000;

/** The clients whose init payload the server refuses always: two each way, one of each wire. */
const refusalOf = (client: number): Refusal =>
  client < 2 ? 'says so' : client < 4 ? 'drops it' : undefined;

/** Listens to all that is written, and to all that nobody catches; returns what stops that. */
function eavesdrop({ judge }: World) {
  const methods = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const;
  const spies = methods.map((method) =>
    vi.spyOn(console, method).mockImplementation((...told) => judge.search('console', told.join())),
  );
  const escaped = (error: unknown) => judge.violate('C7', error);
  const warned = (warning: Error) => judge.search('warning', warning.stack);
  process.on('uncaughtException', escaped);
  process.on('unhandledRejection', escaped);
  process.on('warning', warned);
  vi.stubGlobal('reportError', (error: unknown) => {
    if (!(error instanceof Clumsiness)) escaped(error);
  });
  return () => {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllGlobals();
    process.off('uncaughtException', escaped);
    process.off('unhandledRejection', escaped);
    process.off('warning', warned);
  };
}

async function becomeReady(app: App, world: World, isReopened = false): Promise<void> {
  const { socket, client } = app;
  try {
    await socket.ready({ signal: AbortSignal.timeout(bound) });
  } catch {
    // What refused it for good may have been on its way when the world became well, once.
    if (!isReopened && socket.getSnapshot().status === 'closed') {
      app.connect();
      return becomeReady(app, world, true);
    }
    const state = JSON.stringify(socket.getSnapshot());
    world.judge.violate('well again', `client ${client} is not ready: ${state}`);
  }
}

test(`C1 to C5 and C7 to C9 hold through ${goal} faults of a real server and of the apps`, {
  timeout: 120_000 + goal * 60,
}, async () => {
  const world: World = {
    random: createRandom(seed),
    judge: createJudge(),
    tally: createTally(),
    isWell: false,
  };
  const { judge, tally } = world;
  const stopEavesdropping = eavesdrop(world);
  const server = await serve(world, refusalOf);
  const apps = Array.from({ length: clients }, (_, client) =>
    createApp(world, client, server.url, !refusalOf(client)),
  );
  const startedAt = performance.now();
  let summary = 'did not come to rest';
  onTestFinished(async ({ task }) => {
    for (const app of apps) app.close();
    await server.stop();
    stopEavesdropping();
    console.log(`CHAOS_SEED=${seed} CHAOS_FAULTS=${tally.faults}: ${summary}`);
    if (process.env.CHAOS_FAULTS || task.result?.state === 'fail') console.log(tally.table());
  });

  while (tally.faults < goal && !judge.violations.length) {
    world.isWell = false;
    for (const app of apps) app.begin();
    await Promise.race([tally.reached(Math.min(goal, tally.faults + round)), judge.violated]);
    world.isWell = true;
    for (const app of apps) app.calm();
    await Promise.all(apps.map((app) => becomeReady(app, world)));
    for (const app of apps) app.send();
  }
  const elapsed = performance.now() - startedAt;

  for (const { client, starts } of apps.filter(({ client }) => refusalOf(client))) {
    const tokensAStart = refusalOf(client) === 'says so' ? 2 : 3 + elapsed / slowLane;
    const tokens = server.minted.get(client) ?? 0;
    if (tokens > starts * tokensAStart) judge.violate('C5', { client, starts, tokens });
  }

  for (const app of apps) app.close();
  await server.idle(bound);

  for (const leaks of [server.open, ...apps.map((app) => app.leaks)]) {
    if (Object.values(leaks).some((left) => left)) judge.violate('C3, at rest', leaks);
  }
  const messages = Object.entries(judge.account()).map(([outcome, n]) => `${n} ${outcome}`);
  summary = `${(elapsed / 1000).toFixed(1)} s, messages: ${messages.join(', ')}`;
  if (judge.violations.length) throw new Error(judge.violations.slice(0, 20).join('\n'));
});
