// What a server component can import: React has no hooks and no contexts there.
export * from '@two-stage-socket/core';
