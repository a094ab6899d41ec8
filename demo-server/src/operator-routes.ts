import { json, type RequestHandler, Router } from 'express';
import type { Control } from './control.ts';
import { fail, succeed } from './envelope.ts';
import { allow, noStore, operatorOnly } from './middleware.ts';

/** What the operator can have done. Each takes a JSON object; `user` is left out for everybody. */
const actions: {
  readonly [path: string]: {
    readonly members: readonly ('user' | 'data')[];
    readonly run: (control: Control, order: { user: string; data: unknown }) => Promise<void>;
  };
} = {
  '/broadcast': { members: ['data'], run: (control, { data }) => control.broadcast(data) },
  '/send': {
    members: ['user', 'data'],
    run: (control, { user, data }) => control.send(user, data),
  },
  '/forbid': { members: ['user'], run: (control, { user }) => control.forbid(user) },
  '/readmit': { members: ['user'], run: (control, { user }) => control.readmit(user) },
};

/** The operator's routes: what can be done to all processes from outside, with a token of its own. */
export function operatorRoutes(control: Control, operatorToken: string): Router {
  const router = Router();
  router.use(noStore, operatorOnly(operatorToken));
  for (const [path, { members, run }] of Object.entries(actions)) {
    const handle: RequestHandler = async (request, response) => {
      const body: unknown = request.body;
      const order = typeof body === 'object' && body !== null ? body : {};
      const problem = problemOf(order, members);
      if (problem !== undefined) {
        fail(response, 400, problem);
        return;
      }
      await run(control, order as { user: string; data: unknown });
      succeed(response, { message: 'Done' });
    };
    router.all(path, allow('POST'), json({ limit: 65_536 }), handle);
  }
  return router;
}

function problemOf(order: object, members: readonly string[]): string | undefined {
  const missing = members.find((member) => !Object.hasOwn(order, member));
  if (missing !== undefined) return `Expected a JSON object with ${members.join(' and ')}`;
  const { user } = order as { user?: unknown };
  return members.includes('user') && typeof user !== 'string' ? '"user" is no string' : undefined;
}
