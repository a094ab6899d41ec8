import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { inspect, report, showDevtools } from '../devtools.ts';
import { type Rig, rig, settle } from '../testing/fakes.test.util.ts';
import { maxAttemptRecords, maxRows } from './timeline.ts';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
const violations: string[] = [];

// Every test runs under a policy that allows no style and no HTML that comes from a string.
beforeAll(() => {
  document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => {
    violations.push(violatedDirective);
  });
  const meta = document.createElement('meta');
  meta.httpEquiv = 'Content-Security-Policy';
  meta.content = "style-src 'none'; require-trusted-types-for 'script'";
  document.head.append(meta);
});

beforeEach(() => {
  violations.length = 0;
});

afterEach(() => {
  document.querySelector('two-stage-devtools')?.remove();
  expect(violations).toEqual([]);
});

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** An open panel in the page, and what one can see of it. */
function open(attributes: Readonly<Record<string, string>> = { open: '' }) {
  const element = document.createElement('two-stage-devtools');
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  document.body.append(element);
  const root = () => element.shadowRoot as ShadowRoot;
  const find = <E extends HTMLElement>(selector: string) => root().querySelector<E>(selector);
  return {
    element,
    root,
    find,
    all: (selector: string) => [...root().querySelectorAll<HTMLElement>(selector)],
    button: (name: string) =>
      [...root().querySelectorAll('button')].find(({ textContent }) =>
        textContent?.includes(name),
      ) as HTMLButtonElement,
    /** What is shown, once what has happened is drawn: for a change of an attribute that is at once. */
    async text() {
      element.setAttribute('docs', element.getAttribute('docs') ?? '');
      await frame();
      await frame();
      const body = find('section');
      // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not to be read
      return body?.innerText ?? '';
    },
  };
}

function inspected(name: string, options: Parameters<typeof rig>[0] = {}, messages = false): Rig {
  const r = rig(options);
  onTestFinished(inspect(r.socket, { name, messages }));
  return r;
}

test('shows attempts with their stages, failures, waits and messages', async () => {
  const r = inspected('chat', { retry: { initialDelay: 60_000, maxDelay: 60_000 } });
  const panel = open();
  expect(await panel.text()).toContain('Nothing has happened yet.');

  await r.become('ready');
  r.last().say({ type: 'chat', text: 'hi' });
  r.socket.send('hello');
  let text = await panel.text();
  expect(text).toMatch(/chat\s+Ready/);
  expect(text).toMatch(/Attempt 1[\s\S]*Ready for .*original[\s\S]*Token[\s\S]*Connect[\s\S]*Init/);
  expect(text).toContain('Messages: 1 in, 1 out; contents are not shown.');
  expect(panel.all('.bar rect')).toHaveLength(3);
  panel.button('Messages: 1 in, 1 out').click();
  text = await panel.text();
  expect(text).toContain('object { type, text }');
  expect(text).toContain('text of 5');

  r.last().drop(4429);
  text = await panel.text();
  expect(text).toMatch(/then failed[\s\S]*server-busy stage ready, close code 4429/);
  expect(text).toMatch(/Waits after server-busy/);
  expect(text).not.toContain('hello');
});

test('counts a wait down while one looks', async () => {
  const now = Date.now();
  const r = inspected('chat', { environment: { ...rig().world, now: () => now } });
  const panel = open();
  (await r.dial()).drop();
  const left = async () => Number(/([\d.]+) (?:m?s) left/.exec(await panel.text())?.[1]);
  const before = await left();
  await expect.poll(left).not.toBe(before);
  expect(panel.find('progress')?.hidden).toBe(false);
});

test('shows a renewal that failed in the attempt that goes on', async () => {
  const decode = () => {
    throw new TypeError('s3cr3t');
  };
  const r = inspected('chat', { initPayload: undefined, codec: { encode: String, decode } });
  await r.become('ready');
  const panel = open();
  r.last().say('x');
  r.last().say('x');
  const text = await panel.text();
  expect(text).toMatch(/frame-invalid stage ready, caused by a TypeError 2 times in this second/);
  expect(text).not.toContain('s3cr3t');
});

describe('secrets', () => {
  const secret = 's3cr3t-s3cr3t';
  /** A socket that has one wherever one can be. */
  async function confess(messages: boolean): Promise<Rig> {
    const r = inspected(
      `chat ${jwt}`,
      {
        url: `wss://ada:${secret}@own.test/${secret}?key=${secret}`,
        getToken: () => ({ token: secret, jwt, [secret]: secret }),
        initPayload: () => ({ type: 'jwt', token: jwt, secret }),
        retry: { initialDelay: 0, minDelay: 0 },
      },
      messages,
    );
    await r.become('ready');
    for (const message of [
      { token: secret, headers: { authorization: `Bearer ${secret}` } },
      { type: 'auth', data: { deep: [secret] } },
      { text: jwt, [jwt]: 1 },
      `token=${secret}`,
      JSON.stringify({ password: secret }),
      `see wss://a.test/?x=${secret}`,
    ]) {
      vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 1000);
      r.last().say(message);
      r.socket.send(message);
    }
    vi.restoreAllMocks();
    r.last().drop(1011, secret);
    const cause = Object.assign(new TypeError(secret), { name: secret, secret, jwt });
    r.socket.configure({ getToken: () => Promise.reject(cause), url: `wss://own.test/?${secret}` });
    r.socket.send({ token: secret });
    r.socket.reconnect();
    await settle();
    r.socket.configure({ getToken: () => Promise.reject(Object.assign(cause, { status: 401 })) });
    r.socket.reconnect();
    await settle();
    return r;
  }

  test.each([false, true])('are nowhere, with messages: %s', async (messages) => {
    const r = await confess(messages);
    expect(r.dialled[0]?.url).toContain(secret);
    const panel = open();
    await panel.text();
    for (const button of panel.all('.messages[aria-expanded="false"]')) button.click();
    const text = await panel.text();
    expect(text).toMatch(/unauthorized stage token, HTTP 401/);
    expect(text).toContain(messages ? '•••' : 'object { token, headers }');

    const written = vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error());
    onTestFinished(() => written.mockRestore());
    panel.button('Copy report').click();
    await expect.poll(() => panel.find<HTMLTextAreaElement>('textarea')?.value).toBeTruthy();
    const seen = [
      ...[text, panel.root().innerHTML, report(), panel.element.outerHTML],
      ...[panel.find<HTMLTextAreaElement>('textarea')?.value, written.mock.calls[0]?.[0]],
    ].join();
    for (const part of [
      's3cr3t',
      'eyJ',
      jwt.split('.')[1],
      jwt.split('.')[2],
      'own.test',
      'Bearer s',
    ]) {
      expect(seen).not.toContain(part);
    }
    // Of messages, a report has not even the shape.
    expect(report()).not.toMatch(/object|headers|password/);
  });
});

describe('ten thousand messages', () => {
  test('make a few nodes', async () => {
    const r = inspected('chat', {}, true);
    await r.become('ready');
    const panel = open();
    await panel.text();
    const before = panel.all('*').length;
    for (let n = 0; n < 10_000; n += 1) r.last().say({ n });
    expect(await panel.text()).toContain('10,000 in');
    expect(panel.all('*').length - before).toBeLessThan(40);
  });

  test('are drawn ten times a second at most, and only where they can be seen', async () => {
    const r = inspected('chat');
    await r.become('ready');
    const panel = open();
    const drawn = vi.spyOn(window, 'requestAnimationFrame');
    onTestFinished(() => drawn.mockRestore());
    const total = () => panel.find('.totals')?.textContent;
    await expect.poll(total).toBe('No messages yet.');
    drawn.mockClear();
    const started = performance.now();
    for (let n = 1; n <= 10_000; n += 1) {
      r.last().say({ n });
      if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await expect.poll(total).toContain('10,000 in');
    const longest = (performance.now() - started) / 100 + 2;
    expect(drawn.mock.calls.length).toBeGreaterThan(0);
    expect(drawn.mock.calls.length).toBeLessThanOrEqual(longest);

    panel.element.hidden = true;
    let said = 10_000;
    const say = () => {
      said += 1;
      r.last().say('x');
    };
    const told = () => `Messages: ${said.toLocaleString('en')} in`;
    // The browser tells of it when it likes, and a drawing may be on its way.
    const staysAsItIs = async () => {
      const before = total();
      say();
      for (let frames = 0; frames < 15; frames += 1) await frame();
      return total() === before;
    };
    await expect.poll(staysAsItIs, { timeout: 5000 }).toBe(true);
    panel.element.hidden = false;
    await expect.poll(total).toContain(told());

    panel.element.remove();
    expect(await staysAsItIs()).toBe(true);
    document.body.append(panel.element);
    await expect.poll(total).toContain(told());
  });

  test('and a thousand attempts are not all kept', async () => {
    const r = inspected('chat', {}, true);
    const panel = open();
    for (let n = 0; n < 1000; n += 1) r.socket.reconnect();
    await panel.text();
    expect(panel.all('.attempt')).toHaveLength(maxAttemptRecords);
    expect(maxRows).toBeLessThan(100);
  });
});

describe('several sockets', () => {
  test('are tabs, that the keyboard goes through', async () => {
    const [a, b] = [inspected('a'), inspected('b')];
    await a.become('ready');
    const panel = open();
    await panel.text();
    const tabs = () =>
      panel
        .all('[role="tab"]')
        .map((tab) => [tab.textContent, tab.ariaSelected, tab.tabIndex] as const);
    expect(tabs()).toEqual([
      ['a Ready', 'true', 0],
      ['b Idle', 'false', -1],
    ]);
    const press = (key: string) =>
      panel
        .root()
        .activeElement?.dispatchEvent(
          new KeyboardEvent('keydown', { key, bubbles: true, composed: true }),
        );
    panel.find('[role="tab"]')?.focus();
    press('ArrowRight');
    expect(await panel.text()).toContain('Nothing has happened yet.');
    expect(tabs()[1]).toEqual(['b Idle', 'true', 0]);
    expect(panel.root().activeElement?.textContent).toBe('b Idle');
    const view = panel.find('[role="tabpanel"]');
    expect(view?.getAttribute('aria-labelledby')).toBe(panel.root().activeElement?.id);
    await b.become('ready');
    expect(await panel.text()).toContain('Attempt 1');
    press('ArrowRight');
    await panel.text();
    expect(panel.root().activeElement?.textContent).toBe('a Ready');
    press('End');
    press('Home');
    await panel.text();
    expect(tabs()[0]).toEqual(['a Ready', 'true', 0]);
  });

  test('go when they are no longer inspected, and one inspected twice is one', async () => {
    const r = rig();
    const first = inspect(r.socket, { name: 'twice' });
    const second = inspect(r.socket, { name: 'twice' });
    const panel = open();
    await panel.text();
    expect(panel.all('[role="tab"]')).toHaveLength(1);
    first();
    first();
    await panel.text();
    expect(panel.all('[role="tab"]')).toHaveLength(1);
    second();
    expect(await panel.text()).toContain('No socket yet');
    expect(panel.all('[role="tab"]')).toHaveLength(0);
  });

  test('are twenty at most', async () => {
    for (let n = 1; n <= 25; n += 1) inspected(`socket-no-${n}`);
    const panel = open();
    await panel.text();
    expect(panel.all('[role="tab"] strong').map(({ textContent }) => textContent)).toEqual(
      Array.from({ length: 20 }, (_, index) => `socket-no-${index + 6}`),
    );
  });
});

describe('the element', () => {
  test('opens and closes, by button and by attribute', async () => {
    inspected('chat');
    const panel = open({});
    expect(await panel.text()).toBe('Two-Stage Socket devtools\nchat: Idle');
    const toggle = panel.find('button[aria-expanded]');
    expect(toggle?.ariaExpanded).toBe('false');
    toggle?.click();
    expect(await panel.text()).toContain('Copy report');
    expect([toggle?.ariaExpanded, panel.element.hasAttribute('open')]).toEqual(['true', true]);
    panel.element.removeAttribute('open');
    expect(await panel.text()).not.toContain('Copy report');
  });

  test('is styled under a policy that allows no style, and follows the page', async () => {
    inspected('chat');
    const panel = open();
    await panel.text();
    const paper = () => getComputedStyle(panel.find('section') as Element).backgroundColor;
    expect(paper()).toBe('rgb(255, 255, 255)');
    panel.element.style.colorScheme = 'dark';
    expect(paper()).toBe('rgb(21, 26, 36)');
    expect(panel.all('[style], style')).toEqual([]);

    // Were it otherwise, the policy would say so.
    document.createElement('p').setAttribute('style', 'color: red');
    await expect.poll(() => violations.splice(0)).toEqual(['style-src-attr']);
  });

  test('links codes to the pages about them where it is told where they are', async () => {
    const r = inspected('chat');
    (await r.dial()).drop();
    const panel = open({ open: '', docs: 'https://docs.test/two-stage/' });
    await panel.text();
    const link = () => panel.find<HTMLAnchorElement>('.failure a');
    expect(link()?.href).toBe('https://docs.test/two-stage/errors/connect-failed');
    panel.element.setAttribute('docs', 'javascript:alert(1)//');
    await panel.text();
    expect(link()?.hasAttribute('href')).toBe(false);
  });

  test('copies the report', async () => {
    const r = inspected('chat');
    await r.become('ready');
    const written = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
    onTestFinished(() => written.mockRestore());
    const panel = open();
    await panel.text();
    panel.button('Copy report').click();
    await expect.poll(() => panel.find('[role="status"]')?.textContent).toMatch(/^Copied/);
    expect(written.mock.calls[0]?.[0]).toMatch(
      /### chat: ready[\s\S]*attempt 1[\s\S]*authenticating/,
    );
  });

  test('shows the report to be copied by hand where the page may not', async () => {
    inspected('chat');
    const written = vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error());
    onTestFinished(() => written.mockRestore());
    const panel = open();
    await panel.text();
    panel.button('Copy report').click();
    await expect.poll(() => panel.root().activeElement?.localName).toBe('textarea');
    const area = panel.find<HTMLTextAreaElement>('textarea');
    expect(area?.value.slice(area.selectionStart, area.selectionEnd)).toContain('### chat: idle');
    panel.button('Done').click();
    expect(area?.checkVisibility()).toBe(false);
    expect(panel.root().activeElement).toBe(panel.button('Copy report'));
  });

  test('is cleared of what lies behind', async () => {
    const r = inspected('chat');
    (await r.dial()).drop();
    r.socket.close();
    const panel = open();
    expect(await panel.text()).toContain('connect-failed');
    panel.button('Clear').click();
    expect(await panel.text()).toContain('Nothing has happened yet.');
  });

  test.each([320, 380, 1200])('fits into %i pixels', async (width) => {
    const r = inspected('a-socket-with-a-rather-long-name', {}, true);
    inspected('another');
    await r.become('ready');
    r.last().say({ text: 'word '.repeat(100), [`k${'x'.repeat(60)}`]: 'y'.repeat(200) });
    r.last().drop();
    const panel = open();
    panel.element.style.width = `${width}px`;
    await panel.text();
    for (const node of panel.all('section, .body, .view, .attempt')) {
      expect(node.scrollWidth).toBeLessThanOrEqual(node.clientWidth);
    }
  });
});

describe('showDevtools', () => {
  test('puts one into the corner of the page, once', async () => {
    const element = showDevtools();
    expect(showDevtools({ open: true })).toBe(element);
    expect(document.querySelectorAll('two-stage-devtools')).toHaveLength(1);
    expect(element?.hasAttribute('open')).toBe(true);
    await frame();
    const box = element?.getBoundingClientRect();
    expect(getComputedStyle(element as Element).position).toBe('fixed');
    expect(Math.round(innerWidth - (box?.right ?? 0))).toBe(12);
  });

  test('leaves it to the page where the page has one', () => {
    const { element } = open({});
    expect(showDevtools()).toBe(element);
    expect(element.hasAttribute('floating')).toBe(false);
  });
});
