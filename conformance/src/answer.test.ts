import { expect, test } from 'vitest';
import { readAnswer } from './answer.ts';

const bytes = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'));

test('reads an answer with a length, and no further', () => {
  const answer = readAnswer(bytes('HTTP/1.1 401 Unauthorized\nContent-Length: 2\n\n{}'), false);
  expect(answer).toMatchObject({ status: 401, body: '{}' });
  expect(answer?.headers.get('content-length')).toBe('2');
});

test('reads chunks', () => {
  const text = 'HTTP/1.1 503 Busy\nTransfer-Encoding: chunked\n\n2\n{}\n1\n \n0\n\n';
  expect(readAnswer(bytes(text), false)?.body).toBe('{} ');
});

test('reads a body of unknown length once the connection has ended', () => {
  const text = bytes('HTTP/1.1 401 Unauthorized\n\nno');
  expect(readAnswer(text, false)).toBeUndefined();
  expect(readAnswer(text, true)?.body).toBe('no');
});

test('waits for what is not there yet', () => {
  expect(readAnswer(bytes('HTTP/1.1 401 Unauthorized\nContent-Len'), false)).toBeUndefined();
  const half = bytes('HTTP/1.1 401 Unauthorized\nContent-Length: 5\n\n{');
  expect(readAnswer(half, false)).toBeUndefined();
});

test('leaves the date out of what is compared', () => {
  const at = (date: string) =>
    readAnswer(bytes(`HTTP/1.1 401 No\nDate: ${date}\nContent-Length: 0\n\n`), false)?.bytes;
  expect(at('Sun, 06 Nov 1994 08:49:37 GMT')).toEqual(at('Sun, 06 Nov 1994 08:49:38 GMT'));
});
