/**
 * Ends a cell and looks at what is left. Shared by the live cell and by the sweep after a killed supervisor.
 *
 *   T1  every step runs, whatever the one before did; a probe that could not be made is `unchecked`, never `clean`;
 *   T2  a process is killed only when its start time still is the one we know.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { ignore, messageOf } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { PlannedCgroup } from '../../../core/plan/plan.ts';
import type { TeardownLine } from '../../../ports/cell-backend.ts';
import { killCgroups, processesOf, removeCgroup } from '../../os/cgroup.ts';
import { type NamespaceScan, scanNamespaces, startTimeOf } from '../../os/procfs.ts';
import { removeTree } from '../../os/remove-tree.ts';

export interface Remains {
  readonly cgroups: readonly Pick<PlannedCgroup, 'controller' | 'version' | 'path'>[];
  readonly scratch: string;
  readonly init?: { readonly pid: number; readonly startTime: string };
  readonly namespaces?: { readonly pid?: number; readonly net?: number };
  /** Keeps their numbers from being given to another cell before they were probed; let go by the probe. */
  readonly held?: Disposable;
}

function killInit(init: Remains['init']): void {
  if (init === undefined || startTimeOf(init.pid) !== init.startTime) return; // T2
  try {
    process.kill(init.pid, 'SIGKILL');
  } catch (error) {
    ignore(error, 'it ended by itself');
  }
}

/** Kills what lives, as often as needed. The death of a pid namespace's init takes all of its processes with it. */
export async function killRemains(remains: Remains): Promise<void> {
  const alive = (): boolean => remains.cgroups.some((group) => processesOf(group.path).some((pid) => startTimeOf(pid) !== undefined)) || (remains.init !== undefined && startTimeOf(remains.init.pid) === remains.init.startTime);
  for (let waited = 0, step = 1; waited < LIMITS.killTimeoutMs && alive(); waited += step, step = Math.min(step * 2, 100)) {
    killInit(remains.init);
    try {
      killCgroups(remains.cgroups.filter((group) => existsSync(group.path)));
    } catch (error) {
      ignore(error, 'tried again on the next turn; the probes say what is left');
    }
    await wait(step);
  }
}

function probe(name: string, look: () => { result: TeardownLine['result']; detail: string }): TeardownLine {
  try {
    return { probe: name, ...look() };
  } catch (error) {
    return { probe: name, result: 'unchecked', detail: messageOf(error) };
  }
}

/** A killed process holds its namespaces for a moment after it has left its groups: looked at again until the budget is over. */
async function scanUntilEmpty(wanted: { pid: number; net?: number }, budgetMs: number): Promise<NamespaceScan> {
  for (let waited = 0, step = 1; ; waited += step, step = Math.min(step * 2, 100)) {
    const scan = scanNamespaces(wanted);
    if ((scan.pid.length === 0 && scan.net.length === 0) || waited >= budgetMs) return scan;
    await wait(step);
  }
}

/** LIMIT: where the namespaces could not be held, another cell made meanwhile may have got the number, and shows as residue of this one. */
async function namespaceLines(remains: Remains): Promise<TeardownLine[]> {
  using _held = remains.held;
  const { pid, net } = remains.namespaces ?? {};
  if (pid === undefined) return [{ probe: 'pid-namespace', result: 'unchecked', detail: 'its number is not known' }];
  let scan: NamespaceScan;
  try {
    scan = await scanUntilEmpty({ pid, ...(net === undefined ? {} : { net }) }, 2_000);
  } catch (error) {
    return [{ probe: 'pid-namespace', result: 'unchecked', detail: messageOf(error) }];
  }
  const line = (name: string, pids: readonly number[], inode: number): TeardownLine => {
    if (pids.length > 0) return { probe: name, result: 'residue', detail: `${name} ${inode} still holds pids ${pids.slice(0, 8).join(' ')}` };
    // Without root, other users' processes cannot be looked at; ours run as this very user, so what is hidden is not ours.
    return { probe: name, result: 'clean', detail: `no process is in ${name} ${inode}` };
  };
  return [line('pid-namespace', scan.pid, pid), ...(net === undefined ? [] : [line('network-namespace', scan.net, net)])];
}

/** Looks at every thing a cell is made of, and removes what is only a name by now: groups and folders. */
export async function probeRemains(remains: Remains): Promise<TeardownLine[]> {
  const lines: TeardownLine[] = [];
  lines.push(
    probe('processes', () => {
      const left = remains.cgroups.flatMap((group) => processesOf(group.path)).filter((pid) => startTimeOf(pid) !== undefined);
      if (left.length > 0) return { result: 'residue', detail: `pids ${[...new Set(left)].slice(0, 8).join(' ')} are still in the cell's groups` };
      if (remains.init !== undefined && startTimeOf(remains.init.pid) === remains.init.startTime) return { result: 'residue', detail: `init ${remains.init.pid} is alive` };
      return { result: 'clean', detail: remains.cgroups.length > 0 ? 'the groups are empty and the init is gone' : 'the init is gone' };
    }),
    ...(await namespaceLines(remains)),
  );
  for (const group of remains.cgroups) {
    const gone = await removeCgroup(group.path, 2_000);
    lines.push({ probe: `cgroup.${group.controller}`, result: gone ? 'clean' : 'residue', detail: gone ? `${group.path} is removed` : `${group.path} is still there` });
  }
  lines.push(
    probe('mounts', () => {
      const left = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').filter((line) => line.includes(` ${remains.scratch}`));
      return left.length > 0 ? { result: 'residue', detail: `${left.length} mounts beneath ${remains.scratch}` } : { result: 'clean', detail: 'the mounts were in the namespace of the cell, and none is in ours' };
    }),
    probe('temp', () => {
      removeTree(remains.scratch);
      return existsSync(remains.scratch) ? { result: 'residue', detail: `${remains.scratch} is still there` } : { result: 'clean', detail: 'the scratch folder is removed' };
    }),
  );
  return lines;
}

/** For the next start: ends and removes what a killed supervisor left. Idempotent. */
export async function sweepRemains(remains: Remains): Promise<TeardownLine[]> {
  await killRemains(remains);
  return probeRemains(remains);
}
