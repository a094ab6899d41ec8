import { expect, test } from 'vitest';
import { FakeWebSocket } from './fake-websocket.ts';

test.each([
  [1006, ['error', 'close 1006 false']],
  [1000, ['close 1000 true']],
  [4403, ['close 4403 true']],
])(
  'an end with %d tells of an error where no close frame came, as a browser does',
  (code, told) => {
    const ws = new FakeWebSocket('wss://a.test/');
    const events: string[] = [];
    ws.onerror = ({ type }) => events.push(type);
    ws.onclose = ({ type, code, wasClean }) => events.push(`${type} ${code} ${wasClean}`);
    ws.accept();
    ws.drop(code);
    expect(events).toEqual(told);
  },
);
