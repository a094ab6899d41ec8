import { randomBytes, randomUUID } from 'node:crypto';
import { createTwoStages, memoryTokens, ownOrigins } from '@two-stage-socket/demo-server';
import Fastify, { type onRequestAsyncHookHandler, type onRequestHookHandler } from 'fastify';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who the JWT says it is, behind `requireJwt`. */
    user: string;
  }
}

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
    issuer: 'news',
    audience: 'news',
    requiredClaims: ['sub', 'jti', 'exp'],
  });
  return payload;
}

const requireJwt: onRequestAsyncHookHandler = async (request, reply) => {
  try {
    const [, jwt = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    request.user = (await verifyJwt(jwt)).sub;
  } catch {
    reply.code(401).header('WWW-Authenticate', 'Bearer');
    return reply.send({ status: 0, message: 'Unauthorized' });
  }
};

const app = Fastify();
app.decorateRequest('user', '');

app.post<{ Body: Record<string, unknown> | null }>('/login', async (request, reply) => {
  const { username, password } = request.body ?? {};
  if (typeof password !== 'string' || passwords.get(username) !== password) {
    return reply.code(401).send({ status: 0, message: 'Wrong username or password' });
  }
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(String(username))
    .setIssuer('news')
    .setAudience('news')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1 hour')
    .sign(secret);
  return { status: 1, data: { token } };
});

app.get('/me', { onRequest: requireJwt }, async ({ user }) => ({ status: 1, data: { user } }));

// Two stages: from here …
const stages = createTwoStages({
  tokens: memoryTokens(),
  origins: process.env.ORIGINS?.split(',') ?? ownOrigins('localhost', port),
  path: '/news',
  verify: async (jwt) =>
    verifyJwt(jwt).then(({ sub, jti, exp }) => ({ user: sub, id: jti, expiresAt: exp * 1000 })),
  onMessage: (reader, data) => reader.send(typeof data === 'string' ? `echo: ${data}` : data),
});
const cors: onRequestHookHandler = ({ raw }, reply, done) => stages.cors(raw, reply.raw, done);
app.options('/token/ws', { onRequest: cors }, () => {});
app.post('/token/ws', { onRequest: [cors, requireJwt] }, async ({ user }, reply) => {
  const { status, headers, body } = await stages.mint(user);
  return reply.code(status).headers(headers).send(body);
});
app.server.on('upgrade', stages.upgrade);
// … to here

let edition = 0;
setInterval(() => {
  edition += 1;
  for (const reader of stages.registry) reader.send(`broadcast message ${edition}`);
}, 5000).unref();

console.log(`News: ${await app.listen({ port, host: '127.0.0.1' })}/`);

process.once('SIGTERM', async () => {
  await stages.stop();
  await app.close();
});
