import { createSubscriber } from 'svelte/reactivity';

const onHashChange = createSubscriber((update) => {
  addEventListener('hashchange', update);
  return () => removeEventListener('hashchange', update);
});

/** The route that the address names after its `#`: `/`, `/about`. */
export function route(): string {
  onHashChange();
  return location.hash.slice(1) || '/';
}
