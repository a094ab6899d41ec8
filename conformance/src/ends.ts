import type { Connection } from './connection.ts';
import { expect, Failure, fail, show } from './outcome.ts';
import type { Secrets } from './secrets.ts';
import type { Session } from './session.ts';
import { within } from './time.ts';

/**
 * Requires that a socket ends, with this close code, or without a close frame if it is `undefined`.
 * Answers the reason.
 *
 * @param patience how long that may take, in ms; default what is prompt
 */
export async function expectEnd(
  session: Session,
  connection: Connection,
  code: number | undefined,
  patience = session.prompt,
): Promise<string> {
  const expected = code === undefined ? 'an end with no close frame' : `close code ${code}`;
  const { close } = await within(patience, expected, connection.ended);
  if (close?.code !== code) fail(expected, howItEnded(connection));
  const reason = close?.reason ?? '';
  expectReason(session.secrets, reason);
  return reason;
}

/** Like `expectEnd`, and requires that no data frame ever came. */
export async function expectRefusal(
  session: Session,
  connection: Connection,
  code: number | undefined,
): Promise<void> {
  const expected = code === undefined ? 'an end' : `close code ${code}`;
  const hasFrame = (): boolean => connection.frames.length > 0;
  await within(session.prompt, expected, connection.until(hasFrame));
  const [frame] = connection.frames;
  if (frame !== undefined) fail('no data frame', show(frame));
  await expectEnd(session, connection, code);
}

/** How a connection ended, or that it did not, for people. */
export function howItEnded({ closeFrame, isOver }: Connection): string {
  if (closeFrame === undefined) return isOver ? 'an end with no close frame' : 'an open socket';
  const { code, reason } = closeFrame;
  return `close code ${code}${reason === '' ? '' : ` (${reason})`}`;
}

/** Requires what 8.2 says of a close frame's reason. */
function expectReason(secrets: Secrets, reason: string): void {
  if (secrets.isIn(reason)) throw new Failure('the close reason contains a token or a JWT');
  const { length } = Buffer.from(reason);
  expect(length <= 123, 'a reason of 123 bytes or less', `${length} bytes`);
}
