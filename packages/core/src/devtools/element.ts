import { createPanel, type Panel } from './panel.ts';
import { onInspections } from './registry.ts';
import { css } from './style.ts';

export const tag = 'two-stage-devtools';

declare global {
  interface HTMLElementTagNameMap {
    'two-stage-devtools': HTMLElement;
  }
}

/**
 * Lets pages have the element. A call and not an import does it: what an import does on the side, a
 * bundler leaves out, and a server has no elements.
 */
export function defineElement(): void {
  if (typeof customElements === 'undefined' || customElements.get(tag)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  customElements.define(tag, createClass(sheet));
}

function createClass(sheet: CSSStyleSheet): CustomElementConstructor {
  return class extends HTMLElement {
    static readonly observedAttributes = ['open', 'docs'];
    #panel: Panel | undefined;
    #isOnScreen = true;
    #isStale = false;
    #frame = 0;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #stops: (() => void)[] = [];

    connectedCallback(): void {
      this.#panel ??= this.#create();
      const observer = new IntersectionObserver((entries) => {
        this.#isOnScreen = entries.at(-1)?.isIntersecting ?? true;
        if (this.#isOnScreen && this.#isStale) this.#schedule();
      });
      observer.observe(this);
      this.#stops = [() => observer.disconnect(), onInspections(this.#schedule)];
      this.#schedule();
    }

    disconnectedCallback(): void {
      for (const stop of this.#stops.splice(0)) stop();
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      clearTimeout(this.#timer);
    }

    attributeChangedCallback(): void {
      if (this.isConnected) this.#schedule();
    }

    #create(): Panel {
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [sheet];
      const panel = createPanel(() => this.toggleAttribute('open'), this.#schedule);
      root.append(panel.node);
      return panel;
    }

    /** A frame ahead is enough for whatever happens until then; a page that is not seen has none. */
    readonly #schedule = (): void => {
      this.#isStale = true;
      if (!this.#frame && this.#isOnScreen) this.#frame = requestAnimationFrame(this.#render);
    };

    readonly #render = (): void => {
      this.#frame = 0;
      this.#isStale = false;
      clearTimeout(this.#timer);
      const docs = this.getAttribute('docs');
      const again = this.#panel?.render(this.hasAttribute('open'), docs ?? undefined);
      if (again !== undefined) this.#timer = setTimeout(this.#schedule, again);
    };
  };
}
