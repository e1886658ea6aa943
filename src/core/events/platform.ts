/** Data of the events about what stands around a cell: the cortex bridge, the machine pool, formations (reference/02 §3.3). */
import { ofFields } from './blocks.ts';
import { flag, listOf, optional, text, u32, u64 } from './shape.ts';

export const cortexDispatchedData = ofFields({ packId: text, cellId: text, doctrineRefs: listOf(text) }, { bridgeVersion: '1.0' });

export const firecrackerPoolData = ofFields({ cellId: text, poolHit: flag, slotCount: u64 });

export const FORMATION_PHASES = ['created', 'launching', 'running', 'degraded', 'completed', 'failed'] as const;
export type FormationPhase = (typeof FORMATION_PHASES)[number];

export const formationData = ofFields({ formationId: text, formationName: text, cellCount: u32, failedCellIds: listOf(text), reason: optional(text) });
