import type { Row } from '../row.ts';
import { initRows } from './init.ts';
import { lifeRows } from './life.ts';
import { limitRows } from './limits.ts';
import { messageRows } from './messages.ts';
import { originRows } from './origins.ts';
import { stopRows } from './stop.ts';
import { tokenRouteRows } from './token-route.ts';
import { upgradeRows } from './upgrade.ts';

/** All rows, for one run: those of the stop share what they see. */
export const allRows = (): readonly Row[] => [
  ...tokenRouteRows,
  ...originRows,
  ...upgradeRows,
  ...initRows,
  ...messageRows,
  ...lifeRows,
  ...limitRows,
  ...stopRows(),
];
