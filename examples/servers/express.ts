import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTwoStages, memoryTokens, ownOrigins } from '@two-stage-socket/demo-server';
import express, { type RequestHandler } from 'express';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';

const port = Number(process.env.PORT ?? 3000);
const secret = new TextEncoder().encode(process.env.JWT_SECRET || randomBytes(32).toString('hex'));
const passwords = new Map<unknown, string>([
  ['ada', 'ada'],
  ['bob', 'bob'],
]);

type Claims = Required<Pick<JWTPayload, 'sub' | 'jti' | 'exp'>>;

async function verifyJwt(jwt: string): Promise<Claims> {
  const { payload } = await jwtVerify<Claims>(jwt, secret, {
    algorithms: ['HS256'],
    issuer: 'chat',
    audience: 'chat',
    requiredClaims: ['sub', 'jti', 'exp'],
  });
  return payload;
}

const requireJwt: RequestHandler = async (request, response, next) => {
  try {
    const [, jwt = ''] = /^Bearer (\S+)$/i.exec(request.get('Authorization') ?? '') ?? [];
    response.locals.user = (await verifyJwt(jwt)).sub;
  } catch {
    response.status(401).set('WWW-Authenticate', 'Bearer');
    response.json({ status: 0, message: 'Unauthorized' });
    return;
  }
  next();
};

const app = express();

app.post('/login', express.json(), async (request, response) => {
  const { username, password } = request.body ?? {};
  if (typeof password !== 'string' || passwords.get(username) !== password) {
    response.status(401).json({ status: 0, message: 'Wrong username or password' });
    return;
  }
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(username)
    .setIssuer('chat')
    .setAudience('chat')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1 hour')
    .sign(secret);
  response.json({ status: 1, data: { token } });
});

app.get('/me', requireJwt, (_request, response) => {
  response.json({ status: 1, data: { user: response.locals.user } });
});

const server = createServer(app);
// Two stages: from here …
const stages = createTwoStages({
  tokens: memoryTokens(),
  origins: process.env.ORIGINS?.split(',') ?? ownOrigins('localhost', port),
  path: '/chat',
  verify: async (jwt) =>
    verifyJwt(jwt).then(({ sub, jti, exp }) => ({ user: sub, id: jti, expiresAt: exp * 1000 })),
  onMessage: ({ user }, data) => say(user, data),
});
app.use('/token/ws', stages.cors);
app.post('/token/ws', requireJwt, async (_request, response) => {
  const { status, headers, body } = await stages.mint(response.locals.user);
  response.status(status).set(headers).json(body);
});
server.on('upgrade', stages.upgrade);
// … to here

function say(user: string, data: unknown): void {
  for (const member of stages.registry) member.send(`${user}: ${data}`);
}

server.listen(port, '127.0.0.1', () => {
  console.log(`Chat: http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

process.once('SIGTERM', async () => {
  await stages.stop();
  server.close();
});
