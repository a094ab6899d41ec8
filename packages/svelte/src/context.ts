import { getContext, onMount, setContext } from 'svelte';

/** What provides, and holds, what `make` makes, and what gives it to the components below. */
export function createContext<
  Source,
  Chat extends { readonly subscribe: (run: () => void) => () => void },
>(
  name: string,
  make: (source: Source) => Chat,
): readonly [provide: (source: Source) => Chat, use: () => Chat] {
  const key = Symbol(name);
  const provide = (source: Source) => {
    const chat = make(source);
    onMount(() => chat.subscribe(() => {}));
    return setContext(key, chat);
  };
  const use = () => {
    const chat = getContext<Chat | undefined>(key);
    if (!chat) throw new Error(`TwoStageSocket: no component above provides ${name}`);
    return chat;
  };
  return [provide, use];
}
