/** The ground of the panel: its colours, where it stands, and what every part of it looks like. */
export const base = `
:host {
  --paper: light-dark(#ffffff, #151a24);
  --sunken: light-dark(#f7f8fa, #10141d);
  --ink: light-dark(#1f2430, #e8ecf4);
  --soft: light-dark(#5b6474, #9aa4b5);
  --line: light-dark(#dde2ea, #262e3c);
  --line-strong: light-dark(#c2c9d5, #3f4a5d);
  --token: light-dark(#3b5bdb, #91a7ff);
  --connect: light-dark(#1c7ed6, #4dabf7);
  --init: light-dark(#0b8a62, #63e6be);
  --ready: light-dark(#2b8a3e, #69db7c);
  --waiting: light-dark(#a65200, #ffc078);
  --failure: light-dark(#c92a2a, #ff8787);
  --failure-ground: light-dark(#fff1f0, #2f171b);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  display: block;
  container-type: inline-size;
  color: var(--ink);
  font: 13px / 1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  text-align: start;
}

:host([hidden]), [hidden] {
  display: none !important;
}

:host([floating]) {
  color-scheme: light dark;
  position: fixed;
  inset: auto 12px 12px auto;
  z-index: 2147483647;
  width: min(480px, 100vw - 24px);
}

:host([floating]:not([open])) {
  container-type: normal;
  width: auto;
  max-width: min(480px, 100vw - 24px);
}

*, ::before, ::after {
  box-sizing: border-box;
}

p, ul, ol {
  margin: 0;
  padding: 0;
  list-style: none;
}

section {
  overflow: hidden;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: var(--paper);
}

:host([floating]) section {
  display: flex;
  flex-direction: column;
  max-height: calc(100vh - 24px);
  border-color: var(--line-strong);
  box-shadow: 0 2px 6px rgb(0 0 0 / 8%), 0 12px 32px rgb(0 0 0 / 16%);
}

button {
  min-height: 28px;
  padding: 0 10px;
  border: 1px solid var(--line-strong);
  border-radius: 6px;
  background: none;
  color: inherit;
  font: inherit;
  white-space: nowrap;
  cursor: pointer;
}

button:hover {
  border-color: var(--ink);
}

:focus-visible {
  outline: 2px solid var(--token);
  outline-offset: 2px;
}

time, b, code, progress, .messages {
  font-variant-numeric: tabular-nums;
}

strong {
  font-weight: 600;
}

.spoken {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}

/* One colour for each state. */
[data-tone] { --tone: var(--soft); }
[data-tone="fetching-token"] { --tone: var(--token); }
[data-tone="connecting"] { --tone: var(--connect); }
[data-tone="authenticating"] { --tone: var(--init); }
[data-tone="ready"] { --tone: var(--ready); }
[data-tone="waiting"] { --tone: var(--waiting); }
[data-tone="failure"] { --tone: var(--failure); }

.dot {
  flex: none;
  width: 8px;
  height: 8px;
  border-radius: 50%;
  background: var(--tone);
}
`;
