'use client';

import { useActionState } from 'react';
import { logIn } from './actions';

export function LogIn() {
  const [problem, action, isPending] = useActionState(logIn, '');
  return (
    <form action={action} data-testid="login">
      <input
        name="username"
        aria-label="Name"
        placeholder="Name"
        autoComplete="username"
        required
      />
      <input
        name="password"
        type="password"
        aria-label="Password"
        placeholder="Password"
        autoComplete="current-password"
        required
      />
      <button type="submit" disabled={isPending}>
        Log in
      </button>
      <p role="alert">{problem}</p>
    </form>
  );
}
