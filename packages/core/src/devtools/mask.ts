const masked = '•••';

/** Names of what nobody else may read, in whatever spelling. */
const secretName =
  /token|jwt|bearer|passw|passphrase|\bpwd\b|pass$|secret|auth(?!or(?:s|ed|ing)?(?![a-z]))|credential|cookie|sess(ion)?_?id|\bsid\b|api.?key|access.?key|private|signature|\botp\b|\bpin\b/i;

/** Members by which an object says what its other members are, as in `{ name: 'password', value: … }`. */
const naming = ['name', 'key', 'type', 'kind', 'field', 'header', 'op', 'event'];

const maxKeys = 8;
const maxDepth = 3;
const maxText = 80;
/** What is looked at of a text, and how long one may be that is read as JSON, in characters. */
const maxRead = 2000;
const maxParsed = 20_000;

/**
 * What a message is, without what it says: its type, its size, and the names of its members, for which a
 * text that is JSON is read.
 */
export function describe(message: unknown): string {
  return safely(() => {
    if (typeof message === 'string') {
      const parsed = parse(message);
      const size = `text of ${message.length}`;
      return parsed === undefined ? size : `${size}, ${describeValue(parsed)}`;
    }
    return describeValue(message);
  });
}

/** What a message says, shortened, with what is or may be a secret masked. */
export function preview(message: unknown): string {
  return safely(() => shorten(show(message, 0), 240));
}

/**
 * A text without what is or may be a secret: JWTs, long random strings, users and queries of URLs, values
 * of secret names. What goes on beyond what is read ends before the word that is cut: it may be half a one.
 */
export function maskText(text: string): string {
  const read = text.length > maxRead ? `${text.slice(0, maxRead).replace(/\S*$/, '')}…` : text;
  return read
    .replace(url, (_, scheme, address, query) => scheme + address + (query ? `?${masked}` : ''))
    .replace(/\?[\w.%-]+=[^\s"']*/g, `?${masked}`)
    .replace(/\beyJ[\w+/=-]+(\.[\w+/=-]*)*/g, masked)
    .replace(/\b(bearer|basic|digest)\s+[^\s"',;]+/gi, `$1 ${masked}`)
    .replace(assignment, (all, name, between) =>
      secretName.test(name) ? name + between + masked : all,
    )
    .replace(/[\w+/=~-]{16,}/g, (word) => (looksRandom(word) ? masked : word));
}

const url = /\b([a-z][a-z\d+.-]*:\/\/)(?:[^\s/?#@"']*@)?([^\s?#"'<>]*)([?#][^\s"'<>]*)?/gi;

/** `name: value` and `name=value`, quoted or not. */
const assignment = /([\w.-]+)(["']?\s*[:=]\s*)("[^"]*"?|'[^']*'?|[^"'&,;}\n]+)/g;

function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `array of ${value.length}`;
  const bytes = sizeOf(value);
  if (bytes !== undefined) return `binary of ${bytes} B`;
  if (typeof value !== 'object') return typeof value;
  const keys = Object.keys(value);
  const names = keys.slice(0, maxKeys).map((key) => shorten(maskText(key), 30));
  if (keys.length > maxKeys) names.push('…');
  return names.length ? `object { ${names.join(', ')} }` : 'object';
}

function show(value: unknown, depth: number): string {
  if (typeof value === 'string') {
    const parsed = parse(value);
    if (parsed !== undefined) return show(parsed, depth);
    // What is cut off, or not quite JSON, cannot be told apart.
    return looksLikeJson(value)
      ? describe(value)
      : JSON.stringify(shorten(maskText(value), maxText));
  }
  // A number may be a secret as well as a text may: those of cards are long, as are those of devices.
  if (typeof value === 'number' || typeof value === 'bigint') {
    return /\d{12}/.test(String(value)) ? masked : String(value);
  }
  if (value === null || typeof value !== 'object' || sizeOf(value) !== undefined) {
    return value === undefined || value === null || typeof value === 'boolean'
      ? String(value)
      : describeValue(value);
  }
  if (Array.isArray(value)) return showArray(value, depth);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return 'object';
  return depth < maxDepth ? showObject(value, depth) : describeValue(value);
}

function showArray(value: readonly unknown[], depth: number): string {
  if (depth >= maxDepth) return describeValue(value);
  // A pair, as headers are written.
  const isSecret = value.length === 2 && isSecretName(value[0]);
  const items = value.slice(0, maxKeys).map((item, index) => {
    return isSecret && index > 0 ? masked : show(item, depth + 1);
  });
  if (value.length > maxKeys) items.push('…');
  return `[${items.join(', ')}]`;
}

function showObject(value: object, depth: number): string {
  const entries = Object.entries(value);
  const isSecret = entries.some(
    ([key, member]) => naming.includes(key.toLowerCase()) && isSecretName(member),
  );
  const members = entries.slice(0, maxKeys).map(([key, member]) => {
    const hides = secretName.test(key) || (isSecret && !naming.includes(key.toLowerCase()));
    return `${shorten(maskText(key), 30)}: ${hides ? masked : show(member, depth + 1)}`;
  });
  if (entries.length > maxKeys) members.push('…');
  return members.length ? `{ ${members.join(', ')} }` : '{}';
}

const isSecretName = (value: unknown): boolean =>
  typeof value === 'string' && value.length < 60 && secretName.test(value);

/** As tokens, hashes and keys are: no word, and no number that one would read. */
function looksRandom(word: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(word)).length;
  return (
    (/\d/.test(word) && kinds > 1) ||
    /\d{12}/.test(word) ||
    (word.length >= 24 && kinds > 1) ||
    word.length >= 32
  );
}

const looksLikeJson = (text: string): boolean => /^\s*[{["]/.test(text);

function parse(text: string): unknown {
  if (!looksLikeJson(text) || text.length > maxParsed) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sizeOf(value: unknown): number | undefined {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  return typeof Blob === 'function' && value instanceof Blob ? value.size : undefined;
}

const shorten = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** A message may be anything, such as a proxy that throws: watching it must harm nobody. */
function safely(read: () => string): string {
  try {
    return read();
  } catch {
    return 'unreadable';
  }
}
