import type { Codec, Options } from '@two-stage-socket/core';
import { generate, type Packet, parser } from 'mqtt-packet';

const version = { protocolVersion: 5 };
const connect = { cmd: 'connect', protocolId: 'MQTT', ...version, clean: true, keepalive: 60 };

/** Packets of MQTT 5; `getConnect` gives the fields of CONNECT that are the app's, such as `password`. */
export function mosquitto(app: { url: string; getConnect: () => object | Promise<object> }) {
  let stream = createStream();
  const is =
    (cmd: string, ...codes: number[]) =>
    (packet: any) =>
      packet?.cmd === cmd && codes.includes(packet.reasonCode ?? 0);
  return {
    url() {
      stream = createStream();
      return app.url;
    },
    protocols: 'mqtt',
    initPayload: async () => ({ ...connect, ...(await app.getConnect()) }),
    isReady: is('connack', 0),
    isRejected: is('connack', 0x86, 0x87),
    heartbeat: { interval: 30_000, ping: () => ({ cmd: 'pingreq' }), isPong: is('pingresp', 0) },
    codec: {
      encode: (packet) => new Uint8Array(generate(packet, version)),
      decode: (frame) => stream(frame),
    },
  } satisfies Options<any, any>;
}

/** Reads the frames of one connection: a packet may share its frame, or span several. */
function createStream(): Codec['decode'] {
  const packets: Packet[] = [];
  const stream = parser(version).on('packet', (packet) => packets.push(packet));
  return (frame) => {
    stream.parse((typeof frame === 'string' ? frame : new Uint8Array(frame)) as Buffer);
    return packets.splice(0);
  };
}
