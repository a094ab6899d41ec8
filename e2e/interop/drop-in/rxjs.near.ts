import { firstValueFrom, type Observable, retry, Subject, tap } from 'rxjs';
import { webSocket } from 'rxjs/webSocket';
import { holdDrops } from './drops.ts';
import { serve } from './server.ts';

interface Message {
  readonly topic: string;
  readonly text: string;
}

/** Says what was subscribed to, and which of its connections it is by; echoes the rest. */
const start = () =>
  serve((server) => {
    let connections = 0;
    server.on('connection', (ws) => {
      const text = `connection ${connections}`;
      connections += 1;
      ws.on('message', (frame) => {
        const message = JSON.parse(String(frame));
        ws.send(JSON.stringify(message.subscribe ? { topic: message.subscribe, text } : message));
      });
    });
  });

holdDrops({
  name: 'rxjs',
  refusals: 3,
  start,
  async run({ WebSocket, url, log }) {
    const opened = new Subject<Event>();
    const first = firstValueFrom(opened);
    const closed = new Subject<CloseEvent>();
    closed.subscribe(({ code, reason, wasClean }) => log.add({ code, reason, wasClean }));
    const socket = webSocket<any>({
      url,
      WebSocketCtor: WebSocket,
      openObserver: opened,
      closeObserver: closed,
    });
    const topic = (name: string): Observable<Message> =>
      socket.multiplex(
        () => ({ subscribe: name }),
        () => ({ unsubscribe: name }),
        (message) => message.topic === name,
      );
    const subscription = topic('news')
      .pipe(tap({ error: ({ type }) => log.add({ error: type }) }), retry({ delay: 10 }))
      .subscribe(({ text }) => log.add(text));
    await first;
    return {
      isBack: () => firstValueFrom(opened),
      async use(drops) {
        await log.has(`connection ${drops}`);
        socket.next({ topic: 'news', text: `echo ${drops}` });
        await log.has(`echo ${drops}`);
      },
      async stop() {
        const isClosed = firstValueFrom(closed);
        subscription.unsubscribe();
        await isClosed;
      },
    };
  },
});
