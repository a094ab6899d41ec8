import type { ErrorCode } from '../errors.ts';
import type { FailureRecord } from './timeline.ts';

/** What to do about each code, in a line; the section of `errors.md` says more. */
const advice: { readonly [code in ErrorCode]: string } = {
  'token-failed':
    'Look at what getToken does, and at its token route. The socket asks again by itself.',
  'token-timeout': 'The token route, or url, did not answer within timeouts.token.',
  'token-suspect':
    'The token had been used before, so the next attempt fetches another. If this comes every time, set tokenRetry: "refresh".',
  'url-failed': 'The function url threw.',
  'address-refused':
    'The browser would not open the address: look at its scheme, at the subprotocols, and at connect-src of the Content-Security-Policy.',
  'websocket-missing': 'There is no WebSocket here: pass one with the option WebSocket.',
  'connect-failed':
    'A browser does not say whether the server is down or refused the upgrade: its network panel, or the log of the server, does.',
  'connect-timeout': 'The upgrade was not answered within timeouts.connect.',
  'init-failed': 'initPayload, isReady, isRejected or the codec threw, or there was no payload.',
  'init-timeout':
    'No ack within timeouts.init. If the ack of the server is one of its own, say what it is with isReady.',
  'init-dropped':
    'The connection ended after the init payload without a word: a refused JWT on the original wire, or an overloaded server.',
  unauthorized: 'The credentials were refused: the user may have to log in again.',
  forbidden: 'This user may not come in, or the token and the JWT are of two users.',
  'protocol-error':
    'The server did not understand what it was sent: look at initPayload, and at which wire the server speaks.',
  'server-busy':
    'The server restarts, is full, or asks to slow down. The socket comes back by itself.',
  'connection-lost': 'A ready connection ended. What was sent shortly before may not have arrived.',
  'heartbeat-timeout': 'The connection looked open, but the server answered nothing any more.',
  'renew-failed': 'There was no new init payload to renew the old one with. It is asked for again.',
  'renew-timeout': 'The server did not answer a renewal within timeouts.init.',
  'page-hidden': 'The page was put away, and its connection let go; it comes back with the page.',
  'frame-invalid': 'A frame could not be read: look at the codec, and at what the server sends.',
  'message-invalid': 'A message did not pass the schema, and was not delivered.',
  closed: 'The socket was closed.',
};

/** What to do about a failure. */
export const adviceOn = ({ code, status }: FailureRecord): string =>
  code === 'unauthorized' && status !== undefined
    ? `A function of the app was answered ${status}: the user has to log in again.`
    : advice[code];
