import { Fragment } from 'react';
import { createRoot } from 'react-dom/client';
import { draw, drawList, drawOther, drawRow, view } from '../harness.mjs';

const others = Array.from({ length: 19 }, (_, index) => index);

function LastMessage({ useFeed }) {
  return <p>{draw(useFeed())}</p>;
}

function MessageList({ useFeed }) {
  const rows = drawList(useFeed());
  return (
    <ul>
      {rows.map((message) => (
        <li key={message.id}>{drawRow(message)}</li>
      ))}
    </ul>
  );
}

function OtherComponent({ useStatus }) {
  return <i>{drawOther(useStatus())}</i>;
}

function SharedSocket({ useFeed, useStatus, Provider = Fragment }) {
  return (
    <Provider>
      <LastMessage useFeed={useFeed} />
      {others.map((index) => (
        <OtherComponent key={index} useStatus={useStatus} />
      ))}
    </Provider>
  );
}

const views = { last: LastMessage, list: MessageList, shared: SharedSocket };

export function mount(variant) {
  const View = views[view];
  createRoot(document.querySelector('#app')).render(<View {...variant} />);
}
