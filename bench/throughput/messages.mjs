/** What is streamed: the server writes it and the client checks it, so both take it from here. */
export const sizes = { '86 B': 86, '1 kB': 1000 };

/** A chat message whose JSON is `bytes` long, whatever its id. */
export function createMessage(id, bytes) {
  const message = { id, at: 1_700_000_000_000 + id, from: `user-${id % 100}`, text: '' };
  message.text = 'x'.repeat(bytes - JSON.stringify(message).length);
  return message;
}

/** Counts and checks what arrives: every message once, whole and in order, or the bench is void. */
export function createCheck(bytes) {
  let received = 0;
  let textLength = 0;
  let inOrder = true;
  return {
    /** Returns how many there have been. */
    add({ id, text }) {
      inOrder &&= id === received;
      textLength += text.length;
      return ++received;
    },
    verify() {
      if (!inOrder || textLength !== totalTextLength(bytes, received))
        throw new Error('Messages were lost, reordered or damaged');
    },
  };
}

const totals = new Map();

function totalTextLength(bytes, count) {
  const key = `${bytes} ${count}`;
  if (!totals.has(key)) {
    let total = 0;
    for (let id = 0; id < count; id++) total += createMessage(id, bytes).text.length;
    totals.set(key, total);
  }
  return totals.get(key);
}
