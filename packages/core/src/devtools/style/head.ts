/** The first line of the panel, which opens it. */
export const head = `
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
`;
