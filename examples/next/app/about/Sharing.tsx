'use client';

import { useTwoStageSocket } from '@two-stage-socket/react';
import { useChat } from '../chat';

export function Sharing() {
  const { state: isReady } = useTwoStageSocket(useChat(), (state) => state.status === 'ready');
  return isReady ? 'which is ready' : 'which is not ready';
}
