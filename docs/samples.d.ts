// What the samples take for granted: an app has its own login, and these stand for what it gives.
// All code in the documents is compiled with this, and with nothing else that cannot be read in them:
// a sample without imports of its own goes on where those before it on its page left off.

interface Session {
  readonly userId: string;
  readonly jwt: string;
}

declare const session: Session;
