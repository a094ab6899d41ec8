/** What is said of a report that was copied, and the report itself where it is to be copied by hand. */
export const report = `
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
`;
