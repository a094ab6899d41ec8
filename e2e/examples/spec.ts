import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFailed,
  test,
} from 'vitest';
import { type Front, startFront } from '../front.ts';
import { type Server, startServer } from '../server.ts';
import { type App, type Example, runIn, startApp } from './app.ts';
import { type Chat, openChat } from './chat.ts';

/**
 * What every example does, when it is built and while it is developed.
 *
 * @param getFolder Where a copy of it is, installed, that may be edited.
 * @param getBrowser What to look at it with.
 */
export function describeExample(
  example: Example,
  getFolder: () => Promise<string>,
  getBrowser: () => Browser,
): void {
  describe(example.name, () => {
    let front: Front;
    let folder: string;

    beforeAll(async () => {
      [front, folder] = await Promise.all([startFront(), getFolder()]);
    });
    afterAll(() => front?.stop());

    // In this order: a tool that is ended while it develops may leave files that would not build.
    describe.each(['built', 'developed'] as const)('%s', (mode) => {
      let app: App;
      let server: Server;
      let context: BrowserContext;

      beforeAll(async () => {
        // Known when the app is built, and so before the server: that has to know the app's origin.
        const env = { [example.variable]: front.url };
        if (mode === 'built') await runIn(folder, example.build, env);
        app = await startApp(folder, mode === 'built' ? example.serve : example.dev, env);
        server = await startServer({ ORIGINS: app.url });
        front.target = server.url;
        if (mode === 'developed') await warmUp();
      }, 300_000);
      afterAll(async () => {
        await Promise.all([app?.stop(), server?.stop()]);
      });
      beforeEach(async () => {
        context = await getBrowser().newContext();
        front.reset();
      });
      afterEach(() => context.close());

      /** What is asked for first takes long where pages are made when they are asked for. */
      async function warmUp(): Promise<void> {
        const page = await getBrowser().newPage();
        const paths = example.isServerRendered ? ['/about', '/'] : ['/'];
        for (const path of paths) await page.goto(app.url + path, { timeout: 120_000 });
        await page.getByTestId('login').waitFor();
        await page.close();
      }

      /** Logged in, ready, and heard. */
      async function enter(user: string): Promise<Chat> {
        const chat = await openChat(context, app.url);
        onTestFailed(() => console.error(chat.complaints.join('\n'), app.output()));
        await chat.logIn(user);
        await chat.until('ready');
        await chat.say(`${user} is here`);
        return chat;
      }

      /** Nobody reconnects, not even after the second in which a socket waits for another holder. */
      async function expectOne(chat: Chat): Promise<void> {
        await chat.hear(6);
        expect(chat.connections).toMatchObject([{ token: chat.tokens[0], isOpen: true }]);
        expect(chat.tokens).toHaveLength(1);
        expect(front.passages).toHaveLength(1);
        expect(chat.complaints).toEqual([]);
      }

      test('has one socket with one token, on every route and in every room', async () => {
        const chat = await enter('ada');
        await chat.goTo('About');
        await chat.page.getByText('shares the socket of the chat, which is ready').waitFor();
        await chat.goTo('Chat');
        await chat.enter('garden');
        await chat.say('in the garden');
        await chat.messages
          .filter({ hasText: /broadcast message/ })
          .first()
          .waitFor();
        expect(await chat.messages.filter({ hasText: 'ada is here' }).count()).toBe(0);
        await expectOne(chat);
      });

      test('takes nothing of a user along to the next', async () => {
        const chat = await enter('ada');
        await chat.logOut();
        await chat.logIn('bob');
        await chat.until('ready');
        await chat.say('bob is here');
        expect(await chat.messages.filter({ hasText: 'ada' }).count()).toBe(0);

        const [former, own] = chat.connections;
        expect(chat.connections).toHaveLength(2);
        expect(former?.isOpen).toBe(false);
        expect(chat.tokens).toEqual([former?.token, own?.token]);
        expect(subject(former?.sent[0])).toBe('ada');
        expect(subject(own?.sent[0])).toBe('bob');
        expect(chat.complaints).toEqual([]);
      });

      if (example.isServerRendered) {
        test('is rendered by a server that opens nothing, and taken over without a warning', async () => {
          const { page } = await enter('ada');
          const minted = await count(server, 'two_stage_tokens_total');
          front.reset();
          const html = await (await context.request.get(app.url)).text();
          expect(html).toMatch(/<output[^>]*>(<!--.*?-->)*idle/);
          expect(html).toContain('Log out');
          expect(await count(server, 'two_stage_tokens_total')).toBe(minted);
          expect(front.passages).toEqual([]);

          await page.close();
          await context.addInitScript(noteStatus);
          const chat = await openChat(context, app.url);
          await chat.until('ready');
          await chat.say('rendered before');
          expect(await chat.page.evaluate(isStatusNoted)).toBe(true);
          await expectOne(chat);
        });
      }

      if (mode === 'developed') {
        test('keeps its socket when its page is edited', async () => {
          const chat = await enter('ada');
          const file = join(folder, example.page);
          const source = await readFile(file, 'utf8');
          const markup = source.replace('<h1>Chat</h1>', '<h1>Chat, edited</h1>');
          await replaceFile(file, markup);
          await chat.page.getByRole('heading', { name: 'Chat, edited' }).waitFor();
          await chat.say('after the markup');
          await replaceFile(file, markup.replace("'garden'", "'garden', 'attic'"));
          await chat.page.locator('option', { hasText: 'attic' }).waitFor({ state: 'attached' });
          await chat.say('after the script');
          await expectOne(chat);
        });
      }
    });
  });
}

/**
 * Notes the element that the server has rendered, before scripts of the app see it: not every
 * framework warns when it throws such a one away.
 */
function noteStatus(): void {
  new MutationObserver((_, observer) => {
    const status = document.querySelector('[data-testid="status"]');
    if (!status) return;
    Object.assign(status, { isNoted: true });
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
}

function isStatusNoted(): boolean {
  const status = document.querySelector('[data-testid="status"]');
  return status !== null && 'isNoted' in status;
}

/** As editors do: at no moment is there a file with half of it, for a watcher to read. */
async function replaceFile(file: string, content: string): Promise<void> {
  const draft = join(tmpdir(), `${randomUUID()}.draft`);
  await writeFile(draft, content);
  await rename(draft, file);
}

/** Whom the JWT of an init payload is about. */
function subject(frame = ''): string | undefined {
  const [, claims = ''] = JSON.parse(frame).token.split('.');
  return JSON.parse(Buffer.from(claims, 'base64url').toString()).sub;
}

/** The sum of a counter of the server's. */
async function count(server: Server, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
