/** Limits: the numbers asked for, the cgroups that carry them, and what cannot be carried here. Pure. */
import type { ExecutionCellSpec, U64 } from '../spec/document.ts';
import { DEFAULTS, type RunAsks } from './asks.ts';
import type { CgroupController, HostFacts, PlanItem, PlannedCgroup } from './plan.ts';
import { enforced, unmet } from './plan-items.ts';

export interface PlannedLimits {
  readonly memoryMaxBytes?: number;
  readonly pidsMax?: number;
  readonly cpuQuotaMicros?: number;
  readonly cpuPeriodMicros?: number;
}

export interface LimitPlan {
  readonly limits: PlannedLimits;
  readonly cgroups: readonly PlannedCgroup[];
  readonly items: readonly PlanItem[];
}

interface Wanted {
  readonly memoryMaxBytes: number;
  readonly memoryAsked: boolean;
  readonly pidsMax: number;
  readonly pidsAsked: boolean;
  readonly cpu?: { readonly quotaMicros: number; readonly periodMicros: number };
}

/** Values of u64 fields beyond the safe range mean "no smaller than anything real". */
export function toSafeNumber(value: U64): number {
  return typeof value === 'bigint' ? Number.MAX_SAFE_INTEGER : value;
}

function wantedLimits(spec: ExecutionCellSpec, asks: RunAsks, host: HostFacts): Wanted {
  const asked = spec.run?.limits?.memoryMaxBytes;
  const memory = asked === undefined ? asks.memoryMaxBytes : toSafeNumber(asked);
  const cpuMax = spec.run?.limits?.cpuMax;
  const cpu =
    cpuMax !== undefined
      ? { quotaMicros: toSafeNumber(cpuMax.quotaMicros), periodMicros: cpuMax.periodMicros === undefined ? DEFAULTS.cpuPeriodMicros : toSafeNumber(cpuMax.periodMicros) }
      : asks.cpuMax !== undefined
        ? asks.cpuMax
        : asks.cpus !== undefined
        ? { quotaMicros: Math.max(1000, Math.round(asks.cpus * DEFAULTS.cpuPeriodMicros)), periodMicros: DEFAULTS.cpuPeriodMicros }
        : undefined;
  return {
    memoryMaxBytes: memory ?? Math.floor(host.memoryTotalBytes / 2),
    memoryAsked: memory !== undefined,
    pidsMax: asks.pidsMax ?? DEFAULTS.pidsMax,
    pidsAsked: asks.pidsMax !== undefined,
    ...(cpu === undefined ? {} : { cpu }),
  };
}

type Write = { readonly file: string; readonly value: string };

/** Kernel file names differ between the two versions; the numbers do not. */
function writesFor(controller: CgroupController, version: 1 | 2, wanted: Wanted): Write[] {
  const memory = String(wanted.memoryMaxBytes);
  switch (controller) {
    case 'memory':
      return version === 1
        ? [
            { file: 'memory.limit_in_bytes', value: memory },
            { file: 'memory.memsw.limit_in_bytes', value: memory },
          ]
        : [
            { file: 'memory.max', value: memory },
            { file: 'memory.swap.max', value: '0' },
          ];
    case 'pids':
      return [{ file: 'pids.max', value: String(wanted.pidsMax) }];
    case 'cpu': {
      if (wanted.cpu === undefined) return [];
      const { quotaMicros, periodMicros } = wanted.cpu;
      return version === 1
        ? [
            { file: 'cpu.cfs_period_us', value: String(periodMicros) },
            { file: 'cpu.cfs_quota_us', value: String(quotaMicros) },
          ]
        : [{ file: 'cpu.max', value: `${quotaMicros} ${periodMicros}` }];
    }
    case 'freezer':
    case 'unified':
      return [];
  }
}

/** One directory a v1 controller; one for all of v2. A cpu group only when a cpu limit is asked: it costs and gives nothing else. */
function plannedGroups(host: HostFacts, wanted: Wanted, runId: string): PlannedCgroup[] {
  const groups: PlannedCgroup[] = [];
  const unified: Write[] = [];
  let unifiedParent: string | undefined;
  for (const { controller, version, parent } of host.cgroups) {
    if (controller === 'cpu' && wanted.cpu === undefined && version === 1) continue;
    const writes = writesFor(controller, version, wanted);
    if (version === 1) groups.push({ controller, version, path: `${parent}/cellos-${runId}`, writes });
    else {
      unifiedParent = parent;
      unified.push(...writes);
    }
  }
  if (unifiedParent !== undefined) groups.push({ controller: 'unified', version: 2, path: `${unifiedParent}/cellos-${runId}`, writes: unified });
  return groups;
}

const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

export function planLimits(input: { spec: ExecutionCellSpec; asks: RunAsks; host: HostFacts; runId: string; allowed: ReadonlySet<string> }): LimitPlan {
  const { host, allowed } = input;
  const wanted = wantedLimits(input.spec, input.asks, host);
  const has = (controller: CgroupController): { version: 1 | 2 } | undefined => host.cgroups.find((group) => group.controller === controller);
  const items: PlanItem[] = [];
  const limits: { -readonly [K in keyof PlannedLimits]: PlannedLimits[K] } = {};
  const consider = (name: string, controller: CgroupController, text: string, asked: boolean, apply: () => void): void => {
    const group = has(controller);
    if (group !== undefined) {
      apply();
      items.push(enforced(name, asked ? text : `default ${text}`, text, `cgroup v${group.version} ${controller}`));
      return;
    }
    const reason = host.cgroupNotes[controller] ?? `The cgroup controller ${controller} is not available here`;
    // A default nobody asked for does not refuse the run; it is named as not in force all the same.
    if (asked) items.push(unmet({ name, asked: text, without: 'no limit', reason }, allowed));
    else items.push({ name, asked: `default ${text}`, effective: 'no limit', mechanism: '', status: 'downgraded', reason });
  };
  consider('limit.memory', 'memory', mib(wanted.memoryMaxBytes), wanted.memoryAsked, () => {
    limits.memoryMaxBytes = wanted.memoryMaxBytes;
  });
  consider('limit.pids', 'pids', `${wanted.pidsMax} processes`, wanted.pidsAsked, () => {
    limits.pidsMax = wanted.pidsMax;
  });
  const { cpu } = wanted;
  if (cpu !== undefined) {
    consider('limit.cpu', 'cpu', `${cpu.quotaMicros} of every ${cpu.periodMicros} microseconds`, true, () => {
      limits.cpuQuotaMicros = cpu.quotaMicros;
      limits.cpuPeriodMicros = cpu.periodMicros;
    });
  }
  return { limits, cgroups: plannedGroups(host, wanted, input.runId), items };
}
