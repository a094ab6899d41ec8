/** How long the JSON of a message is. */
export const bytes = 86;

/**
 * What is streamed in `ms` (0: at once), and what the page shows of it: the last message and a count, a
 * list of all, or the last in one of 20 components that share a socket. `cost` is what each render takes
 * on top, in ms.
 */
export const cases = {
  A: { title: '10,000 messages in a second', messages: 10_000, ms: 1000, view: 'last' },
  'A+': {
    title: '10,000 messages in a second, each render costs 0.3 ms',
    messages: 10_000,
    ms: 1000,
    view: 'last',
    cost: 0.3,
  },
  B: { title: '1,000 messages in one burst', messages: 1000, ms: 0, view: 'last' },
  'B=': {
    title: '1,000 messages in one burst, alike but for the last',
    messages: 1000,
    ms: 0,
    view: 'last',
    alike: true,
  },
  T: {
    title: 'ten messages in one tick: 100 frames of ten in half a second',
    messages: 1000,
    ms: 500,
    view: 'last',
    perFrame: 10,
  },
  C: {
    title: '1,000 messages in a second to one of 20 components that share a socket',
    messages: 1000,
    ms: 1000,
    view: 'shared',
  },
  D: {
    title: 'a list that grows to 2,000 in a second, all rows drawn',
    messages: 2000,
    ms: 1000,
    view: 'list',
  },
  hidden: {
    title: '600 messages in three seconds to a hidden tab',
    messages: 600,
    ms: 3000,
    view: 'last',
    hidden: true,
  },
};
