import { defineEnvVars } from '@sveltejs/kit/env';

export const variables = defineEnvVars({
  PUBLIC_SERVER: {
    public: true,
    description: 'The server of the sockets',
    schema: (value) => value ?? 'http://127.0.0.1:8080',
  },
});
