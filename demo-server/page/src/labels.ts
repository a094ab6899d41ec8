import type { ErrorCode, State, Status, TwoStageError } from '@two-stage-socket/core';
import { formatCloseCode, formatSeconds } from './format.ts';

export const statusLabels: { readonly [status in Status]: string } = {
  idle: 'Idle',
  'fetching-token': 'Fetching token',
  connecting: 'Connecting',
  authenticating: 'Authenticating',
  ready: 'Ready',
  waiting: 'Waiting',
  closed: 'Closed',
};

/** What a socket may wait for, where it is not a time. */
export const conditions = {
  online: 'the network is back',
  visible: 'the page is seen',
  shown: 'the page is shown again',
} as const;

/** What the codes of `errors.md` mean to somebody who watches the demo. */
const meanings: { readonly [code in ErrorCode]: string } = {
  'token-failed': 'The token route gave no token. The socket asks again by itself.',
  'token-timeout': 'The token route did not answer in time.',
  'token-suspect':
    'The connection ended before it was open, with a token that was used before. A browser cannot tell a refused token from a broken network, so the next attempt fetches another.',
  'url-failed': 'The function that gives the URL threw.',
  'address-refused': 'The browser would not open this address.',
  'websocket-missing': 'There is no WebSocket here.',
  'connect-failed':
    'The connection ended before it was open. A browser does not say whether the server is down or refused the token.',
  'connect-timeout': 'The upgrade took too long.',
  'init-failed': 'There was no init payload to send.',
  'init-timeout': 'The server did not acknowledge the init payload in time.',
  'init-dropped':
    'The connection ended after the init payload, and nothing was said: a bad JWT, or an overloaded server. One more try with fresh credentials, then rarely.',
  unauthorized:
    'The credentials were refused. The socket tries once more with fresh ones, then it is for the user to log in.',
  forbidden: 'This user may not come in. Trying again would not help.',
  'protocol-error': 'The server did not understand what it was sent.',
  'server-busy': 'The server is restarting, full or asks to slow down.',
  'connection-lost': 'A ready connection ended.',
  'heartbeat-timeout': 'The connection looked open, but the server did not answer a ping.',
  'renew-failed': 'There was no new init payload to renew the old one with. It is tried again.',
  'renew-timeout': 'The server did not acknowledge the renewal in time.',
  'page-hidden': 'The page was put away, and let go of its connection.',
  'frame-invalid': 'A frame could not be read.',
  'message-invalid': 'A message was not what the schema expects, and was not delivered.',
  closed: 'The socket was closed.',
};

export const failureMeaning = ({ code, status }: TwoStageError): string =>
  code === 'unauthorized' && status !== undefined
    ? `The token route answered ${status}: ${status === 401 ? 'nobody is logged in, or the JWT is no good' : 'it does not admit this page'}.`
    : meanings[code];

/** The facts of a failure, in one line. */
export function failureFacts({ stage, status, closeCode, retryAfter }: TwoStageError): string {
  return [
    `in stage ${stage}`,
    status !== undefined && `HTTP ${status}`,
    closeCode !== undefined && `close code ${formatCloseCode(closeCode)}`,
    retryAfter !== undefined && `retry after ${formatSeconds(retryAfter)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** The same, for a line of the timeline. */
export function failureNote({ stage, status, closeCode }: TwoStageError): string {
  const code = status ? `, HTTP ${status}` : closeCode ? `, close ${closeCode}` : '';
  return `stage ${stage}${code}`;
}

/** What the socket is doing, in a sentence that a screen reader can say. */
export function describeState(state: State): string {
  switch (state.status) {
    case 'idle':
      return 'Nothing has happened yet.';
    case 'fetching-token':
      return `Attempt ${state.attempt}: asking for a token over HTTP.`;
    case 'connecting':
      return `Attempt ${state.attempt}: opening the socket with the token.`;
    case 'authenticating':
      return `Attempt ${state.attempt}: the JWT goes as the first frame.`;
    case 'ready':
      return `Through both stages, on ${
        state.wire === 'original' ? 'the original wire' : state.wire
      }.`;
    case 'waiting':
      return state.until
        ? `Waiting until ${conditions[state.until]}.`
        : `Attempt ${state.attempt} failed, another follows.`;
    case 'closed':
      return state.failure ? 'Closed, and not tried again.' : 'Closed on request.';
  }
}
