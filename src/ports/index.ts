/** `cellos/ports`: what an adapter implements. Types only. */
export type * from './cell-backend.ts';
export type * from './clock.ts';
export type * from './export-sink.ts';
export type * from './run-bundle.ts';
export type * from './secret-broker.ts';
export type * from './secret-channel.ts';
export type * from './signer.ts';
