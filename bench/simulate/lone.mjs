import { failures } from './policies.mjs';
import { createRandom, drawTrip } from './random.mjs';
import { mayHurry, noHistory, startWait } from './source.mjs';

const lost = failures.lost();
const unreachable = failures.unreachable();

/**
 * Cuts `count` clients off one by one, each alone with a service that is away for `blip` ms. Returns
 * how long after the service each is back, in ms, sorted; `Infinity` is never. `isTold`: it was the
 * client's own network that was away, and its `online` event says so.
 */
export function runAlone({ policy, blip, count, seed, isTold = false }) {
  const random = createRandom(seed);
  const delayOf = policy(count, random);
  return Float64Array.from({ length: count }, (_, client) => {
    const trip = drawTrip(random);
    return comeBack((failure) => delayOf(client, failure), trip, blip, isTold, random);
  }).sort();
}

function comeBack(delayOf, trip, blip, isTold, random) {
  let now = 0;
  let timer;
  let wait;
  let back = Number.POSITIVE_INFINITY;
  const environment = {
    now: () => now,
    random,
    after(ms, callback) {
      const mine = { at: now + ms, callback };
      timer = mine;
      return () => {
        if (timer === mine) timer = undefined;
      };
    },
    page: { online: () => !isTold || now >= blip, visible: () => true },
  };
  const arrive = () => {
    if (now >= blip) back = now;
    else fail(unreachable);
  };
  const attempt = () => {
    wait = undefined;
    environment.after(trip, arrive);
  };
  const fail = (failure) => {
    const delay = delayOf(failure);
    if (delay === undefined) return;
    const hurries = mayHurry(failure, noHistory);
    wait = startWait(environment, delay, hurries, () => {}, attempt);
  };

  fail(lost);
  let isDue = isTold;
  while (timer || isDue) {
    if (isDue && !(timer?.at < blip)) {
      isDue = false;
      now = blip;
      wait?.wake(true);
      continue;
    }
    const { at, callback } = timer;
    timer = undefined;
    now = at;
    callback();
  }
  return back - blip;
}
