/**
 * The state folder: one bundle a run, one small file for each run that is going on, scratch space.
 *
 *   Z1  `live/<runId>.json` is durable before anything of the run is made, and removed only after its teardown: whoever starts next can
 *       sweep what a killed supervisor left;
 *   Z2  a run is `running` while its supervisor lives (pid, start time and boot id), `sealed` when its last record is the seal, else `unsealed`.
 */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, ignore } from '../../base/errors.ts';
import { EVENTS } from '../../core/events/catalogue.ts';
import { isAlive, type ProcessIdentity } from '../os/procfs.ts';
import { AppendFile, privateFolder, writeFileAtomic } from '../os/durable-file.ts';

/** What a later start needs to end and remove a run. */
export interface LiveRun {
  readonly runId: string;
  readonly owner: ProcessIdentity;
  readonly scratch: string;
  readonly cgroups: readonly { readonly controller: 'memory' | 'pids' | 'cpu' | 'freezer' | 'unified'; readonly version: 1 | 2; readonly path: string }[];
}

export type RunState = 'running' | 'sealed' | 'unsealed';

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

  /** @param evidence where the bundle goes instead of the state folder: must not exist, or be empty */
  createRun(runId: string, evidence?: string): RunFolder {
    const path = evidence === undefined ? `${this.path}/runs/${runId}` : resolve(evidence);
    try {
      mkdirSync(path, { recursive: evidence !== undefined, mode: 0o700 });
      if (evidence !== undefined && readdirSync(path).length > 0) throw new CellError('evidence.unwritable', `Cannot put the evidence into ${path}: the folder is not empty`, { facts: { path } });
      if (evidence !== undefined) symlinkSync(path, `${this.path}/runs/${runId}`);
      return { runId, path, scratch: this.scratchOf(runId), records: new AppendFile(`${path}/records.jsonl`) };
    } catch (error) {
      if (error instanceof CellError) throw error;
      throw new CellError('evidence.unwritable', `Cannot make the bundle ${path}: ${errnoOf(error) ?? 'failed'}`, { cause: error, facts: { path } });
    }
  }

  /** [Z1] */
  markLive(run: LiveRun): void {
    writeFileAtomic(`${this.path}/live/${run.runId}.json`, utf8(JSON.stringify(run)));
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
    return this.live().filter((run) => !isAlive(run.owner));
  }

  /** Newest first: ids begin with their time. */
  list(): RunEntry[] {
    const live = new Map(this.live().map((run) => [run.runId, run]));
    const ids = readdirSync(`${this.path}/runs`).filter((name) => RUN_ID.test(name));
    return ids.sort().reverse().map((runId) => this.#entry(runId, live.get(runId)));
  }

  #entry(runId: string, live: LiveRun | undefined): RunEntry {
    const bundle = `${this.path}/runs/${runId}`;
    const state: RunState = lastRecordIsSeal(`${bundle}/records.jsonl`) ? 'sealed' : live !== undefined && isAlive(live.owner) ? 'running' : 'unsealed';
    return { runId, state, bundle };
  }

  /** A whole id, or the beginning or the end of exactly one. @throws CellError `run.unknown` */
  resolve(prefix: string): RunEntry {
    const id = prefix.toLowerCase();
    const found = /^[0-9a-z]+$/.test(id) ? this.list().filter((run) => run.runId.startsWith(id) || run.runId.endsWith(id)) : [];
    const [first] = found;
    if (first === undefined) throw new CellError('run.unknown', `Cannot find run "${prefix}": no run has this id; cellos ps lists them`, { facts: { prefix } });
    if (found.length > 1) throw new CellError('run.unknown', `Cannot tell which run "${prefix}" is: ${found.length} ids fit; give more of it`, { facts: { prefix } });
    return first;
  }

  remove(run: RunEntry): void {
    rmSync(this.overlayOf(run.runId), { recursive: true, force: true });
    rmSync(run.bundle, { recursive: true, force: true });
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
