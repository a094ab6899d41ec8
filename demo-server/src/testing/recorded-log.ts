import { EventEmitter, once } from 'node:events';
import type { Log } from '../log.ts';

/** A log that tests can wait for. */
export interface RecordedLog extends Log {
  /** Everything that was said, as JSON with its message. */
  readonly lines: string[];
  /** Resolves when this has been said once more than at the last call for it. */
  said(message: string): Promise<void>;
}

export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const messages: string[] = [];
  const heard = new Map<string, number>();
  const emitter = new EventEmitter();
  const write = (details: object, message: string): void => {
    lines.push(JSON.stringify({ ...details, message }));
    messages.push(message);
    emitter.emit('line');
  };
  return {
    debug: write,
    info: write,
    warn: write,
    error: write,
    lines,
    async said(message) {
      const wanted = (heard.get(message) ?? 0) + 1;
      heard.set(message, wanted);
      while (messages.filter((said) => said === message).length < wanted) {
        await once(emitter, 'line');
      }
    },
  };
}
