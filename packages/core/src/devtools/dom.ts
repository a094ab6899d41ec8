/** A node that shows items of a kind, one at a time. */
export interface View<T> {
  readonly node: Element;
  update(item: T): void;
}

/** Makes an element. Everything that is told goes in as text: nothing is ever parsed as HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: { readonly [name: string]: string } = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Touches the document only where that changes something, since it is done at every frame. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string | undefined): void {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function setHidden(node: HTMLElement, isHidden: boolean): void {
  if (node.hidden !== isHidden) node.hidden = isHidden;
}

/** Keeps the children of `parent` to a list, each item in the node that it had before. */
export function keyedList<T extends { readonly id: number }>(
  parent: Element,
  create: (item: T) => View<T>,
): (items: readonly T[]) => void {
  const views = new Map<number, View<T>>();
  return (items) => {
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, { node }] of views) {
      if (ids.has(id)) continue;
      node.remove();
      views.delete(id);
    }
    let next = parent.firstElementChild;
    for (const item of items) {
      const view = views.get(item.id) ?? create(item);
      views.set(item.id, view);
      view.update(item);
      if (view.node === next) next = next.nextElementSibling;
      else parent.insertBefore(view.node, next);
    }
  };
}
