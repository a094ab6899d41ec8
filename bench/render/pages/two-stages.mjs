import { unpack, url } from './harness.mjs';

/** What our sockets are made of: on the original wire, with both stages. */
export const options = {
  url,
  getToken: () => 'bench',
  initPayload: { type: 'jwt', token: 'bench' },
  ...(unpack === JSON.parse && {
    codec: {
      encode: JSON.stringify,
      decode: (frame) => (frame[0] === '[' ? unpack(frame) : [frame]),
    },
  }),
};
