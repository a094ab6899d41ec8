import { createService, createSlots, rateFor } from './outage.mjs';
import { failures } from './policies.mjs';
import { createRandom, drawTrip } from './random.mjs';
import { createAdmission } from './source.mjs';
import { createTimeline } from './timeline.mjs';

/** Who is not back this long after the service, in ms, counts as lost. */
const patience = 3_600_000;

const lost = failures.lost();
const unreachable = failures.unreachable();

/**
 * Cuts `count` clients off at 0 and lets each come back as `policy` says. An attempt takes a round
 * trip, and is counted at the end of it. `help` is what the server does for them: nothing, `slots` for
 * those whom it refuses, or a `gate` in the token route, which stays up and knows the rate.
 */
export function runStorm({ outage, policy, count, seed, help }) {
  const rate = rateFor(count);
  const random = createRandom(seed);
  const trips = Float64Array.from({ length: count }, () => drawTrip(random));
  const timeline = createTimeline(count, outage.back + patience);
  const answer = createService(outage, rate);
  const slot = createSlots(rate);
  const gate = createAdmission({ elapsed: timeline.now }, help === 'gate' ? rate : 0);
  const hasToken = new Uint8Array(count);
  const delayOf = policy(count, random);

  const attempts = new Int32Array((outage.back + patience) / 1000 + 1);
  const back = [];
  let refusals = 0;

  const fail = (client, failure) => {
    hasToken[client] = 0;
    const delay = delayOf(client, failure);
    if (delay !== undefined) timeline.add(client, delay + trips[client]);
  };
  const arrive = (client) => {
    const now = timeline.now();
    if (help === 'gate' && !hasToken[client]) {
      const retryAfter = gate();
      if (retryAfter) {
        refusals++;
        return fail(client, failures.gated(retryAfter));
      }
      hasToken[client] = 1;
      return timeline.add(client, trips[client]);
    }
    attempts[Math.floor(now / 1000)]++;
    const verdict = answer(now);
    if (verdict === 'admitted') return back.push(now);
    if (verdict === 'refused') refusals++;
    const isTold = verdict === 'refused' && help === 'slots';
    fail(client, isTold ? failures.busy(slot(now)) : unreachable);
  };

  for (let client = 0; client < count; client++) fail(client, lost);
  for (let client = timeline.next(); client !== undefined; client = timeline.next()) arrive(client);

  const second = outage.back / 1000;
  return {
    /** The most attempts in one second of the clock, before the service is back and after. */
    peakBefore: Math.max(...attempts.subarray(0, second)),
    peakAfter: Math.max(...attempts.subarray(second)),
    attempts: attempts.reduce((sum, many) => sum + many),
    /** When each share of all clients is back, in ms; `undefined` for never. */
    backAt: (share) => back[Math.ceil(share * count) - 1],
    refusals: refusals / count,
    lost: count - back.length,
  };
}
