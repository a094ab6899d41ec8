/** What is streamed: the server writes it and the client checks it, so both take it from here. */
export const sizes = { '86 B': 86, '1 kB': 1000 };

/** A chat message whose JSON is `bytes` long, whatever its id. */
export function createMessage(id, bytes) {
  const message = { id, at: 1_700_000_000_000 + id, from: `user-${id % 100}`, text: '' };
  message.text = 'x'.repeat(bytes - JSON.stringify(message).length);
  return message;
}

/** Counts and checks what arrives: every message once, whole and in order, or the bench is void. */
export function createCheck(bytes, count) {
  let expectedText = 0;
  for (let id = 0; id < count; id++) expectedText += createMessage(id, bytes).text.length;
  let received = 0;
  let text = 0;
  let inOrder = true;
  return {
    reset() {
      received = text = 0;
    },
    /** Returns whether this was the last. */
    add(message) {
      inOrder &&= message.id === received;
      text += message.text.length;
      return ++received === count;
    },
    verify() {
      if (inOrder && received === count && text === expectedText) return;
      throw new Error('Messages were lost, reordered or damaged');
    },
  };
}
