import { changeFaults, type Faults, readFaults } from './api.ts';
import { setSlowMotion } from './pace.ts';

/** The bar with the fault switches, which the page has in its HTML: no framework needed. */
export function mountFaults(): void {
  const form = document.querySelector('#faults') as HTMLFormElement;
  const details = form.closest('details') as HTMLDetailsElement;
  const bar = details.parentElement as HTMLElement;
  const summary = document.querySelector('.faults-summary') as HTMLElement;

  const scope = (): { user?: string } => {
    const user = new FormData(form).get('user');
    return user ? { user: String(user) } : {};
  };

  const show = (faults: Faults) => {
    for (const [name, value] of Object.entries(faults)) {
      const radios = [...form.querySelectorAll<HTMLInputElement>(`[name="${name}"]`)];
      for (const radio of radios) radio.checked = radio.value === String(value);
    }
    const wrong = [...form.querySelectorAll<HTMLInputElement>('input[type="radio"]:checked')]
      .filter(({ name, value }) => name !== 'user' && value !== 'ok' && value !== 'null')
      .map((radio) => `${legendOf(radio)} ${radio.nextElementSibling?.textContent}`);
    const { user } = scope();
    summary.textContent = `${wrong.join(', ') || 'Nothing goes wrong'}${user ? ` for ${user}` : ''}`;
    summary.dataset.wrong = String(wrong.length > 0);
  };

  let latest: Promise<Faults> | undefined;
  const run = async (work: Promise<Faults>) => {
    latest = work;
    try {
      const faults = await work;
      // An answer that was overtaken would switch back what was switched since.
      if (work !== latest) return;
      show(faults);
      enable(true);
    } catch (error) {
      if (work !== latest) return;
      const isOff = (error as { status?: number }).status === 404;
      if (isOff) enable(false);
      summary.textContent = isOff
        ? 'Off: start the server with FAULTS=1'
        : 'The server does not answer';
      summary.dataset.wrong = 'true';
    }
  };

  const enable = (isOn: boolean) => {
    for (const control of form.querySelectorAll<HTMLInputElement>('input, button')) {
      if (control.name !== 'slow') control.disabled = !isOn;
    }
  };

  form.addEventListener('change', ({ target }) => {
    const { name, value, checked, parentElement } = target as HTMLInputElement;
    if (name === 'slow') return setSlowMotion(checked);
    if (name === 'user') return void run(readFaults(scope()));
    const isJson = parentElement?.parentElement?.hasAttribute('data-json');
    void run(changeFaults({ ...scope(), [name]: isJson ? JSON.parse(value) : value }));
  });
  form.addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    void run(changeFaults({ ...scope(), action: target.value }));
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  // Another tab may have switched something meanwhile.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void run(readFaults(scope()));
  });

  // What gets the focus must not hide behind the bar, however much of it is open.
  new ResizeObserver(() => {
    document.documentElement.style.scrollPaddingTop = `${bar.offsetHeight + 16}px`;
  }).observe(bar);

  details.open = matchMedia('(min-width: 64rem)').matches;
  void run(readFaults(scope()));
}

function legendOf(radio: HTMLInputElement): string {
  return radio.closest('fieldset')?.querySelector('legend')?.textContent ?? radio.name;
}
