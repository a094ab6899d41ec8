import { expect } from 'vitest';
import type { Engine, EnginePage } from './driver.ts';

/** How long what has to come may take, in ms: a slow machine needs it, what never comes costs it. */
const patience = 20_000;

/** A page of the demo with one panel. */
export interface Panel {
  readonly page: EnginePage;
  /** Waits until the panel says all of this at once: `status`, `failure`, `attempt`, `wire`. */
  until(state: Readonly<Record<string, string | number>>): Promise<void>;
  /** Waits until the timeline has a line like this one. */
  event(text: string | RegExp): Promise<void>;
  /** Waits until a message like this one has come in. */
  message(text: string | RegExp): Promise<void>;
  /** Waits until there are that many elements with such a text. */
  has(selector: string, text?: string | RegExp, count?: number): Promise<void>;
  /** The texts of all such elements. */
  texts(selector: string): Promise<string[]>;
  choose(legend: string, option: string): Promise<void>;
  press(button: string): Promise<void>;
  send(text: string): Promise<void>;
}

const panels = new Set<EnginePage>();

const byTestId = (id: string): string => `[data-testid="${id}"]`;

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const inPanel = (xpath: string): string => `//*[@data-testid="panel"]//${xpath}`;

/** Opens the demo, with the panel of one framework if the query says so, and waits until it is there. */
export async function openPanel(
  engine: Pick<Engine, 'open'>,
  url: string,
  query: Readonly<Record<string, string>>,
): Promise<Panel> {
  const page = await engine.open(`${url}/?${new URLSearchParams(query)}`);
  panels.add(page);
  const has: Panel['has'] = async (selector, text = '', count = 1) => {
    const pattern = typeof text === 'string' ? new RegExp(escapeRegExp(text), 'i') : text;
    const { source, flags } = pattern;
    const panel = await page.evaluate(waitInPage, selector, source, flags, count, patience);
    if (panel === undefined || panel === null) return;
    throw new Error(`No ${selector} with ${pattern} after ${patience} ms; there was: ${panel}`);
  };
  const panel: Panel = {
    page,
    has,
    until: (state) =>
      has(
        byTestId('panel') +
          Object.entries(state)
            .map(([name, value]) => `[data-${name}="${value}"]`)
            .join(''),
      ),
    event: (text) => has(byTestId('event'), text),
    message: (text) => has(byTestId('message'), text),
    texts: (selector) =>
      page.evaluate(
        (found) => [...document.querySelectorAll(found)].map((each) => each.textContent ?? ''),
        selector,
      ),
    choose: (legend, option) =>
      page.click(
        inPanel(
          `fieldset[legend[normalize-space()="${legend}"]]//label[normalize-space()="${option}"]`,
        ),
      ),
    press: (name) => page.click(inPanel(`button[normalize-space()="${name}"]`)),
    async send(text) {
      await page.fill(inPanel('*[@data-testid="draft"]'), text);
      await page.click(inPanel('*[@data-testid="send"]'));
    },
  };
  await panel.until({});
  return panel;
}

/**
 * Runs in the page: waits until it has that many elements with such a text. Resolves with nothing
 * then, and after `timeout` ms with what there is instead.
 */
function waitInPage(
  selector: string,
  source: string,
  flags: string,
  count: number,
  timeout: number,
): Promise<string | undefined> {
  const pattern = new RegExp(source, flags);
  const read = (element: Element) => (element.textContent ?? '').replace(/\s+/g, ' ').trim();
  const isThere = () =>
    [...document.querySelectorAll(selector)].filter((each) => pattern.test(read(each))).length >=
    count;
  return new Promise((resolve) => {
    const settle = (result?: string) => {
      observer.disconnect();
      clearTimeout(timer);
      resolve(result);
    };
    const observer = new MutationObserver(() => isThere() && settle());
    const timer = setTimeout(() => {
      const shown = [...document.querySelectorAll<HTMLElement>('[data-testid="panel"]')];
      settle(shown.map((panel) => JSON.stringify(panel.dataset) + read(panel)).join('\n'));
    }, timeout);
    observer.observe(document, {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true,
    });
    if (isThere()) settle();
  });
}

/** Checks that no page has said what it should not have, then closes and forgets them all. */
export async function closePanels(secrets: readonly string[]): Promise<void> {
  const pages = [...panels];
  panels.clear();
  const said = await Promise.all(
    pages.map(async (page) => {
      const { lines, errors } = await page.said();
      return { errors, text: [...lines, await page.evaluate(() => location.href)].join('\n') };
    }),
  );
  for (const page of pages) await page.close();
  for (const { errors, text } of said) {
    expect(errors).toEqual([]);
    for (const secret of secrets) expect(text).not.toContain(secret);
  }
}
