import type { Options } from '@two-stage-socket/core';

const final = /^(not_authed|invalid_auth|account_inactive|user_removed_from_team|team_disabled)$/;

/** Socket Mode. Yours to do: acknowledge each `envelope_id`, and `reconnect()` when told to `disconnect`. */
export function slack(app: { api: string; getAppToken: () => string | Promise<string> }) {
  return {
    getToken: async ({ signal }) => {
      const headers = { Authorization: `Bearer ${await app.getAppToken()}` };
      const init = { method: 'POST', headers, signal };
      const response = await fetch(`${app.api}/apps.connections.open`, init);
      if (!response.ok) throw response;
      const { ok, url, error } = await response.json();
      if (ok) return { url };
      throw Object.assign(new Error(error), final.test(error) && { status: 401 });
    },
    isReady: (message: any) => message?.type === 'hello',
  } satisfies Options<any, any>;
}
