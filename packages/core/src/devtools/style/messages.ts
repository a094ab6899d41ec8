/** The messages of an attempt, by the second. */
export const messages = `
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
`;
