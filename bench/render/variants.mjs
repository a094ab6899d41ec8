const perMessage = ['A', 'A+', 'B', 'B=', 'T', 'C', 'D'];

/**
 * Who takes part: the page of each, and in which cases. `role` is `ours`, `fold` for the bare fold by
 * hand, which is the lower bound, `floor` for a page that receives and draws nothing, and else `peer`.
 * `sockets` is how many a page opens where that is not one.
 */
export const variants = [
  { name: 'receiving alone', page: 'bare/receive', role: 'floor', cases: ['A', 'A+'] },

  { name: 'React: ours', page: 'react/ours', role: 'ours', cases: [...perMessage, 'hidden'] },
  { name: 'React: bare fold', page: 'react/bare-fold', role: 'fold', cases: perMessage },
  { name: 'React: useState(last)', page: 'react/use-state', cases: perMessage },
  { name: 'React: useReducer', page: 'react/use-reducer', cases: perMessage },
  {
    name: 'React: react-use-websocket',
    page: 'react/react-use-websocket',
    cases: perMessage,
    sockets: { C: 20 },
  },
  {
    name: 'React: react-use-websocket, share',
    page: 'react/react-use-websocket-share',
    cases: ['A', 'A+', 'C'],
  },
  { name: 'React: partysocket + useState', page: 'react/partysocket', cases: perMessage },
  { name: 'React: zustand', page: 'react/zustand', cases: perMessage },

  { name: 'Vue: ours', page: 'vue/ours', role: 'ours', cases: [...perMessage, 'hidden'] },
  { name: 'Vue: bare fold', page: 'vue/bare-fold', role: 'fold', cases: perMessage },
  { name: 'Vue: ref', page: 'vue/ref', cases: perMessage },
  { name: 'Vue: @vueuse/core', page: 'vue/vueuse', cases: perMessage },

  { name: 'Svelte: ours', page: 'svelte/ours', role: 'ours', cases: [...perMessage, 'hidden'] },
  { name: 'Svelte: bare fold', page: 'svelte/bare-fold', role: 'fold', cases: perMessage },
  { name: 'Svelte: writable', page: 'svelte/writable', cases: perMessage },
  {
    name: 'Svelte: svelte-websocket-store',
    page: 'svelte/svelte-websocket-store',
    cases: perMessage,
  },
].map((variant) => ({ role: 'peer', sockets: {}, ...variant }));
