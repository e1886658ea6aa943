/**
 * The state folder: one bundle a run, one small file for each run that is going on, scratch space.
 *
 *   Z1  `live/<runId>.json` is there before anything of the run is made, and removed only after its teardown: whoever starts next can sweep
 *       what a killed supervisor left. It is not forced to the disk: a power cut leaves nothing of a cell but its scratch folder, which is
 *       found without a mark;
 *   Z2  a run is `running` while its supervisor lives (pid, start time and boot id), `sealed` when its last record is the seal and the
 *       attestation over it is there, else `unsealed`;
 *   Z3  a run that had a mark is listed, however early its supervisor was killed;
 *   Z4  a bundle is moved aside under a name that is no run id before it is deleted: half a bundle is never listed.
 *
 * LIMIT: supervisors that share a state folder share a pid namespace; one in another container looks dead from here.
 */
import { closeSync, existsSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, ignore } from '../../base/errors.ts';
import { EVENTS } from '../../core/events/catalogue.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import { isAlive, type ProcessIdentity, startTimeOf } from '../os/procfs.ts';
import { AppendFile, privateFolder, temporaryOwner, writeFileAtomic } from '../os/durable-file.ts';

/** What a later start needs to end and remove a run. */
export interface LiveRun {
  readonly runId: string;
  readonly owner: ProcessIdentity;
  readonly scratch: string;
  /** Folder of its secret socket, when that is not in the scratch. */
  readonly socketFolder?: string;
  readonly cgroups: readonly { readonly controller: 'memory' | 'pids' | 'cpu' | 'freezer' | 'unified'; readonly version: 1 | 2; readonly path: string }[];
  /** Where the bundle is, or is going to be. */
  readonly bundle: string;
  /** Of a cell that exists: its init and namespaces, as the host of `owner.bootId` numbers them. */
  readonly cell?: { readonly init: { readonly pid: number; readonly startTime: string }; readonly namespaces: { readonly pid?: number; readonly net?: number } };
  /** Does SIGTERM to the owner end this run in order? Not so for a program that uses the library: the signal would end the program. */
  readonly endsOnSignal?: boolean;
}

/** `missing`: the bundle was put elsewhere (`--evidence`), and is not there any more. */
export type RunState = 'running' | 'sealed' | 'unsealed' | 'missing';

export interface RunEntry {
  readonly runId: string;
  readonly state: RunState;
  readonly bundle: string;
}

export interface RunFolder {
  readonly runId: string;
  /** The bundle. */
  readonly path: string;
  readonly scratch: string;
  readonly records: AppendFile;
}

const RUN_ID = /^[0-9a-z]{26}$/;

export class StateFolder {
  readonly path: string;

  /** @throws CellError `state.unusable` */
  constructor(path: string) {
    this.path = resolve(path);
    privateFolder(this.path);
    for (const name of ['runs', 'live', 'scratch', 'overlays']) mkdirSync(`${this.path}/${name}`, { recursive: true, mode: 0o700 });
  }

  get keys(): string {
    return `${this.path}/keys`;
  }

  scratchOf(runId: string): string {
    return `${this.path}/scratch/${runId}`;
  }

  /** Where the changes of a workspace are kept until they are applied or the run is removed. */
  overlayOf(runId: string): string {
    return `${this.path}/overlays/${runId}`;
  }

  bundleOf(runId: string, evidence?: string): string {
    return evidence === undefined ? `${this.path}/runs/${runId}` : resolve(evidence);
  }

  /** @param evidence where the bundle goes instead of the state folder: must not exist, or be empty. @throws CellError `evidence.unwritable` */
  createRun(runId: string, evidence?: string): RunFolder {
    const path = this.bundleOf(runId, evidence);
    const listed = `${this.path}/runs/${runId}`;
    try {
      if (evidence !== undefined) {
        if (existsSync(path) && readdirSync(path).length > 0) throw new CellError('evidence.unwritable', `Cannot put the evidence into ${path}: the folder is not empty`, { facts: { path } });
        symlinkSync(path, listed); // before the folder itself: what is made is listed [Z3]
      }
      mkdirSync(path, { recursive: evidence !== undefined, mode: 0o700 });
      return { runId, path, scratch: this.scratchOf(runId), records: new AppendFile(`${path}/${BUNDLE.records}`) };
    } catch (error) {
      if (evidence !== undefined) rmSync(listed, { force: true });
      if (error instanceof CellError) throw error;
      throw new CellError('evidence.unwritable', `Cannot make the bundle ${path}: ${errnoOf(error) ?? 'failed'}`, { cause: error, facts: { path } });
    }
  }

  /** [Z1] What is learned once the cell exists need not be durable: a power cut ends the cell too. */
  markLive(run: LiveRun): void {
    writeFileAtomic(`${this.path}/live/${run.runId}.json`, utf8(JSON.stringify(run)), { sync: false });
  }

  unmarkLive(runId: string): void {
    rmSync(`${this.path}/live/${runId}.json`, { force: true });
  }

  live(): LiveRun[] {
    const runs: LiveRun[] = [];
    for (const name of readdirSync(`${this.path}/live`)) {
      if (!name.endsWith('.json')) continue;
      try {
        runs.push(JSON.parse(readFileSync(`${this.path}/live/${name}`, 'utf8')) as LiveRun);
      } catch (error) {
        ignore(error, 'another start removed it, or is writing it');
      }
    }
    return runs;
  }

  /** Runs whose supervisor was killed. */
  abandoned(): LiveRun[] {
    // A run marks itself, makes its scratch, removes its scratch, removes its mark. So of those seen first, what now has scratch and no mark is nobody's.
    const scratch = namesIn(`${this.path}/scratch`).filter((name) => RUN_ID.test(name));
    const live = this.live();
    const marked = new Set(live.map((run) => run.runId));
    const unmarked = scratch.filter((runId) => !marked.has(runId) && existsSync(this.scratchOf(runId)));
    return [...live.filter((run) => !isAlive(run.owner)), ...unmarked.map((runId) => this.#unmarked(runId))];
  }

  /** What a power cut left of a run whose mark was not on the disk yet. Nothing of its cell outlived that. */
  #unmarked(runId: string): LiveRun {
    return { runId, owner: { pid: 0, startTime: '', bootId: '' }, scratch: this.scratchOf(runId), bundle: this.bundleOf(runId), cgroups: [] };
  }

  /** Removes what a killed supervisor was in the middle of writing, and lists the run [Z3]. Idempotent. @returns what was removed */
  tidyAbandoned(run: LiveRun): string[] {
    const removed: string[] = [];
    const artifacts = `${run.bundle}/${BUNDLE.artifacts}`;
    for (const name of namesIn(run.bundle)) if (temporaryOwner(name) === run.owner.pid) removed.push(`${run.bundle}/${name}`);
    for (const name of namesIn(artifacts)) if (/^part-\d+$/.test(name)) removed.push(`${artifacts}${name}`);
    for (const path of removed) rmSync(path, { force: true });
    const listed = `${this.path}/runs/${run.runId}`;
    if (!existsSync(listed)) {
      try {
        unlinkSync(listed);
      } catch (error) {
        ignore(error, 'there is no link to a bundle that was never made; or another start has replaced it by now');
      }
      mkdirSync(listed, { recursive: true, mode: 0o700 });
    }
    return removed;
  }

  /** Removes the unfinished files of processes that are gone. */
  tidyTemporaries(): void {
    for (const folder of [`${this.path}/live`, this.keys]) {
      for (const name of namesIn(folder)) {
        const owner = temporaryOwner(name);
        if (owner !== undefined && (owner === process.pid || startTimeOf(owner) === undefined)) rmSync(`${folder}/${name}`, { force: true });
      }
    }
  }

  /** What is marked as going on for this run, whether or not its supervisor still lives. */
  liveRun(runId: string): LiveRun | undefined {
    try {
      return JSON.parse(readFileSync(`${this.path}/live/${runId}.json`, 'utf8')) as LiveRun;
    } catch (error) {
      ignore(error, 'no mark: the run is over, or was never here');
      return undefined;
    }
  }

  /** Newest first: ids begin with their time. Looks into no bundle. */
  ids(): string[] {
    return readdirSync(`${this.path}/runs`).filter((name) => RUN_ID.test(name)).sort().reverse();
  }

  /** Newest first. */
  list(): RunEntry[] {
    return this.ids().map((runId) => this.entry(runId));
  }

  entry(runId: string): RunEntry {
    const bundle = `${this.path}/runs/${runId}`;
    return { runId, state: this.#stateOf(runId, bundle), bundle };
  }

  #stateOf(runId: string, bundle: string): RunState {
    if (existsSync(`${bundle}/${BUNDLE.attestation}`) && lastRecordIsSeal(`${bundle}/${BUNDLE.records}`)) return 'sealed';
    const live = this.liveRun(runId);
    if (live !== undefined && isAlive(live.owner)) return 'running';
    return existsSync(bundle) ? 'unsealed' : 'missing';
  }

  /** Where the bundle really is, when `--evidence` put it elsewhere. */
  elsewhere(run: RunEntry): string | undefined {
    return lstatSync(run.bundle, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(run.bundle) : undefined;
  }

  /** A whole id, or the beginning or the end of exactly one. @throws CellError `run.unknown` */
  resolve(prefix: string): RunEntry {
    const id = prefix.toLowerCase();
    const found = /^[0-9a-z]+$/.test(id) ? this.ids().filter((runId) => runId.startsWith(id) || runId.endsWith(id)) : [];
    const [first] = found;
    if (first === undefined) throw new CellError('run.unknown', `Cannot find run "${prefix}": no run has this id; cellos ps lists them`, { facts: { prefix } });
    if (found.length > 1 && !found.includes(id)) {
      const shown = found.slice(0, 8);
      throw new CellError('run.unknown', `Cannot tell which run "${prefix}" is: ${found.length} ids fit; give more of it`, { facts: { prefix, candidates: found.length > shown.length ? [...shown, `… and ${found.length - shown.length} more`] : shown } });
    }
    return this.entry(found.includes(id) ? id : first);
  }

  /** Removes the bundle, or only the link to one that was put elsewhere [Z4]. The caller has made sure that the run is over. */
  remove(run: RunEntry): void {
    rmSync(this.overlayOf(run.runId), { recursive: true, force: true });
    const aside = `${run.bundle}.removed`;
    if (this.elsewhere(run) !== undefined) unlinkSync(run.bundle);
    else {
      rmSync(aside, { recursive: true, force: true });
      if (existsSync(run.bundle)) renameSync(run.bundle, aside);
    }
    for (const name of readdirSync(`${this.path}/runs`)) if (name.endsWith('.removed')) rmSync(`${this.path}/runs/${name}`, { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    ignore(error, 'a folder that is not there, or is a file, holds nothing of ours');
    return [];
  }
}

/** Looks at the end of the file only. What it says is for lists; the audit is what proves it. */
function lastRecordIsSeal(path: string): boolean {
  if (!existsSync(path)) return false;
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 16 * 1024));
    readSync(fd, tail, 0, tail.byteLength, size - tail.byteLength);
    const text = tail.toString('latin1');
    const start = text.lastIndexOf('\n', text.length - 2) + 1;
    return text.endsWith('\n') && text.slice(start).includes(JSON.stringify(EVENTS.sealed.type));
  } finally {
    closeSync(fd);
  }
}
