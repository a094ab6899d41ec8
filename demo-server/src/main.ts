import { createLog } from './log.ts';
import { createDemoServer, type DemoServer } from './server.ts';
import { readSettings, type Settings, SettingsError } from './settings.ts';
import { onStopSignal } from './stop-signals.ts';

/** Ends the process with one line, or a few, that say what to do. */
function giveUp(message: string): never {
  console.error(message);
  process.exit(1);
}

function settingsOrGiveUp(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (error instanceof SettingsError) giveUp(error.message);
    throw error;
  }
}

async function listenOrGiveUp(server: DemoServer, { host, port }: Settings): Promise<void> {
  try {
    await server.listen();
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EADDRINUSE':
        giveUp(`Port ${port} is taken: set PORT to another one, or to 0 for any that is free.`);
        break;
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        giveUp(`HOST is ${host}, which is no address of this machine.`);
        break;
      case 'EACCES':
        giveUp(`Port ${port} is reserved: set PORT to one above 1023.`);
    }
    throw error;
  }
}

const settings = settingsOrGiveUp();
const server = createDemoServer(settings, { log: createLog(settings.logLevel) });
await listenOrGiveUp(server, settings);

onStopSignal(() => void server.stop());

// Said last: who reads it may send a signal at once.
console.log(`Two-Stage Socket demo: ${server.url}/`);
