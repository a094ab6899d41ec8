import { createPublicKey } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hs256Jwts, JWT_AUDIENCE, JWT_ISSUER, jwksVerifier, Unverifiable } from './jwt.ts';
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

test('a JWT with no id of its own has one by which it can be revoked', async () => {
  const { jwts, sign } = setUp();
  const first = await sign({ jti: undefined });
  const second = await sign({ jti: undefined, nonce: 2 });
  const { id } = await jwts.verify(first);
  expect(id).toMatch(/^[\w-]{43}$/);
  expect((await jwts.verify(first)).id).toBe(id);
  // The last character of a signature of 32 bytes has two bits that mean nothing.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const respelled = first.slice(0, -1) + alphabet[alphabet.indexOf(first.slice(-1)) ^ 1];
  expect((await jwts.verify(respelled)).id).toBe(id);
  expect((await jwts.verify(second)).id).not.toBe(id);
});

/** An identity provider whose keys are served, or not, by what stands in for `fetch`. */
async function setUpProvider() {
  const environment = fakeEnvironment();
  // What jose remembers of keys, it dates by the machine's clock.
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const keys = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>>();
  const answers = { isDown: false, asked: 0 };
  const { verify, check } = jwksVerifier(
    {
      url: new URL('https://id.example/keys'),
      issuer: 'https://id.example/',
      audience: 'chat',
      algorithms: ['RS256'],
      async fetch() {
        answers.asked += 1;
        if (answers.isDown) throw new TypeError('fetch failed');
        const published = [...keys].map(async ([kid, { publicKey }]) => ({
          ...(await exportJWK(publicKey)),
          kid,
        }));
        return Response.json({ keys: await Promise.all(published) });
      },
    },
    environment,
  );
  const rotate = async (kid: string): Promise<void> => {
    keys.clear();
    keys.set(kid, await generateKeyPair('RS256', { extractable: true }));
  };
  const now = environment.now() / 1000;
  const claims = { sub: 'ada', iss: 'https://id.example/', aud: 'chat', iat: now, exp: now + 60 };
  const sign = (changes: object = {}, kid = [...keys.keys()][0] ?? ''): Promise<string> => {
    const key = keys.get(kid)?.privateKey;
    if (key === undefined) throw new Error(`There is no key ${kid}`);
    const jwt = new SignJWT({ ...claims, ...changes });
    return jwt.setProtectedHeader({ alg: 'RS256', kid }).sign(key);
  };
  await rotate('first');
  return { environment, answers, verify, check, rotate, sign, claims, keys };
}

test('a provider’s JWT is verified by its published keys, asked for once', async () => {
  const { environment, answers, verify, sign } = await setUpProvider();
  const identity = { user: 'ada', expiresAt: environment.now() + 60_000 };
  expect(await verify(await sign())).toMatchObject(identity);
  expect(await verify(await sign())).toMatchObject(identity);
  expect(answers.asked).toBe(1);
});

test('a provider may rotate its keys: a key that is not known is looked for', async () => {
  const { answers, verify, rotate, sign } = await setUpProvider();
  const old = await sign();
  await verify(old);
  await rotate('second');
  vi.setSystemTime(Date.now() + 30_001);
  await verify(await sign());
  await expect(verify(old)).rejects.not.toBeInstanceOf(Unverifiable);
  expect(answers.asked).toBe(2);
});

test('S9 keys that nobody has are not asked for again and again', async () => {
  const { answers, verify, keys, sign } = await setUpProvider();
  await verify(await sign());
  keys.set('mine', await generateKeyPair('RS256'));
  const forged = await sign({}, 'mine');
  keys.delete('mine');
  for (let n = 0; n < 5; n += 1) await expect(verify(forged)).rejects.toThrow();
  expect(answers.asked).toBe(1);
});

test.each([
  ['another issuer', { iss: 'https://evil.example/' }],
  ['another audience', { aud: 'mail' }],
  ['no subject', { sub: undefined }],
  ['an empty subject', { sub: '' }],
  ['no expiry', { exp: undefined }],
  ['expired', { exp: 1 }],
])('S5 a provider’s JWT with %s is refused', async (_what, changes) => {
  const { verify, sign } = await setUpProvider();
  await expect(verify(await sign(changes))).rejects.not.toBeInstanceOf(Unverifiable);
});

test('S5 a provider’s public key is no secret to sign with', async () => {
  const { verify, claims, keys } = await setUpProvider();
  const publicKey = keys.get('first')?.publicKey;
  if (publicKey === undefined) throw new Error('There is a key');
  const jwk = await exportJWK(publicKey);
  const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  const text = pem.export({ type: 'spki', format: 'pem' }).toString();
  const forged = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'first' })
    .sign(new TextEncoder().encode(text));
  await expect(verify(forged)).rejects.not.toBeInstanceOf(Unverifiable);
});

test('S12 while a provider’s keys cannot be had, a JWT is neither good nor bad', async () => {
  const { answers, verify, check, sign } = await setUpProvider();
  answers.isDown = true;
  const jwt = await sign();
  await expect(verify(jwt)).rejects.toBeInstanceOf(Unverifiable);
  await expect(check()).rejects.toThrow();
  answers.isDown = false;
  await check();
  expect(await verify(jwt)).toMatchObject({ user: 'ada' });
});

test('a provider’s JWT that does not name its key is tried with each that would do', async () => {
  const { verify, claims, keys } = await setUpProvider();
  keys.set('second', await generateKeyPair('RS256', { extractable: true }));
  const sign = (key: CryptoKey): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(key);
  for (const { privateKey } of keys.values()) {
    expect(await verify(await sign(privateKey))).toMatchObject({ user: 'ada' });
  }
  const { privateKey } = await generateKeyPair('RS256');
  await expect(verify(await sign(privateKey))).rejects.not.toBeInstanceOf(Unverifiable);
});
