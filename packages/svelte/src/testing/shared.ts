import { createSocketContext } from '../index.ts';

export const [provideShared, useShared] = createSocketContext<any, any>('Shared');
