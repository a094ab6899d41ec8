/** First told the code, then, again and again, what to receive: see in-node.mjs. */
let bench;

process.on('message', async ({ code, request }) => {
  try {
    if (code) {
      bench = await import(`data:text/javascript,${encodeURIComponent(code)}`);
      return process.send({});
    }
    await bench.prepare(...request);
    const before = process.cpuUsage();
    const wall = await bench.receive();
    const { user, system } = process.cpuUsage(before);
    bench.verify();
    process.send({ wall, cpu: (user + system) / 1000 });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
