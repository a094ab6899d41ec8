/** What servers say that are not installed here, as much as it takes to connect. */

/** The ack of the original wire. */
export const ack = 'authentication successful';

/** Engine.IO's open, and Socket.IO's answer to a CONNECT. */
export const socketIo = {
  open: '0{"sid":"bench","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
  connected: '40{"sid":"bench"}',
};

/** Centrifugo's reply to the connect command `id`. */
export const centrifugeReply = (id) =>
  JSON.stringify({ id, connect: { client: 'bench', version: '0', ping: 25 } });
