/** `cellos/ports`: the contracts that adapters implement. Types only; `cellos/testing` has a suite and a fake for each. */
export type * from './cell-backend.ts';
export type * from './clock.ts';
export type * from './event-sink.ts';
export type * from './export-sink.ts';
export type * from './host-log.ts';
export type * from './journal.ts';
export type * from './run-bundle.ts';
export type * from './secret-broker.ts';
export type * from './secret-channel.ts';
export type * from './signer.ts';
