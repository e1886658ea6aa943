/**
 * Ends and removes runs of this host.
 *
 *   RC1  a supervisor is known by pid, start time and boot id, and only one that said it ends its run on a signal is sent one;
 *   RC2  a run that is going on is never removed; what a killed supervisor left of a run is swept before its marks go.
 *
 * LIMIT: between the look at the start time and the signal the pid could be given to another process; Node offers no pidfd.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { sweepRemains } from '../adapters/backend/bwrap/teardown.ts';
import { isAlive } from '../adapters/os/procfs.ts';
import { FolderWatch } from '../adapters/store/run-reader.ts';
import type { LiveRun, RunEntry, StateFolder } from '../adapters/store/state.ts';
import { CellError, errnoOf, ignore, messageOf } from '../base/errors.ts';

/** How often the end of a supervisor is looked for beside the changes of its marks, ms. */
const LOOK_MS = 500;

function signalOwner(live: LiveRun): void {
  if (!isAlive(live.owner)) return; // RC1
  try {
    process.kill(live.owner.pid, 'SIGTERM');
  } catch (error) {
    if (errnoOf(error) === 'EPERM') throw new CellError('run.busy', `Cannot stop run ${live.runId}: its supervisor, process ${live.owner.pid}, belongs to another user`, { cause: error });
    ignore(error, 'it ended by itself');
  }
}

async function untilOver(state: StateFolder, live: LiveRun, watch: FolderWatch, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (state.liveRun(live.runId) === undefined || !isAlive(live.owner)) return true;
    await watch.next(LOOK_MS, signal);
  }
  return false;
}

export interface StopOptions {
  /** Time for the command to end by itself before it is killed, ms; undefined: what its plan gives it. */
  readonly graceMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Asks the supervisor of a run to end it, and waits until the run is over.
 *
 * @returns the run as it is then
 * @throws CellError `run.busy` when the run is not one to be stopped from outside, or is still there
 */
export async function stopRun(state: StateFolder, run: RunEntry, options: StopOptions): Promise<RunEntry> {
  const live = state.liveRun(run.runId);
  if (run.state !== 'running' || live === undefined) return run;
  if (live.endsOnSignal !== true) throw new CellError('run.busy', `Cannot stop run ${run.runId}: it belongs to a program that uses the library, process ${live.owner.pid}; end it there`, { facts: { pid: live.owner.pid } });
  using watch = new FolderWatch(`${state.path}/live`);
  signalOwner(live);
  const patience = options.graceMs === undefined ? options.signal : AbortSignal.any([options.signal, AbortSignal.timeout(options.graceMs)]);
  if (!(await untilOver(state, live, watch, patience)) && !options.signal.aborted) {
    signalOwner(live); // The second request kills at once.
    await untilOver(state, live, watch, options.signal);
  }
  const now = state.entry(run.runId);
  if (now.state === 'running') throw new CellError('run.busy', `Cannot say that run ${run.runId} is over: we stopped waiting for it`);
  return now;
}

export interface Removal {
  readonly runId: string;
  readonly bytes: number;
  /** The bundle stays here: it was put outside of the state folder with --evidence. */
  readonly keptAt?: string;
}

function sizeOf(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(`${path}/${name}`), 0);
}

/** @throws CellError `run.busy` | `teardown.residue` | `state.unusable` */
export async function removeRun(state: StateFolder, run: RunEntry): Promise<Removal> {
  if (run.state === 'running') throw new CellError('run.busy', `Cannot remove run ${run.runId}: it is going on; cellos stop ${run.runId} ends it`);
  const live = state.liveRun(run.runId);
  if (live !== undefined) {
    if (isAlive(live.owner)) throw new CellError('run.busy', `Cannot remove run ${run.runId}: process ${live.owner.pid} is still taking it down`);
    const residue = (await sweepRemains({ cgroups: live.cgroups, scratch: live.scratch })).filter((line) => line.result === 'residue');
    if (residue.length > 0) throw new CellError('teardown.residue', `Cannot remove run ${run.runId}: something of its cell is still there: ${residue.map((line) => line.detail).join('; ')}`); // RC2
  }
  const keptAt = state.elsewhere(run);
  const bytes = keptAt === undefined ? sizeOf(run.bundle) : 0;
  try {
    state.remove(run);
  } catch (error) {
    throw new CellError('state.unusable', `Cannot remove run ${run.runId}: ${messageOf(error)}`, { cause: error });
  }
  state.unmarkLive(run.runId);
  return { runId: run.runId, bytes, ...(keptAt === undefined ? {} : { keptAt }) };
}
