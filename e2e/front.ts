import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A WebSocket that went through the front. */
export interface Passage {
  /** The text frames that its server sent, whether or not the client still listened. */
  readonly fromServer: readonly string[];
  /** Whether either side has ended it. */
  readonly isOver: boolean;
}

/**
 * What stands between pages and servers, as a load balancer or a NAT does: an origin that outlives
 * its servers, with pages of the tests' own and the built core for them.
 */
export interface Front {
  readonly url: string;
  /** Where requests and WebSockets go from now on; those that there are stay where they are. */
  target: string;
  /** Every WebSocket since the last `reset`. */
  readonly passages: readonly Passage[];
  /** Forwards nothing any more, in neither direction, and tells nobody. */
  silence(): void;
  /** Forwards what comes from now on; what was silenced stays so. */
  resume(): void;
  /** Holds back what the WebSockets carry that are open; what it returns lets all of it go on. */
  hold(): () => void;
  /** Forgets all passages. */
  reset(): void;
  stop(): void;
}

/** An icon, so that no page asks for one. */
const page = (title: string, script: string) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <link rel="icon" href="data:,">
  <title>${title}</title>
  <script type="module">${script}</script>
</html>
`;

const pages: Readonly<Record<string, string>> = {
  '/': page('A page with a socket', `import * as core from '/core/index.js'; window.core = core;`),
  '/away': page('Elsewhere', ''),
};

const core = new URL('.', import.meta.resolve('@two-stage-socket/core'));

export async function startFront(): Promise<Front> {
  let target = '';
  let isSilent = false;
  let passages: Passage[] = [];
  /** What is open, to be cut by `silence` and to be ended by `stop`. */
  const pairs = new Set<readonly [Duplex, Duplex]>();

  const forward = (asked: IncomingMessage, answer: ServerResponse) => {
    const { method, url, headers } = asked;
    const onward = request(new URL(url ?? '', target), { method, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    // A server that is down looks the same through here.
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  };

  const server = createServer(async (asked, answer) => {
    // Held for as long as the client waits for it.
    if (isSilent) return;
    const { pathname } = new URL(asked.url ?? '', 'http://front');
    const text = pages[pathname];
    if (text) answer.setHeader('Content-Type', 'text/html').end(text);
    else if (/^\/core\/[\w-]+\.js$/.test(pathname)) {
      const script = await readFile(new URL(pathname.slice('/core/'.length), core));
      answer.setHeader('Content-Type', 'text/javascript').end(script);
    } else forward(asked, answer);
  });

  server.on('upgrade', ({ method, url, rawHeaders }: IncomingMessage, client: Duplex, head) => {
    const { hostname, port } = new URL(target);
    const onward = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const pair = [client, onward] as const;
    const fromServer: string[] = [];
    const passage = {
      fromServer,
      get isOver() {
        return client.destroyed || onward.destroyed;
      },
    };
    pairs.add(pair);
    passages.push(passage);
    for (const [one, other] of [pair, [onward, client] as const]) {
      one.on('error', () => {});
      one.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
    if (isSilent) return;
    const lines = rawHeaders.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${rawHeaders[i + 1]}`]));
    onward.write([`${method} ${url} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
    onward.write(head);
    onward.on('data', createFrameReader(fromServer));
    client.pipe(onward);
    onward.pipe(client);
  });

  const hold = () => {
    const held = [...pairs];
    for (const pair of held) {
      for (const side of pair) side.unpipe().pause();
    }
    return () => {
      for (const [client, onward] of held) {
        client.pipe(onward);
        onward.pipe(client);
      }
    };
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get target() {
      return target;
    },
    set target(url) {
      target = url;
    },
    get passages() {
      return passages;
    },
    silence() {
      isSilent = true;
      hold();
    },
    resume() {
      isSilent = false;
    },
    hold,
    reset() {
      passages = [];
    },
    stop() {
      for (const [client] of pairs) client.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Takes the bytes of a server apart, past the head of its answer, and adds each text frame to `texts`. */
function createFrameReader(texts: string[]): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let isUpgraded = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isUpgraded) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      isUpgraded = true;
      rest = rest.subarray(end + 4);
    }
    // Frames of a server are not masked (RFC 6455, section 5.2), and none here has 64 KiB.
    while (rest.length >= 4 || (rest.length >= 2 && rest.readUInt8(1) < 126)) {
      const short = rest.readUInt8(1);
      const start = short < 126 ? 2 : 4;
      const end = start + (short < 126 ? short : rest.readUInt16BE(2));
      if (rest.length < end) return;
      if ((rest.readUInt8(0) & 0x0f) === 1) texts.push(rest.toString('utf8', start, end));
      rest = rest.subarray(end);
    }
  };
}
