/** The close codes the server uses. PROTOCOL.md section 8 says what a client makes of each. */
export const CloseCode = {
  /** A message was larger than allowed. */
  tooLarge: 1009,
  /** The server failed at handling a message. */
  internal: 1011,
  /** The server stops; another one, or this one, will be there in a while. */
  restart: 1012,
  /** What the server needs to decide is down: come back later. */
  busy: 1013,
  /** Not a frame of the protocol, or the first one was no init payload. */
  badFrame: 4400,
  /** This JWT is bad or expired, or the user logged out: get another. */
  unauthorized: 4401,
  /** A good JWT, of the wrong user: do not come back. */
  forbidden: 4403,
  /** No init payload, or no verdict on it, in time. */
  initTimeout: 4408,
  /** Too many messages or connections. */
  slowDown: 4429,
} as const;

/** The reason of 1012, 1013 and 4429: when to come back, in ms. */
export function retryAfterReason(delay: number): string {
  return `retry-after=${Math.ceil(delay)}`;
}
