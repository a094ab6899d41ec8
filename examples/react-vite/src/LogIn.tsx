import { useActionState } from 'react';
import { logIn, type Session } from './session.ts';

export function LogIn({ onLogIn }: { onLogIn: (session: Session) => void }) {
  const [problem, action, isPending] = useActionState(async (_: string, form: FormData) => {
    try {
      onLogIn(await logIn(String(form.get('username')), String(form.get('password'))));
      return '';
    } catch (error) {
      return String(error);
    }
  }, '');
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
