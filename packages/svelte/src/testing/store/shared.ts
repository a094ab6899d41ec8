import { createSocketContext } from '../../store.ts';

export const [provideShared, useShared] = createSocketContext<any, any>('Shared');
