// For the tests: starts one server with the variables it has, and says where it listens.
import { startServerProcess } from '../server-process.ts';

try {
  const { port } = await startServerProcess(process.env);
  console.log(`port ${port}`);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
