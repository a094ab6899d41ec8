import { expect, test } from 'vitest';
import { createLog } from './log.ts';

function capture() {
  const lines: string[] = [];
  return { lines, log: createLog('trace', { write: (line) => void lines.push(line) }) };
}

test('S11 whoever logs a request or a payload logs no secret', () => {
  const { lines, log } = capture();
  const token = 'SECRET';
  log.info({ token }, 'top');
  log.info({ jwt: token, payload: { type: 'jwt', token } }, 'payload');
  log.info(
    { request: { url: `/demo?token=${token}`, headers: { authorization: `Bearer ${token}` } } },
    'request',
  );
  log.info({ answer: { data: { token } } }, 'answer');
  expect(lines).toHaveLength(4);
  expect(lines.join('')).not.toContain(token);
});

test('S11 an error is logged with its name, code and stack, without what it quotes', () => {
  const { lines, log } = capture();
  let caught: unknown;
  try {
    JSON.parse('{"token":SECRET}');
  } catch (error) {
    caught = error;
  }
  log.error({ error: caught }, 'failed');
  const failed = Object.assign(new Error('SECRET\n    at SECRET'), {
    code: 'E_FAILED',
    token: 'SECRET',
  });
  log.error({ error: failed }, 'failed');
  log.error({ error: 'SECRET' }, 'failed');
  expect(lines.join('')).not.toContain('{"token":SECRET}');
  expect(lines[0]).toContain('SyntaxError');
  expect(lines[0]).toContain('log.test.ts');
  expect(lines[1]).toContain('E_FAILED');
  expect(lines.join('')).not.toContain('SECRET');
});
