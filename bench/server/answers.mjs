/**
 * The side of `processes.mjs` in a process that was forked: answers questions, each by the handler of
 * its name, and ends with whoever asks them, however that one ended.
 */
export function answer(handlers) {
  // Whoever asked may be gone by then.
  const reply = (message) => process.send(message, () => {});
  process.on('message', async ({ id, name, args }) => {
    try {
      reply({ id, value: await handlers[name](...args) });
    } catch (error) {
      // A module that was bundled on the way is its own address.
      reply({ id, error: String(error.stack).replaceAll(/data:\S+/g, 'data:…') });
    }
  });
  process.on('disconnect', () => process.exit());
}

/** Time in ms by a clock that all processes of a machine share, to compare what different ones saw. */
export function clock() {
  return Number(process.hrtime.bigint()) / 1e6;
}
