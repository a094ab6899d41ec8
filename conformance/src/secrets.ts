/** Knows what must not be printed. */
export class Secrets {
  readonly #known = new Set<string>();

  /** Remembers a secret, and answers it. */
  add(secret: string): string {
    // A short one, such as a password that is a name, would mask half of the output.
    if (secret.length >= 16) this.#known.add(secret);
    return secret;
  }

  /** Whether the text contains a secret. */
  isIn(text: string): boolean {
    for (const secret of this.#known) if (text.includes(secret)) return true;
    return JWT.test(text);
  }

  /** The text without secrets. */
  mask(text: string): string {
    let masked = text;
    for (const secret of this.#known) masked = masked.replaceAll(secret, '<secret>');
    return masked.replaceAll(new RegExp(JWT, 'g'), '<JWT>');
  }
}

/** What looks like a JWT: three parts, of which the first is JSON in base64url. */
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]*/;
