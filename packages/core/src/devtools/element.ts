import { createPanel, type Panel } from './panel.ts';
import { onInspections } from './registry.ts';
import { css } from './style.ts';

/** How long a drawing stands at least, in ms: nobody reads sixty a second, and a page pays for each. */
const shortest = 100;

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
    /** Whether something has happened since it was drawn, and whether that will be drawn. */
    #isStale = false;
    #isAwaited = false;
    #drawnAt = Number.NEGATIVE_INFINITY;
    #frame = 0;
    #rest: ReturnType<typeof setTimeout> | undefined;
    #tick: ReturnType<typeof setTimeout> | undefined;
    #stops: (() => void)[] = [];

    connectedCallback(): void {
      this.#panel ??= this.#create();
      const observer = new IntersectionObserver((entries) => {
        this.#isOnScreen = entries.at(-1)?.isIntersecting ?? true;
        if (this.#isOnScreen && this.#isStale) this.#drawSoon();
      });
      observer.observe(this);
      this.#stops = [() => observer.disconnect(), onInspections(this.#schedule)];
      this.#drawSoon();
    }

    disconnectedCallback(): void {
      for (const stop of this.#stops.splice(0)) stop();
      this.#forgetDrawing();
    }

    attributeChangedCallback(): void {
      if (this.isConnected) this.#drawSoon();
    }

    #create(): Panel {
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [sheet];
      const panel = createPanel(() => this.toggleAttribute('open'), this.#drawSoon);
      root.append(panel.node);
      return panel;
    }

    /** Called at every message: all but the first since the last drawing cost next to nothing. */
    readonly #schedule = (): void => {
      this.#isStale = true;
      if (this.#isAwaited || !this.#isOnScreen) return;
      this.#isAwaited = true;
      const rest = this.#drawnAt + shortest - performance.now();
      if (rest > 0) this.#rest = setTimeout(this.#drawSoon, rest);
      else this.#drawSoon();
    };

    /** With the next frame, of which a page that is not seen has none. */
    readonly #drawSoon = (): void => {
      this.#frame ||= requestAnimationFrame(this.#draw);
    };

    readonly #draw = (): void => {
      this.#forgetDrawing();
      this.#isStale = false;
      this.#drawnAt = performance.now();
      const docs = this.getAttribute('docs');
      const again = this.#panel?.render(this.hasAttribute('open'), docs ?? undefined);
      if (again !== undefined) this.#tick = setTimeout(this.#schedule, again);
    };

    #forgetDrawing(): void {
      cancelAnimationFrame(this.#frame);
      clearTimeout(this.#rest);
      clearTimeout(this.#tick);
      this.#frame = 0;
      this.#isAwaited = false;
    }
  };
}
