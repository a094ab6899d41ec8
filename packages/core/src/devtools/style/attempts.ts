/** The timeline of a socket: its attempts, each with its stages, its failure and its wait. */
export const attempts = `
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
`;
