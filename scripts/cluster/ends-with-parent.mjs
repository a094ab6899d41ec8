// Preloaded into a server that another process starts: it must not stay behind when that one dies.
process.on('disconnect', () => process.exit(1));
// Watching for it is no reason to stay either.
process.channel?.unref();
