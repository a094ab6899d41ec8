import { report } from './devtools/copy.ts';
import { defineElement, tag } from './devtools/element.ts';
import { addInspection, type InspectOptions } from './devtools/registry.ts';
import type { TwoStageSocket } from './socket.ts';

export { type InspectOptions, report };

/**
 * Shows a socket in every `<two-stage-devtools>` of the page, from now until the returned function is
 * called. Watching changes nothing: it neither opens the socket nor holds it open, nor keeps it in memory.
 * A socket that is inspected twice is shown once, until both have stopped. Of the sockets, the last 20
 * are kept. Does nothing where there is no document, as on a server.
 */
export function inspect(
  socket: Pick<TwoStageSocket<any, any>, 'on' | 'getSnapshot'>,
  options: InspectOptions = {},
): () => void {
  if (typeof document === 'undefined') return () => {};
  defineElement();
  return addInspection(socket, options);
}

/**
 * Puts a `<two-stage-devtools>` into a corner of the page, above everything else, unless there is one
 * in the page already. Returns it; nothing where there is no document.
 */
export function showDevtools(options: { readonly open?: boolean } = {}): HTMLElement | undefined {
  if (typeof document === 'undefined') return undefined;
  defineElement();
  const existing = document.querySelector(tag);
  const element = existing ?? document.createElement(tag);
  if (!existing) {
    element.toggleAttribute('floating', true);
    document.body.append(element);
  }
  if (options.open !== undefined) element.toggleAttribute('open', options.open);
  return element;
}
