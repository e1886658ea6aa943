/** What the groups of a cell hold now; for show, never for the evidence. */
import { readFileSync } from 'node:fs';
import { ignore } from '../../base/errors.ts';
import type { PlannedCgroup } from '../../core/plan/plan.ts';
import { processesOf } from './cgroup.ts';

export interface CellLoad {
  readonly memoryBytes?: number;
  readonly processes?: number;
}

function numberIn(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, 'latin1').trim());
    return Number.isFinite(value) ? value : undefined;
  } catch (error) {
    ignore(error, 'a counter that is not there is not shown');
    return undefined;
  }
}

/** Each member only where something counts it. */
export function loadOf(groups: readonly Pick<PlannedCgroup, 'controller' | 'version' | 'path'>[]): CellLoad {
  const memory = groups.find((group) => group.version === 2 || group.controller === 'memory');
  const bytes = memory === undefined ? undefined : numberIn(`${memory.path}/${memory.version === 2 ? 'memory.current' : 'memory.usage_in_bytes'}`);
  const [any] = groups;
  return { ...(bytes === undefined ? {} : { memoryBytes: bytes }), ...(any === undefined ? {} : { processes: processesOf(any.path).length }) };
}
