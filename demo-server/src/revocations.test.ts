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

test('what has expired is looked for once a second at most, and then all of it is forgotten', async () => {
  const { environment, ada, revocations } = setUp();
  const revoke = (id: string, life: number): Promise<void> =>
    revocations.revoke({ ...ada, id, expiresAt: environment.now() + life });
  const known = async (ids: readonly string[]): Promise<string[]> => {
    const standings = await Promise.all(ids.map((id) => revocations.check({ ...ada, id })));
    return ids.filter((_, index) => standings[index] === 'revoked');
  };
  const early = Array.from({ length: 1000 }, (_, n) => `early ${n}`);
  for (const id of early) await revoke(id, 100);
  environment.advance(999);
  await revoke('in the first second', 100);
  expect(await known(early)).toHaveLength(1000);
  environment.advance(1);
  await revoke('at its end', 500);
  expect(await known(early)).toEqual([]);
  environment.advance(999);
  await revoke('in the second', 500);
  const late = ['in the first second', 'at its end', 'in the second'];
  expect(await known(late)).toEqual(late);
  environment.advance(1);
  await revoke('at the end of that', 500);
  expect(await known(late)).toEqual(['in the second']);
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
