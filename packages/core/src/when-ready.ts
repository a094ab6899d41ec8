import type { Emitter } from './emitter.ts';
import { TwoStageError } from './errors.ts';
import type { Events, State } from './types.ts';

/** What `ready()` promises of a socket in `state`, whose last ack was `ack`. */
export function whenReady(
  on: Emitter<Events<any, any>>['on'],
  state: State,
  ack: unknown,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  return new Promise((resolve) => {
    const abort = () => settle(Promise.reject(signal?.reason));
    const close = ({ failure }: { readonly failure?: TwoStageError | undefined }) =>
      settle(
        Promise.reject(failure ?? new TwoStageError({ stage: 'ready', code: 'closed' }, false)),
      );
    const offs = [
      on('ready', (event) => settle(event.ack)),
      on('close', close),
      () => signal?.removeEventListener('abort', abort),
    ];
    const settle = (outcome: unknown) => {
      for (const off of offs) off();
      resolve(outcome);
    };
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    else if (state.status === 'ready') settle(ack);
    else if (state.status === 'closed') close(state);
  });
}
