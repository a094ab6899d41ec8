/**
 * What came of the same three outages for the defaults of other libraries: not run here. When each
 * attempts was recorded from the packages themselves on a virtual clock, and replayed for 100,000
 * clients.
 */
export const header = [
  '',
  'S1: peak before / after',
  'attempts',
  '50 % / 99 % / all back, s',
  'S2: 99 %',
  'S3: 99 %',
  'lost in S1 / S2 / S3',
];

export const rows = [
  ['centrifuge 5.8.0', '86k / 9k', '0.94M', '55 / 85 / 92', 58, 655, 0],
  ['reconnecting-websocket 4.4.0', '41k / 13k', '0.82M', '55 / 100 / 100', 60, 652, 0],
  ['socket.io-client 4.8.4', '62k / 29k', '1.3M', '56 / 99 / 104', 74, 651, 0],
  ['mqtt, sockette 2.0.6, VueUse 14.4.0 *', '100k / 92k', '5.1M', '55 / 79 / 81', 55, 649, 0],
  ['@azure/web-pubsub-client 1.1.0', '100k / 93k', '5.2M', '55 / 79 / 81', 54, 649, 0],
  ['phoenix 1.8.16', '498k / 67k', '2.5M', '91 / 133 / 136', 123, 659, 0],
  ['home-assistant-js-websocket 9.7.0', '100k / 91k', '2.3M', '103 / 152 / 154', 146, 660, 0],
  ['partysocket 1.3.0', '100k / 100k', '2.2M', '208 / 300 / 301', 291, 680, 0],
  ['@supabase/realtime-js 2.119.1', '100k / 100k', '2.2M', '209 / 301 / 302', 292, 676, 0],
  ['ably 2.28.0, one host', '100k / 30k', '0.77M', '94 / 631 / 632', 571, 1174, 0],
  ['pusher-js 8.6.0', '200k / 100k', '10M', '783 / 1837 / 1867', 1788, 2407, 0],
  ['react-use-websocket 4.13.0 *', '100k / 100k', '1.8M', ...never('59k / 55k / 100k')],
  ['@microsoft/signalr 10.0.11 *', '100k / 100k', '0.4M', ...never('99k / 98k / 100k')],
  ['graphql-ws 6.4.2', '37k / 0', '0.1M', ...never('100k / 96k / 100k')],
];

function never(lost) {
  return ['never', 'never', 'never', lost];
}
