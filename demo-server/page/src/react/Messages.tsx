import { type TwoStageSocket, useReducedMessages } from '@two-stage-socket/react';
import { formatTime } from '../format.ts';
import { messageKinds, noMessages, receive } from '../messages.ts';

/** What came in, folded message by message. */
export function Messages({ socket }: { socket: TwoStageSocket<unknown, string> }) {
  const { list, counts } = useReducedMessages(socket, receive, noMessages);
  return (
    <section className="log messages" aria-label="Messages">
      <header>
        <h3>Messages</h3>
        <ul className="counts">
          {messageKinds.map((kind) => (
            <li data-kind={kind} data-testid={`count-${kind}`} key={kind}>
              {kind} <b>{counts[kind]}</b>
            </li>
          ))}
        </ul>
      </header>
      <ol
        className="scroll"
        tabIndex={0}
        aria-label="Messages, the newest first"
        data-testid="messages"
      >
        {list.map(({ id, at, kind, text }) => (
          <li data-kind={kind} data-testid="message" key={id}>
            <time>{formatTime(at)}</time>
            <span className="kind">{kind}</span>
            <span className="text">{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
