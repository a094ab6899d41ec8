/** Told, again and again, to open a client or to let it receive: see in-node.mjs. */
const clients = {};

process.on('message', async ({ code, open, receive }) => {
  try {
    if (open) {
      const [, client] = open;
      clients[client] = await import(`data:text/javascript,${encodeURIComponent(code)}#${client}`);
      await clients[client].open(...open);
      return process.send({});
    }
    const before = process.cpuUsage();
    const wall = await clients[receive].receive();
    const { user, system } = process.cpuUsage(before);
    clients[receive].verify();
    process.send({ wall, cpu: (user + system) / 1000 });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
