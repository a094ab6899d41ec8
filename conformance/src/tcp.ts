import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Opens a network connection to where a URL is. Rejects with the system's error. */
export function openTcp(url: URL): Promise<Socket> {
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const socket = isSecure
    ? // RFC 6066, section 3: an address is no server name.
      connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
    : connect({ host, port, noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject);
      // A reset is one of the ways to end; `close` follows.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
