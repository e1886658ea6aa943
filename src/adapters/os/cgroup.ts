/**
 * Control groups, version 1 and 2, through their files.
 *
 *   G1  a limit that cannot be written fails the start: a cell never runs with less than the plan says;
 *   G2  processes join by themselves before they do anything else (native/launch.c), so there is no moment outside;
 *   G3  what is removed here was made by us: the paths come from the plan, never from a search.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { CellError, errnoOf, ignore, messageOf } from '../../base/errors.ts';
import type { CgroupController, PlannedCgroup } from '../../core/plan/plan.ts';
import type { CellUsage } from '../../ports/cell-backend.ts';

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    ignore(error, 'a counter that is not there is not counted');
    return undefined;
  }
}

function readNumber(path: string): number | undefined {
  const value = Number(readText(path)?.trim());
  return Number.isFinite(value) ? value : undefined;
}

function keyedNumber(path: string, key: string): number | undefined {
  const match = new RegExp(`^${key} (\\d+)$`, 'm').exec(readText(path) ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** Makes the planned groups and writes their limits [G1]. On failure none is left. @throws CellError `cgroup.failed` */
export function makeCgroups(groups: readonly PlannedCgroup[]): void {
  const made: PlannedCgroup[] = [];
  try {
    for (const group of groups) {
      mkdirSync(group.path, { mode: 0o755 });
      made.push(group);
      for (const { file, value } of group.writes) {
        // Swap accounting may be off; then there is no swap to bound, as the file's absence says.
        if (/memsw|swap/.test(file) && !existsSync(`${group.path}/${file}`)) continue;
        writeFileSync(`${group.path}/${file}`, value);
      }
    }
  } catch (error) {
    for (const group of made) tryRemove(group.path);
    throw new CellError('cgroup.failed', `Cannot put the resource limits of a cell in force: ${messageOf(error)}`, { cause: error });
  }
}

function tryRemove(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

/** Removes a group, waiting a little for the kernel to let go of exited tasks. @returns false when it is still there */
export async function removeCgroup(path: string, budgetMs: number): Promise<boolean> {
  for (let waited = 0, step = 1; ; waited += step, step = Math.min(step * 2, 50)) {
    if (tryRemove(path)) return true;
    if (waited >= budgetMs) return false;
    await wait(step);
  }
}

/** Pids in a group, as this host numbers them. */
export function processesOf(path: string): number[] {
  return (readText(`${path}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);
}

/** Kills everything in the groups: at once where the kernel offers it, else frozen first so that nothing forks away. */
export function killCgroups(groups: readonly { path: string; version: 1 | 2; controller: CgroupController }[]): void {
  for (const group of groups) {
    if (group.version === 2 && existsSync(`${group.path}/cgroup.kill`)) {
      writeFileSync(`${group.path}/cgroup.kill`, '1');
      return;
    }
  }
  const freezer = groups.find((group) => group.controller === 'freezer') ?? groups[0];
  if (freezer === undefined) return;
  setFrozen(groups, true);
  for (const pid of processesOf(freezer.path)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      ignore(error, 'it ended before we came to it');
    }
  }
  setFrozen(groups, false);
}

export function setFrozen(groups: readonly { path: string; version: 1 | 2; controller: CgroupController }[], frozen: boolean): boolean {
  for (const group of groups) {
    const file = group.version === 2 ? 'cgroup.freeze' : 'freezer.state';
    if (group.version === 1 && group.controller !== 'freezer') continue;
    if (!existsSync(`${group.path}/${file}`)) continue;
    writeFileSync(`${group.path}/${file}`, group.version === 2 ? (frozen ? '1' : '0') : frozen ? 'FROZEN' : 'THAWED');
    return true;
  }
  return false;
}

/** Counters of the cell's groups; each member only where something counts it. */
export function readUsage(groups: readonly PlannedCgroup[]): CellUsage {
  const usage: { -readonly [K in keyof CellUsage]: CellUsage[K] } = {};
  const set = <K extends keyof CellUsage>(key: K, value: number | undefined): void => {
    if (value !== undefined) usage[key] = value;
  };
  for (const { path, version, controller } of groups) {
    if (version === 1 && controller === 'memory') {
      set('memoryPeakBytes', readNumber(`${path}/memory.max_usage_in_bytes`));
      set('oomKills', keyedNumber(`${path}/memory.oom_control`, 'oom_kill'));
    }
    if (version === 2) {
      set('memoryPeakBytes', readNumber(`${path}/memory.peak`));
      set('oomKills', keyedNumber(`${path}/memory.events`, 'oom_kill'));
      set('cpuMicros', keyedNumber(`${path}/cpu.stat`, 'usage_usec'));
    }
    if (controller === 'pids' || version === 2) {
      set('pidsPeak', readNumber(`${path}/pids.peak`));
      set('pidsRefused', keyedNumber(`${path}/pids.events`, 'max'));
    }
    if (controller === 'cpu' || version === 2) set('cpuThrottledPeriods', keyedNumber(`${path}/cpu.stat`, 'nr_throttled'));
  }
  return usage;
}

export interface CgroupProbe {
  readonly groups: readonly { readonly controller: CgroupController; readonly version: 1 | 2; readonly parent: string }[];
  readonly notes: Readonly<Partial<Record<CgroupController, string>>>;
}

const V1: readonly CgroupController[] = ['memory', 'pids', 'cpu', 'freezer'];

/** Which groups this process may make children in, from its own membership and the mount table. Reads files only. */
export function probeCgroups(options: { root?: string; writable: (path: string) => boolean; selfGroups?: string; mounts?: string }): CgroupProbe {
  const selfGroups = options.selfGroups ?? readText('/proc/self/cgroup') ?? '';
  const mounts = options.mounts ?? readText('/proc/self/mounts') ?? '';
  const membership = new Map<string, string>();
  for (const line of selfGroups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(',')) membership.set(controller, path);
  }
  const groups: { controller: CgroupController; version: 1 | 2; parent: string }[] = [];
  const notes: Partial<Record<CgroupController, string>> = {};
  for (const line of mounts.split('\n')) {
    const [, mountPoint, type, flags = ''] = line.split(' ');
    if (mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const root = (options.root ?? '') + mountPoint;
    if (type === 'cgroup') addVersion1(root, flags.split(','), membership, options.writable, groups, notes);
    else addVersion2(root, membership.get('') ?? '/', options.writable, groups, notes);
  }
  for (const controller of V1) {
    if (!groups.some((group) => group.controller === controller)) notes[controller] ??= `No mounted cgroup hierarchy offers the controller ${controller}`;
  }
  return { groups, notes };
}

type Found = { controller: CgroupController; version: 1 | 2; parent: string }[];

function addVersion1(root: string, flags: readonly string[], membership: ReadonlyMap<string, string>, writable: (path: string) => boolean, groups: Found, notes: Partial<Record<CgroupController, string>>): void {
  for (const controller of V1) {
    if (!flags.includes(controller)) continue;
    const own = membership.get(controller) ?? '/';
    const parent = own === '/' || !existsSync(root + own) ? root : root + own;
    if (writable(parent)) groups.push({ controller, version: 1, parent });
    else notes[controller] = `${parent} is not writable: run as root, or delegate the group to this user`;
  }
}

function addVersion2(root: string, own: string, writable: (path: string) => boolean, groups: Found, notes: Partial<Record<CgroupController, string>>): void {
  const parent = own === '/' || !existsSync(root + own) ? root : root + own;
  if (!writable(parent)) {
    notes.unified = `${parent} is not writable: run as root, or delegate it (systemd: Delegate=yes)`;
    for (const controller of V1) notes[controller] ??= notes.unified;
    return;
  }
  // A child gets the controllers its parent passes on; the root of the hierarchy may hold processes and pass on all the same.
  const passed = new Set((readText(`${parent}/cgroup.subtree_control`) ?? '').trim().split(' '));
  groups.push({ controller: 'unified', version: 2, parent });
  for (const controller of ['memory', 'pids', 'cpu'] as const) {
    if (passed.has(controller)) groups.push({ controller, version: 2, parent });
    else notes[controller] ??= `${parent}/cgroup.subtree_control does not pass on ${controller}: enable it there, or delegate it`;
  }
}
