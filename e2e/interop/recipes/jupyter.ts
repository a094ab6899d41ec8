import type { Options } from '@two-stage-socket/core';

/** The kernel of a notebook on a Jupyter server, which starts one where there is none. */
export function jupyter(app: {
  baseUrl: string;
  path: string;
  /** One for the life of the client: what the kernel says between two connections waits for it. */
  sessionId: string;
  getApiToken: () => string | Promise<string>;
}) {
  return {
    getToken: async ({ signal }) => {
      const token = await app.getApiToken();
      const headers = { Authorization: `token ${token}`, 'Content-Type': 'application/json' };
      const body = JSON.stringify({ path: app.path, name: '', type: 'notebook', kernel: {} });
      const request = { method: 'POST', headers, body, signal };
      const response = await fetch(new URL('api/sessions', app.baseUrl), request);
      // Only here is a bad token a 403; a refused upgrade says nothing.
      if (!response.ok) throw response;
      const url = `api/kernels/${(await response.json()).kernel.id}/channels`;
      const query = new URLSearchParams({ token, session_id: app.sessionId });
      return { url: new URL(`${url}?${query}`, app.baseUrl).href };
    },
  } satisfies Options<any, any>;
}
