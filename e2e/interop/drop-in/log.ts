import { isDeepStrictEqual } from 'node:util';

/** What a program's user sees, in order. */
export class Log {
  readonly entries: unknown[] = [];
  readonly #waiting = new Set<() => void>();

  add(entry: unknown): void {
    this.entries.push(entry);
    for (const look of this.#waiting) look();
  }

  /** Resolves once there is an entry equal to this one. */
  has(entry: unknown): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.entries.some((seen) => isDeepStrictEqual(seen, entry))) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
