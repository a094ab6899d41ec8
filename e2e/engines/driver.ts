import { execFileSync } from 'node:child_process';

/** What a page has said on its console, and what went wrong in it that nobody caught. */
export interface Said {
  readonly lines: readonly string[];
  readonly errors: readonly string[];
}

/** A page, and what the tests do to it: no more, so that every engine's driver can. */
export interface EnginePage {
  /** Calls a function in the page, which sees nothing but its arguments, and those must be JSON. */
  evaluate<Args extends unknown[], Result>(
    fn: (...args: Args) => Result | Promise<Result>,
    ...args: Args
  ): Promise<Result>;
  /** Clicks the first element that an XPath finds, as a person does. */
  click(xpath: string): Promise<void>;
  /** Types a text into the field that an XPath finds, in place of what is there. */
  fill(xpath: string, text: string): Promise<void>;
  /** Presses a key on whatever has the focus. */
  press(key: Key): Promise<void>;
  goto(url: string): Promise<void>;
  /** Goes back to the page before, wherever the engine takes that from. */
  back(): Promise<void>;
  /** Takes the network away, or gives it back. */
  setOffline(isOffline: boolean): Promise<void>;
  /** Brings it in front of the other tabs of its window. */
  show(): Promise<void>;
  said(): Promise<Said>;
  close(): Promise<void>;
}

export type Key = 'Enter' | 'Tab' | 'ArrowRight';

/** A browser that runs. */
export interface Engine {
  /** Opens a page that is visible. It may hide those that were opened before. */
  open(url: string): Promise<EnginePage>;
  /** Stops all of its processes, as the sleep of their machine does; what it returns wakes them. */
  sleep(): () => void;
  close(): Promise<void>;
}

/** What a test may need and a driver may lack. */
export type Ability = 'setOffline' | 'show';

/** An engine, and how it is come by and driven. */
export interface EngineKind {
  readonly name: 'Chromium' | 'Firefox' | 'WebKit';
  /** What its driver cannot do, and why. */
  readonly lacks: Readonly<Partial<Record<Ability, string>>>;
  /** Whether a connection opens for which subprotocols were offered and none was selected. */
  readonly opensUnselected: boolean;
  /** Whether it caches a page that is left while a WebSocket is open, which no page can close in time. */
  readonly cachesWebSockets: boolean;
  /** Runs in each page before its own scripts, for what its driver cannot see from outside. */
  readonly pageScript?: () => void;
  /** Why there is none to test in; nothing where there is one. */
  missing(): Promise<string | undefined>;
  launch(): Promise<Engine>;
}

/** A call of a function with its arguments, as an expression. */
export const toExpression = (fn: (...args: never[]) => unknown, args: readonly unknown[]): string =>
  `(${fn})(${args.map((arg) => JSON.stringify(arg)).join()})`;

/** Stops a process and all that it has started; what it returns lets them go on. */
export function pauseProcesses(root: number): () => void {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const parents = rows
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const pids = [root];
  for (const pid of pids) {
    for (const [child, parent] of parents) if (child && parent === pid) pids.push(child);
  }
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended since.
      }
    }
  };
  signal('SIGSTOP');
  return () => signal('SIGCONT');
}
