/** A client that goes through both stages with as little work as can be: it shares the machine. */
import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';
import { systemEnvironment } from '../../demo-server/src/environment.ts';
import { hs256Jwts } from '../../demo-server/src/jwt.ts';

/** The servers' JWT_SECRET. It guards nothing. */
export const SECRET = 'a secret of the benches, for the benches only';

/** JWTs of `count` users, valid for an hour. */
export function signJwts(prefix, count) {
  const jwts = hs256Jwts(new TextEncoder().encode(SECRET), systemEnvironment);
  const users = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  return Promise.all(users.map((user) => jwts.sign(user, 3_600_000)));
}

/** Connections that are kept alive, as a client's would be. */
export const createAgent = (maxSockets) => new Agent({ keepAlive: true, maxSockets });

/** The token stage. */
export function mintToken(agent, origin, jwt) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${jwt}` };
    const asked = request(`${origin}/token/ws`, { method: 'POST', agent, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(body).data.token);
        else reject(new Error(`The token route answered ${response.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Opens a socket; resolves at `open`. `token` is left out where nobody asks for one. */
export function open(socketUrl, token, options) {
  return new Promise((resolve, reject) => {
    const url = token === undefined ? socketUrl : `${socketUrl}?token=${token}`;
    const ws = new WebSocket(url, 'two-stage.v1', { perMessageDeflate: false, ...options });
    ws.once('open', () => {
      ws.off('error', reject);
      ws.on('error', () => {});
      resolve(ws);
    });
    ws.once('error', reject);
  });
}

/** The init stage; resolves at the ack. */
export function init(ws, jwt) {
  return new Promise((resolve, reject) => {
    const onClose = (code) => reject(new Error(`Closed with ${code} instead of an ack`));
    ws.once('close', onClose);
    ws.once('message', (data) => {
      ws.off('close', onClose);
      if (JSON.parse(data).type === 'ready') resolve();
      else reject(new Error('The first frame was no ack'));
    });
    ws.send(JSON.stringify({ type: 'jwt', token: jwt }));
  });
}

/** Runs `task(0)`, `task(1)`, … `count` of them, `most` at a time. */
export async function inParallel(count, most, task) {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(most, count) }, worker));
}
