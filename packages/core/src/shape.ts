/** What can be told of a message without telling what it says: secrets do not fit into a name of a member. */
export function toShape(message: any): string {
  if (typeof message === 'string') return `${message.length} characters`;
  if (message?.byteLength >= 0) return `${message.byteLength} bytes`;
  if (Object(message) !== message) return String(message);
  return `{${Object.keys(message).filter((name) => /^\w{1,20}$/.test(name))}}`;
}
