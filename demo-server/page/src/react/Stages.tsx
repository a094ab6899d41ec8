import type { State } from '@two-stage-socket/react';
import { statusLabels } from '../labels.ts';
import { toGroups } from '../stages.ts';
import type { Timeline } from '../timeline.ts';
import { Clock } from './Clock.tsx';

/** The state diagram: where the socket is in the two stages. */
export function Stages({ state, timeline }: { state: State; timeline: Timeline }) {
  return (
    <ol className="stages" aria-label="State diagram">
      {toGroups(state, timeline).map(({ stage, title, subtitle, nodes }) => (
        <li className="group" data-stage={stage} key={nodes[0]?.status}>
          {title && (
            <p className="group-title">
              {title} <small>{subtitle}</small>
            </p>
          )}
          <ol>
            {nodes.map(({ status, mark, wire, note, since, until }) => (
              <li
                className="node"
                data-node={status}
                data-mark={mark}
                aria-current={mark === 'now' ? 'step' : undefined}
                key={status}
              >
                <span className="node-label">{statusLabels[status]}</span>
                <code className="node-wire">{wire}</code>
                <span className="node-note">
                  {note}
                  {(since ?? until) !== undefined && <Clock since={since} until={until} />}
                </span>
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}
