import { expect, test, vi } from 'vitest';
import { Forbidden, Unverifiable } from './jwt.ts';
import { memoryRevocations, unlessRevoked } from './revocations.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';

function setUp() {
  const environment = fakeEnvironment();
  const ada = { user: 'ada', id: '1', expiresAt: environment.now() + 60_000 };
  return { environment, ada, revocations: memoryRevocations(environment) };
}

test('a JWT that was revoked is refused, another of the same user is not', async () => {
  const { ada, revocations } = setUp();
  await revocations.revoke(ada);
  expect(await revocations.check(ada)).toBe('revoked');
  expect(await revocations.check({ ...ada, id: '2' })).toBe('good');
});

test('a JWT is remembered as revoked until it expires, and no longer', async () => {
  const { environment, ada, revocations } = setUp();
  await revocations.revoke(ada);
  environment.advance(59_999);
  await revocations.revoke({ ...ada, id: '2' });
  expect(await revocations.check(ada)).toBe('revoked');
  // It is looked for once a second at most.
  environment.advance(1000);
  await revocations.revoke({ ...ada, id: '3' });
  expect(await revocations.check(ada)).toBe('good');
});

test('a user who is forbidden stays out, whatever the JWT, until readmitted', async () => {
  const { ada, revocations } = setUp();
  await revocations.forbid('ada');
  expect(await revocations.check(ada)).toBe('forbidden');
  expect(await revocations.check({ ...ada, id: 'another' })).toBe('forbidden');
  expect(await revocations.check({ ...ada, user: 'bob' })).toBe('good');
  await revocations.readmit('ada');
  expect(await revocations.check(ada)).toBe('good');
});

test('verification heeds the shared list and what was heard, whichever knows', async () => {
  const { environment, ada, revocations: shared } = setUp();
  const heard = memoryRevocations(environment);
  const verify = unlessRevoked(async () => ada, shared, heard);
  expect(await verify('')).toBe(ada);
  await heard.revoke(ada);
  await expect(verify('')).rejects.toThrow('revoked');
  heard.forget();
  await shared.forbid('ada');
  await expect(verify('')).rejects.toBeInstanceOf(Forbidden);
});

test('S10 who may have missed a readmission forgets who was forbidden, but no logout', async () => {
  const { ada, revocations } = setUp();
  await revocations.forbid('ada');
  await revocations.revoke(ada);
  revocations.forget();
  expect(revocations.standing(ada)).toBe('revoked');
  expect(revocations.standing({ ...ada, id: '2' })).toBe('good');
});

test('S10 a notice that overtakes the answer of the list is heeded', async () => {
  const { environment, ada, revocations: shared } = setUp();
  const heard = memoryRevocations(environment);
  vi.spyOn(shared, 'check').mockImplementation(async () => {
    void heard.revoke(ada);
    return 'good';
  });
  await expect(unlessRevoked(async () => ada, shared, heard)('')).rejects.toThrow('revoked');
});

test('S12 without the list nobody can tell', async () => {
  const { environment, ada, revocations } = setUp();
  vi.spyOn(revocations, 'check').mockRejectedValue(new Error('down'));
  const verify = unlessRevoked(async () => ada, revocations, memoryRevocations(environment));
  await expect(verify('')).rejects.toBeInstanceOf(Unverifiable);
});
