import { Sharing } from './Sharing';

/** Rendered on the server; only what looks at the socket is the client's. */
export default function AboutPage() {
  return (
    <main>
      <h1>About</h1>
      <p>
        This page shares the socket of the chat, <Sharing />.
      </p>
    </main>
  );
}
