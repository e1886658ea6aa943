/**
 * The group that the reference makes for a run beneath `CELLOS_CGROUP_PARENT`: `cellos_<id>_<uuid>` (reference/03 §8.4). Here the limits are those
 * of the cell's own groups, which every process of it is in from its first instruction; the leaf is kept for who watches it.
 */
import { accessSync, constants, existsSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { systemRandom } from '../../adapters/os/random.ts';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { uuidV4 } from '../../base/ids.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { ExecutionCellSpec } from '../../core/spec/document.ts';
import { cgroupLeafName } from '../../core/spec/names.ts';

const CGROUP2_MAGIC = 0x63677270;
const DEFAULT_PERIOD_MICROS = 100_000;

export interface Leaf {
  /** Why the command cannot be started. */
  readonly problem?: string;
  readonly note?: string;
  /** File that is told the first process of the cell. */
  readonly members?: string;
}

function cpuText(config: SupervisorConfig, spec: ExecutionCellSpec): string | undefined {
  const own = spec.run?.limits?.cpuMax;
  if (own !== undefined) return `${own.quotaMicros} ${own.periodMicros ?? DEFAULT_PERIOD_MICROS}`;
  const set = config.run.cgroup?.cpuMax;
  return set === undefined ? undefined : `${set.quotaMicros ?? 'max'} ${set.periodMicros}`;
}

export function prepareLeaf(config: SupervisorConfig, spec: ExecutionCellSpec): Leaf {
  const { cgroup } = config.run;
  if (cgroup === undefined || spec.run === undefined) return {};
  const path = `${cgroup.parent}/cellos_${cgroupLeafName(spec.id)}_${uuidV4(systemRandom.bytes(16))}`;
  const writes = [['memory.max', cgroup.memoryMax], ['cpu.max', cpuText(config, spec)]] as const;
  try {
    accessSync(cgroup.parent, constants.W_OK);
    const isGroup = statfsSync(cgroup.parent).type === CGROUP2_MAGIC;
    if (!isGroup && config.profile !== 'portable') return { problem: `CELLOS_CGROUP_PARENT ${cgroup.parent} is no control group of version 2` };
    if (isGroup) return { note: `CELLOS_CGROUP_PARENT is passed over: the cell is in groups of its own, with the same limits` };
    mkdirSync(path);
    for (const [file, value] of writes) if (value !== undefined && !existsSync(`${path}/${file}`)) writeFileSync(`${path}/${file}`, `${value}\n`);
    return { members: `${path}/cgroup.procs`, note: `CELLOS_CGROUP_PARENT ${cgroup.parent} is no control group: what is written there limits nothing` };
  } catch (error) {
    return { problem: `CELLOS_CGROUP_PARENT ${cgroup.parent} cannot be used: ${errnoOf(error) ?? messageOf(error)}` };
  }
}
