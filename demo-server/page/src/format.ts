/** A duration in ms, as short as it can be read at a glance; rounded before a unit is chosen. */
export function formatDuration(ms: number): string {
  const tenths = Math.round(Math.max(0, ms) * 10);
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} ms`;
  const whole = Math.round(ms);
  return whole < 1000 ? `${whole} ms` : formatSeconds(ms);
}

/** A duration that is counted while one looks: no finer than tenths of a second. */
export function formatSeconds(ms: number): string {
  const tenths = Math.round(Math.max(0, ms) / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A lifetime, in the largest unit that it fills. */
export function formatLifetime(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 60_000)} min`;
}

const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
const toSeconds = new Intl.DateTimeFormat('en-GB', parts);
const toMillis = new Intl.DateTimeFormat('en-GB', { ...parts, fractionalSecondDigits: 3 });

/** The time of day, to the second. */
export const formatTime = (at: number): string => toSeconds.format(at);

/** The time of day, to the millisecond. */
export const formatFineTime = (at: number): string => toMillis.format(at);

const closeCodes = new Map([
  [1000, 'normal'],
  [1001, 'going away'],
  [1005, 'no code'],
  [1006, 'no close frame'],
  [1009, 'too big'],
  [1012, 'restarting'],
  [1013, 'try again later'],
  [4400, 'bad frame'],
  [4401, 'unauthorized'],
  [4403, 'forbidden'],
  [4408, 'init timeout'],
  [4429, 'slow down'],
]);

/** A close code with its name, where it has one. */
export function formatCloseCode(code: number): string {
  const name = closeCodes.get(code);
  return name ? `${code} (${name})` : String(code);
}
