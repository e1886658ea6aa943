/** Which adapter runs which file of vectors, by `area/file`. One module an area. */
import { brokerAdapters } from './brokers.ts';
import { eventAdapters } from './events.ts';
import { lintAdapters } from './events-lint.ts';
import { evidenceAdapters } from './evidence.ts';
import { exportAdapters } from './export-local.ts';
import { authorityAdapters } from './spec-authority.ts';
import { policyAdapters } from './spec-policy.ts';
import { uploadAdapters } from './uploads.ts';
import type { VectorAdapter } from './vector.ts';
import { specAdapters } from './spec.ts';
import { adgAdapters } from './spec-adg.ts';
import { sinkAdapters } from './sinks.ts';
import { spoolAdapters } from './spool.ts';
import { supervisorAdapters } from './supervisor.ts';

/** Areas of which every file has to have an adapter. */
export const CLAIMED_AREAS: ReadonlySet<string> = new Set(['supervisor', 'evidence']);

export const ADAPTERS: Readonly<Record<string, VectorAdapter>> = { ...specAdapters, ...adgAdapters, ...authorityAdapters, ...policyAdapters, ...eventAdapters, ...lintAdapters, ...evidenceAdapters, ...exportAdapters, ...brokerAdapters, ...sinkAdapters, ...spoolAdapters, ...uploadAdapters, ...supervisorAdapters };
