/** Which adapter runs which file of vectors, by `area/file`. One module an area. */
import { eventAdapters } from './events.ts';
import { exportAdapters } from './export-local.ts';
import { lintAdapters } from './events-lint.ts';
import { policyAdapters } from './spec-policy.ts';
import type { VectorAdapter } from './vector.ts';
import { specAdapters } from './spec.ts';

/** Areas of which every file has to have an adapter. */
export const CLAIMED_AREAS: ReadonlySet<string> = new Set();

export const ADAPTERS: Readonly<Record<string, VectorAdapter>> = { ...specAdapters, ...policyAdapters, ...lintAdapters, ...eventAdapters, ...exportAdapters };
