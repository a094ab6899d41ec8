import type { TwoStageError } from '@two-stage-socket/react';
import { failureFacts, failureMeaning } from '../labels.ts';

/** What went wrong last, and what it means. */
export function Failure(props: { failure: TwoStageError | undefined; isOver: boolean }) {
  const { failure, isOver } = props;
  return (
    <section
      className="failure"
      data-testid="failure"
      data-code={failure?.code}
      data-live={!isOver}
    >
      <h3>{failure && isOver ? 'Recovered from' : 'Last failure'}</h3>
      {failure ? (
        <>
          <p>
            <code>{failure.code}</code> {failureFacts(failure)}
          </p>
          <p>{failureMeaning(failure)}</p>
        </>
      ) : (
        <p>None so far.</p>
      )}
    </section>
  );
}
