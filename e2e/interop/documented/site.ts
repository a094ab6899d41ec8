import type { IncomingMessage, ServerResponse } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Host, openHost } from '../services/host.ts';

/** What is special to a service of which there is only a fake here. */
export interface Site {
  /** Answers a REST call, whose body has been read. */
  answer?(asked: IncomingMessage, body: string, answer: ServerResponse): void;
  /** The HTTP status that refuses an upgrade; `undefined` where it is accepted. */
  refuses?(url: URL, asked: IncomingMessage): number | undefined;
  accept(ws: WebSocket, url: URL): void;
}

/** A fake that listens on 127.0.0.1. */
export function listen({ answer, refuses, accept }: Site): Promise<Host> {
  return openHost((http) => {
    const upgrader = new WebSocketServer({ noServer: true });
    http.on('request', async (asked, response) => {
      let body = '';
      for await (const chunk of asked) body += chunk;
      if (answer) answer(asked, body, response);
      else response.writeHead(404).end();
    });
    http.on('upgrade', (asked, tcp, head) => {
      const url = new URL(asked.url ?? '', `http://${asked.headers.host}`);
      const status = refuses?.(url, asked);
      if (status) tcp.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
      else upgrader.handleUpgrade(asked, tcp, head, (ws) => accept(ws, url));
    });
  });
}

/** Answers a REST call with JSON. */
export function json(answer: ServerResponse, status: number, content: unknown): void {
  answer.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content));
}

/** The JSON of a text frame; `undefined` where there is none. */
export function parse(data: unknown, isBinary: boolean): any {
  try {
    return isBinary ? undefined : JSON.parse(String(data));
  } catch {
    return undefined;
  }
}

/** Calls `callback` after `ms`, unless the connection ends first. Returns what calls that off. */
export function later(ws: WebSocket, ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  const off = () => clearTimeout(timer);
  ws.once('close', off);
  return off;
}
