import { expect, test } from 'vitest';
import { Secrets } from './secrets.ts';

const TOKEN = 'Vq2c0h6mB8kq4xJ0bX3nH1sS5tGfQ7aLz9wYpRuDeKo';

function secretsWith(...known: string[]): Secrets {
  const secrets = new Secrets();
  for (const secret of known) secrets.add(secret);
  return secrets;
}

test('masks a secret wherever it is', () => {
  const secrets = secretsWith(TOKEN, 'a secret with spaces');
  expect(secrets.mask(`got "token.${TOKEN}", a secret with spaces`)).toBe(
    'got "token.<secret>", <secret>',
  );
});

test('masks what is left of a secret that was cut off', () => {
  const secrets = secretsWith(TOKEN);
  expect(secrets.mask(`{"token":"${TOKEN.slice(0, 20)}…`)).toBe('{"token":"<secret>…');
  expect(secrets.isIn(TOKEN.slice(-16))).toBe(true);
});

test('leaves other text alone, and short secrets with it', () => {
  const secrets = secretsWith(TOKEN, 'ada');
  const text = 'ada has a JWT, and Access-Control-Allow-Origin: http://ada.example';
  expect(secrets.mask(text)).toBe(text);
  expect(secrets.isIn(text)).toBe(false);
});
