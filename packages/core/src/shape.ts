/** What can be told of a message and not of what it says. Names of members are told where they are words. */
export function toShape(message: any): string {
  const size = message?.length ?? message?.byteLength;
  if (size >= 0) return `${typeof message} of ${size}`;
  if (typeof message !== 'object') return typeof message;
  return `{${Object.keys(message ?? {}).filter((name) => /^[a-z_]{1,20}$/i.test(name))}}`;
}
