/** The tabs of the sockets, and the buttons beside them. */
export const sockets = `
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
`;
