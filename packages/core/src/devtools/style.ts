/**
 * The style of the panel, for a constructed style sheet: that needs no leave of a Content-Security-Policy.
 * Light or dark as the page is by its `color-scheme`; the floating panel, as the user prefers.
 */
export const css = `
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

/* The head */

.toggle {
  display: flex;
  flex: none;
  align-items: center;
  gap: 8px;
  width: 100%;
  min-height: 40px;
  padding: 9px 14px;
  border: 0;
  border-radius: 9px;
  text-align: start;
}

.toggle:focus-visible {
  outline-offset: -3px;
}

.toggle::after {
  content: "";
  flex: none;
  width: 7px;
  height: 7px;
  margin: -4px 2px 0 auto;
  border: solid var(--soft);
  border-width: 0 1.5px 1.5px 0;
  transform: rotate(45deg);
}

.toggle[aria-expanded="true"]::after {
  margin-top: 4px;
  transform: rotate(225deg);
}

.summary {
  min-width: 0;
  overflow: hidden;
  color: var(--soft);
  text-overflow: ellipsis;
  white-space: nowrap;
}

/* The sockets */

.body {
  display: flex;
  flex-direction: column;
  min-height: 0;
  overflow-y: auto;
  border-top: 1px solid var(--line);
}

.controls {
  display: flex;
  flex: none;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 6px 12px;
  padding: 8px 14px 8px 10px;
}

.tabs {
  display: flex;
  gap: 2px;
  min-width: 0;
  /* What is drawn around a tab that has the focus is not to be cut off. */
  margin: -4px;
  padding: 4px;
  overflow-x: auto;
  scrollbar-width: thin;
}

.tabs button {
  display: flex;
  flex: none;
  align-items: center;
  gap: 6px;
  border-color: transparent;
}

.tabs button:hover {
  border-color: var(--line-strong);
}

.tabs button[aria-selected="true"] {
  border-color: var(--line);
  background: var(--sunken);
}

.tabs small {
  color: var(--soft);
  font-size: 12px;
}

.actions {
  display: flex;
  gap: 6px;
}

.copy {
  flex: none;
}

.copied:not(:empty) {
  padding: 0 14px 10px;
  color: var(--soft);
}

.by-hand {
  display: grid;
  justify-items: end;
  gap: 8px;
  padding: 0 14px 12px;
}

textarea {
  width: 100%;
  padding: 8px 10px;
  border: 1px solid var(--line-strong);
  border-radius: 6px;
  background: var(--sunken);
  color: inherit;
  font: 12px / 1.5 var(--mono);
  resize: vertical;
}

/* The timeline of one */

.view {
  position: relative;
  min-height: 96px;
  max-height: 448px;
  overflow-y: auto;
  overscroll-behavior: contain;
  border-top: 1px solid var(--line);
  background: var(--sunken);
  scrollbar-width: thin;
}

:host([floating]) .view {
  max-height: min(448px, 60vh);
}

.view:focus-visible {
  outline-offset: -3px;
}

.totals {
  padding: 10px 14px 0;
  color: var(--soft);
  font-size: 12px;
}

.attempts {
  display: grid;
  gap: 8px;
  padding: 10px 14px 14px;
}

.attempt {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 8px;
  padding: 10px 12px;
  border: 1px solid var(--line);
  border-left: 3px solid var(--tone);
  border-radius: 6px;
  background: var(--paper);
}

.head {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0 10px;
}

time {
  color: var(--soft);
  font: 12px / 1.5 var(--mono);
}

.state {
  margin-inline-start: auto;
  color: var(--tone);
  font-weight: 550;
}

.bar {
  display: block;
  width: 100%;
  height: 8px;
  border-radius: 2px;
  background: var(--sunken);
}

.bar rect {
  fill: var(--tone);
  /* What took no time can be seen all the same. */
  stroke: var(--tone);
  stroke-width: 1px;
}

.stages {
  display: flex;
  flex-wrap: wrap;
  gap: 0 16px;
  font-size: 12px;
}

.stages:empty {
  display: none;
}

.stages li::before {
  content: "";
  display: inline-block;
  width: 8px;
  height: 8px;
  margin-inline-end: 6px;
  border-radius: 2px;
  background: var(--tone);
}

.stages span {
  color: var(--soft);
}

.stages b {
  font-weight: 550;
}

.failure {
  padding: 7px 10px;
  border-radius: 5px;
  background: var(--failure-ground);
  font-size: 12px;
}

.failure a {
  color: var(--failure);
  font: 600 12px / 1.5 var(--mono);
  text-underline-offset: 2px;
}

.failure span {
  color: var(--soft);
}

.wait {
  display: grid;
  gap: 5px;
  color: var(--soft);
  font-size: 12px;
}

progress {
  display: block;
  width: 100%;
  height: 4px;
  overflow: hidden;
  border: 0;
  border-radius: 2px;
  background: var(--line);
  appearance: none;
}

progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--waiting); }
progress::-moz-progress-bar { background: var(--waiting); }

/* Its messages */

.messages {
  justify-self: start;
  min-height: 24px;
  padding: 0;
  border: 0;
  border-radius: 4px;
  color: var(--soft);
  font-size: 12px;
}

.messages:hover {
  color: var(--ink);
}

.messages::before {
  content: "";
  display: inline-block;
  width: 5px;
  height: 5px;
  margin: 0 8px 2px 2px;
  border: solid;
  border-width: 0 1.5px 1.5px 0;
  transform: rotate(-45deg);
}

.messages[aria-expanded="true"]::before {
  margin-bottom: 3px;
  transform: rotate(45deg);
}

.rows {
  display: grid;
  gap: 4px;
}

.rows > li {
  display: grid;
  grid-template-columns: auto minmax(0, 1fr);
  align-items: baseline;
  gap: 0 12px;
  font-size: 12px;
}

.samples {
  color: var(--soft);
}

.samples li {
  display: flex;
  gap: 8px;
}

.samples code {
  min-width: 0;
  font: 12px / 1.5 var(--mono);
  overflow-wrap: anywhere;
}

@container (max-width: 440px) {
  .state {
    flex-basis: 100%;
    margin: 0;
  }

  .rows > li {
    grid-template-columns: minmax(0, 1fr);
  }

  button {
    min-height: 34px;
  }
}

@media (forced-colors: active) {
  .dot, .bar rect, .stages li::before {
    forced-color-adjust: none;
  }

  .attempt {
    border-left-color: CanvasText;
  }
}
`;
