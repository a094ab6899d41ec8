import { useMessage, useTwoStageSocket } from '@two-stage-socket/react';
import { type FormEvent, useState } from 'react';
import { describeState, statusLabels } from '../labels.ts';
import { logins, type Panel as Model, tokenRetries, wires } from '../panel.ts';
import { Failure } from './Failure.tsx';
import { Messages } from './Messages.tsx';
import { Segmented } from './Segmented.tsx';
import { Stages } from './Stages.tsx';
import { Timeline } from './Timeline.tsx';
import { useStore } from './useStore.ts';

/** One socket, and everything one can see of it and do to it. */
export function Panel({ panel }: { panel: Model }) {
  const { framework, title } = panel;
  const { state, socket } = useTwoStageSocket(panel.socket);
  useMessage(panel.socket, panel.hear);
  const user = useStore(panel.user);
  const timeline = useStore(panel.timeline);
  const switches = useStore(panel.switches);
  const [draft, setDraft] = useState('');
  const isOpen = state.status !== 'idle' && state.status !== 'closed';
  const attempt = 'attempt' in state ? state.attempt : undefined;

  const send = (event: FormEvent) => {
    event.preventDefault();
    panel.send(draft || 'hello');
    setDraft('');
  };

  return (
    <article
      className="panel"
      aria-labelledby={`${framework}-title`}
      data-testid="panel"
      data-panel={framework}
      data-status={state.status}
      data-attempt={attempt}
      data-failure={timeline.failure?.code}
      data-wire={state.status === 'ready' ? state.wire : undefined}
    >
      <div className="panel-half">
        <header className="panel-head">
          <h2 id={`${framework}-title`}>{title}</h2>
          <code>@two-stage-socket/{framework}</code>
        </header>

        <div className="now">
          <p className="status" role="status" data-testid="status">
            <strong>{statusLabels[state.status]}</strong>
            <small>{describeState(state)}</small>
          </p>
          {attempt && (
            <p className="attempt" data-testid="attempt">
              attempt <b>{attempt}</b>
            </p>
          )}
        </div>

        <div className="row">
          <Segmented
            legend="User"
            name={`${framework}-user`}
            options={logins}
            value={user ?? 'nobody'}
            onChange={panel.become}
          />
          <fieldset className="actions">
            <legend>Socket</legend>
            <button type="button" onClick={() => (isOpen ? socket.close() : socket.connect())}>
              {isOpen ? 'Disconnect' : 'Connect'}
            </button>
            <button type="button" onClick={socket.reconnect}>
              Reconnect
            </button>
          </fieldset>
        </div>

        <Stages state={state} timeline={timeline} />
        <Failure failure={timeline.failure} isOver={state.status === 'ready'} />
      </div>

      <div className="panel-half">
        <div className="row">
          <Segmented
            legend="Token for a retry"
            name={`${framework}-token-retry`}
            options={tokenRetries}
            value={switches.tokenRetry}
            onChange={panel.setTokenRetry}
          />
          <Segmented
            legend="Wire"
            name={`${framework}-wire`}
            options={wires}
            value={switches.wire}
            onChange={panel.setWire}
          />
        </div>

        <form className="send" onSubmit={send}>
          <label htmlFor={`${framework}-draft`}>Message</label>
          <input
            id={`${framework}-draft`}
            autoComplete="off"
            placeholder="hello"
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
            data-testid="draft"
          />
          <button type="submit" data-testid="send">
            Send
          </button>
        </form>

        <Messages socket={socket} />
        <Timeline timeline={timeline} />
      </div>
    </article>
  );
}
