/** An HTTP answer, with its bytes. */
export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** All of it as it came, without the `Date` header. */
  readonly bytes: Buffer;
}

/** The part of an answer before its body, and where that begins. */
export interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly length: number;
}

/** Reads the head of an HTTP/1.1 answer; `undefined` while it is not all there. */
export function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return { status, headers, length: end + 4 };
}

/**
 * Reads an HTTP/1.1 answer; `undefined` while it is not all there.
 *
 * @param isEnded whether the server has ended the connection, which ends a body of unknown length
 */
export function readAnswer(bytes: Buffer, isEnded: boolean): Answer | undefined {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  const rest = bytes.subarray(head.length);
  const declared = head.headers.get('content-length');
  let body: Buffer | undefined;
  if (declared !== undefined) {
    if (rest.length >= Number(declared)) body = rest.subarray(0, Number(declared));
  } else if (head.headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
    body = readChunks(rest);
  }
  if (body === undefined && !isEnded) return undefined;
  const text = (body ?? rest).toString();
  return { status: head.status, headers: head.headers, body: text, bytes: withoutDate(bytes) };
}

function readChunks(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    const end = line + 2 + size;
    if (!(bytes.length >= end + 2)) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(line + 2, end));
    at = end + 2;
  }
}

function withoutDate(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r\nDate: [^\r]*/i, ''), 'latin1');
}
