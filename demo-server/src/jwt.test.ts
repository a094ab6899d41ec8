import { SignJWT, UnsecuredJWT } from 'jose';
import { expect, test } from 'vitest';
import { hs256Jwts, JWT_AUDIENCE, JWT_ISSUER } from './jwt.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

const secret = new TextEncoder().encode(
  'a secret with sixty-four bytes, as HS512 wants no fewer of them!',
);

function setUp() {
  const environment = fakeEnvironment();
  const now = environment.now() / 1000;
  const claims = {
    sub: 'ada',
    jti: '1',
    iss: JWT_ISSUER,
    aud: JWT_AUDIENCE,
    iat: now,
    exp: now + 60,
  };
  const sign = (changes: object, alg = 'HS256', key = secret): Promise<string> =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg }).sign(key);
  return { environment, now, claims, sign, jwts: hs256Jwts(secret, environment) };
}

test('a JWT it issued says whose it is and how long', async () => {
  const { environment, jwts } = setUp();
  const identity = await jwts.verify(await jwts.sign('ada', 60_000));
  expect(identity).toMatchObject({ user: 'ada', expiresAt: environment.now() + 60_000 });
  expect(identity.id).toMatch(/^[\w-]{22}$/);
});

test('a lifetime is rounded up to whole seconds', async () => {
  const { environment, jwts } = setUp();
  environment.advance(500);
  const { expiresAt } = await jwts.verify(await jwts.sign('ada', 1));
  expect(expiresAt - environment.now()).toBe(500);
});

test('S5 the control: these claims, so signed, are good', async () => {
  const { jwts, sign } = setUp();
  expect(await jwts.verify(await sign({}))).toMatchObject({ user: 'ada', id: '1' });
});

test.each(['HS384', 'HS512'])('S5 another algorithm is refused: %s', async (alg) => {
  const { jwts, sign } = setUp();
  await expect(jwts.verify(await sign({}, alg))).rejects.toThrow();
});

test('S5 no algorithm is refused: none', async () => {
  const { jwts, claims } = setUp();
  const unsecured = new UnsecuredJWT(claims).encode();
  await expect(jwts.verify(unsecured)).rejects.toThrow();
});

test('S5 another key is refused', async () => {
  const { jwts, sign } = setUp();
  const other = new TextEncoder().encode('another secret that is long enough, too');
  await expect(jwts.verify(await sign({}, 'HS256', other))).rejects.toThrow();
});

test.each([
  ['another issuer', { iss: 'somebody' }],
  ['no issuer', { iss: undefined }],
  ['another audience', { aud: 'somebody' }],
  ['no audience', { aud: undefined }],
  ['no subject', { sub: undefined }],
  ['no expiry', { exp: undefined }],
])('S5 %s is refused', async (_what, changes) => {
  const { jwts, sign } = setUp();
  await expect(jwts.verify(await sign(changes))).rejects.toThrow();
});

test('S5 an expired one is refused, from its last second on', async () => {
  const { environment, jwts, sign } = setUp();
  const jwt = await sign({});
  environment.advance(59_999);
  await jwts.verify(jwt);
  environment.advance(1);
  await expect(jwts.verify(jwt)).rejects.toThrow();
});

test('S5 one that is not yet valid is refused', async () => {
  const { environment, now, jwts, sign } = setUp();
  const jwt = await sign({ nbf: now + 30 });
  await expect(jwts.verify(jwt)).rejects.toThrow();
  environment.advance(30_000);
  await jwts.verify(jwt);
});

test.each(['', 'x', 'a.b.c', 'a.b.c.d.e', '..'])('S5 %j is refused', async (jwt) => {
  const { jwts } = setUp();
  await expect(jwts.verify(jwt)).rejects.toThrow();
});
