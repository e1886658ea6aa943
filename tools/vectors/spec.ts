/** Adapters of vectors/spec. */
import type { VectorAdapter } from './run.ts';

export const specAdapters: Readonly<Record<string, VectorAdapter>> = {};
