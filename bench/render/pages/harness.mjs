/**
 * What all pages share: where to connect, what to fold, and the functions that components draw through,
 * which count. The bench drives it as `globalThis.bench`.
 */
const query = new URLSearchParams(location.search);

export const url = query.get('url');
/** What the page shows: `last`, `list` or `shared`. */
export const view = query.get('view');
const cost = Number(query.get('cost'));
const lastId = Number(query.get('lastId'));
const isPacked = query.has('packed');

/** The messages that a frame holds. */
export const unpack = isPacked ? JSON.parse : (text) => [JSON.parse(text)];

/** What is known of the messages so far: the sum of their ids tells losses that the count does not. */
export const nothing = { last: undefined, count: 0, sum: 0 };
export const fold = ({ count, sum }, message) => ({
  last: message,
  count: count + 1,
  sum: sum + message.id,
});

/** What variants that fold do so with, and where they begin. */
export const [reducer, initial] =
  view === 'list' ? [(list, message) => [...list, message], []] : [fold, nothing];

/** The socket by hand. */
export function open(onMessage, onStatus) {
  const ws = new WebSocket(url);
  ws.onopen = () => onStatus?.('open');
  ws.onclose = () => onStatus?.('closed');
  ws.onmessage = ({ data }) => {
    for (const message of unpack(data)) onMessage(message);
  };
  return () => ws.close();
}

/** The bare fold, the lower bound: whatever comes in a frame, `show` is called once. */
export function openFold(show, onStatus) {
  let value = initial;
  let isAwaited = false;
  const onFrame = () => {
    isAwaited = false;
    show(value);
  };
  return open((message) => {
    value = reducer(value, message);
    if (!isAwaited) requestAnimationFrame(onFrame);
    isAwaited = true;
  }, onStatus);
}

let handled = nothing;
let shown;
let commits = 0;
let commitsOfOthers = 0;
let inFrame = 0;
let mostInFrame = 0;
let shownAt;
const finished = Promise.withResolvers();
/** What was thrown and not caught: libraries do so under load, and lose the message. */
const errors = [];
addEventListener('error', ({ message }) => errors.push(message));

/** For variants that have no fold: what their user does with a message, or with an array of them. */
export function handle(messages) {
  for (const message of Array.isArray(messages) ? messages : [messages]) {
    handled = fold(handled, message);
  }
}

/** Draws the last message, or the last of an array, and how many there were. */
export function draw({ last: messages, count, sum }) {
  const last = Array.isArray(messages) ? messages.at(-1) : messages;
  commit({ last, count, sum });
  return last ? `#${last.id} of ${count ?? handled.count}` : 'nothing yet';
}

/** Draws a list: to be called once for each render of it, as `drawRow` is for each of its rows. */
export function drawList(list) {
  commit({ last: list.at(-1), list });
  return list;
}
export const drawRow = ({ id, text }) => `#${id} ${text}`;

/** Draws a component that looks at no messages. */
export function drawOther(status) {
  commitsOfOthers++;
  return String(status);
}

function commit(state) {
  commits++;
  mostInFrame = Math.max(mostInFrame, ++inFrame);
  shown = state;
  if (cost) busy(cost);
  if (state.last?.id === lastId) awaitDom();
}

function busy(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Called when the last message is drawn: it is in the DOM within this task, or one soon after. */
function awaitDom() {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const element = document.querySelector(view === 'list' ? 'li:last-child' : 'p');
    if (!element?.textContent.startsWith(`#${lastId} `)) return port2.postMessage('');
    port1.close();
    shownAt ??= performance.timeOrigin + performance.now();
    finished.resolve();
  };
  port2.postMessage('');
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function countFrames() {
  inFrame = 0;
  requestAnimationFrame(countFrames);
}

globalThis.bench = {
  hidden: () => document.visibilityState === 'hidden',
  /** From here on it counts. */
  async begin() {
    await wait(100);
    commits = commitsOfOthers = mostInFrame = 0;
    countFrames();
  },
  /** What happened, once the last message is shown and whatever that has set off is over. */
  async result() {
    const late = wait(30_000).then(() => {
      const found = errors[0] ?? document.body.textContent.slice(0, 200);
      throw new Error(`The last message was not shown: ${found}`);
    });
    await Promise.race([finished.promise, late]);
    await wait(50);
    const { list } = shown;
    if (list && list.length !== document.querySelectorAll('li').length) {
      throw new Error(`A list of ${list.length} has another number of rows`);
    }
    const { count, sum } =
      list?.reduce(fold, nothing) ?? (shown.count === undefined ? handled : shown);
    return { seen: count, sum, commits, mostInFrame, commitsOfOthers, errors, shownAt };
  },
};
