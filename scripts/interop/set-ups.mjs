import { bringMosquitto, bringNats, noMosquitto, noNats } from './debian.mjs';
import { bringDirectus, noDirectus } from './directus.mjs';
import { bringCentrifuge, bringGoNats, noCentrifuge, noGoNats } from './go.mjs';
import { bringHomeAssistant, bringJupyter, noHomeAssistant, noJupyter } from './python.mjs';

/**
 * A server of another toolchain.
 *
 * @typedef {object} SetUp
 * @property {string} name
 * @property {RegExp} tests what the paths of its tests match
 * @property {() => unknown} bring gives what is true if the server is there now
 * @property {string} missing why it is not, and what to do
 */

/** @type {SetUp[]} */
const setUps = [
  { name: 'NATS of Debian', tests: /nats/, bring: bringNats, missing: noNats },
  { name: 'NATS in Go', tests: /nats/, bring: bringGoNats, missing: noGoNats },
  { name: 'mosquitto', tests: /mosquitto|mqtt/, bring: bringMosquitto, missing: noMosquitto },
  { name: 'Centrifuge', tests: /centrifuge/, bring: bringCentrifuge, missing: noCentrifuge },
  { name: 'Jupyter server', tests: /jupyter/, bring: bringJupyter, missing: noJupyter },
  {
    name: 'Home Assistant',
    tests: /home-assistant/,
    bring: bringHomeAssistant,
    missing: noHomeAssistant,
  },
  { name: 'Directus', tests: /directus/, bring: bringDirectus, missing: noDirectus },
];

/**
 * Brings what these tests need, as far as this machine allows, and says of each how long it took.
 *
 * @param {string[]} files
 */
export async function setUp(files) {
  for (const { name, tests, bring, missing } of setUps) {
    if (!files.some((file) => tests.test(file))) continue;
    const start = performance.now();
    const isThere = await Promise.resolve()
      .then(bring)
      .catch((error) => console.error(error));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${name}: ${isThere ? 'there' : `not to be had: ${missing}`} (${seconds} s)`);
  }
}
