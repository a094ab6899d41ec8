/** So many characters of a secret are as good as all of it: who is told them can search for it. */
const TELLING = 16;

/** Characters of tokens and JWTs, in a row that is long enough. */
const RUN = new RegExp(`[\\w.-]{${TELLING},}`, 'g');

/** Knows what must not be printed. */
export class Secrets {
  readonly #known = new Set<string>();

  /** Remembers a secret, and answers it. */
  add(secret: string): string {
    // A short one, such as a password that is a name, would mask half of the output.
    if (secret.length >= TELLING) this.#known.add(secret);
    return secret;
  }

  /** Whether the text contains a secret, or a telling part of one. */
  isIn(text: string): boolean {
    for (let start = 0; start + TELLING <= text.length; start += 1) {
      const part = text.slice(start, start + TELLING);
      for (const secret of this.#known) if (secret.includes(part)) return true;
    }
    return false;
  }

  /** The text without secrets. */
  mask(text: string): string {
    let masked = text;
    for (const secret of this.#known) masked = masked.replaceAll(secret, MASK);
    return masked.replaceAll(RUN, (run) => (this.isIn(run) ? MASK : run));
  }
}

const MASK = '<secret>';
