/** A service that is away from 0 until `back`, in ms. */
export const outages = {
  S1: { name: 'S1, a 30 s outage', back: 30_000 },
  S2: { name: 'S2, a 2 s outage', back: 2000 },
  S3: { name: 'S3, a 10 min outage', back: 600_000 },
};

/** How many connections a second the service takes, of `count` clients: 2,000 of 100,000. */
export const rateFor = (count) => count / 50;

/**
 * Takes connections by a token bucket, of a tenth of a second's worth. Answers as a server does:
 * 'admitted', 'down', or 'refused'.
 */
export function createService({ back }, rate) {
  const burst = rate / 10;
  let left = burst;
  let seen = back;
  return (now) => {
    if (now < back) return 'down';
    left = Math.min(burst, left + ((now - seen) / 1000) * rate);
    seen = now;
    if (left < 1) return 'refused';
    left--;
    return 'admitted';
  };
}

/** A slot for each who is refused, and no memory of anybody: how long to stay away, in ms. */
export function createSlots(rate) {
  let next = 0;
  return (now) => {
    next = Math.max(next, now) + 1000 / rate;
    return next - now;
  };
}
