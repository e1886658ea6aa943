/**
 * Kills supervisors with SIGKILL at chosen and at random moments, lets the next start sweep, and looks for anything that is left.
 * A child is always killed by the handle it was started with. All moments follow from one seed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, type FSWatcher, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { folderBundle } from '../../src/adapters/os/bundle-files.ts';
import { probeCgroups } from '../../src/adapters/os/cgroup.ts';
import { startTimeOf, uidOf } from '../../src/adapters/os/procfs.ts';
import { hostPin, openKeys } from '../../src/compose/host-keys.ts';
import { StateFolder } from '../../src/compose/local.ts';
import { holdAgainstLog } from '../../src/compose/log-history.ts';
import { auditBundle } from '../../src/core/evidence/audit.ts';
import { hostUidFor } from '../../src/core/plan/plan-cell.ts';
import { endStarted } from '../end-started.ts';

/** mulberry32: small, seeded, good enough to choose moments. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** When to kill: some time after the start, when the mark of the run is there, or when its nth record is. */
export type Moment = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'mark'; readonly ms: number } | { readonly kind: 'record'; readonly count: number };

const RECORDS = 26;

export function randomMoment(random: () => number): Moment {
  const choice = random();
  if (choice < 0.3) return { kind: 'time', ms: random() * 600 };
  if (choice < 0.7) return { kind: 'mark', ms: random() < 0.3 ? 0 : random() * 400 };
  return { kind: 'record', count: 1 + Math.floor(random() * RECORDS) };
}

/** One state folder, its runs one after the other. */
export class KillBench {
  readonly folder: string;
  readonly state: StateFolder;
  readonly wrong: string[] = [];
  killed = 0;
  unsealed = 0;
  /** Supervisors since the last look. */
  readonly #pids: number[] = [];
  readonly #children = new Set<ChildProcess>();
  #runs = 0;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.state = new StateFolder(`${folder}/state`);
    writeFileSync(`${folder}/secret`, 'a secret of the crash test\n', { mode: 0o600 });
  }

  #start(args: readonly string[]): ChildProcess {
    const child = spawn('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: this.state.path }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** For a campaign that was given up: nothing it started outlives it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endStarted(this.#children, [this.state.path]);
  }

  /** Starts a run with groups, an export, daemonised children and often a secret, and kills its supervisor at the moment. */
  async kill(moment: Moment, random: () => number): Promise<void> {
    this.#runs += 1;
    const evidence = `${this.folder}/evidence-${this.#runs}`;
    const elsewhere = moment.kind === 'record' || random() < 0.5;
    if (moment.kind === 'record') mkdirSync(evidence, { mode: 0o700 });
    const workload = '(setsid sleep 300 &); (setsid sh -c "sleep 300 & sleep 300" &); echo out; head -c 300000 /dev/zero > result; sleep 0.1';
    const secret = random() < 0.5 ? ['--secret', `TOKEN=file:${this.folder}/secret`] : [];
    const child = this.#start(['run', '--quiet', '--memory', '256M', '--export', 'result=result', ...secret, ...(elsewhere ? ['--evidence', evidence] : []), '--', 'sh', '-c', workload]);
    if (child.pid !== undefined) this.#pids.push(child.pid);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.stderr?.resume();
    await Promise.race([this.#moment(moment, evidence), ended]);
    if (child.exitCode === null) this.killed += 1;
    child.kill('SIGKILL');
    await ended;
  }

  async #moment(moment: Moment, evidence: string): Promise<void> {
    if (moment.kind === 'time') return wait(moment.ms, undefined, { ref: false });
    const seen = (): boolean => (moment.kind === 'mark' ? readdirSync(`${this.state.path}/live`).some((name) => name.endsWith('.json') && !this.#marksBefore.has(name)) : newlines(`${evidence}/records.jsonl`) >= moment.count);
    if (moment.kind === 'mark') for (const name of readdirSync(`${this.state.path}/live`)) this.#marksBefore.add(name);
    let watcher: FSWatcher | undefined;
    await new Promise<void>((resolve) => {
      watcher = watch(moment.kind === 'mark' ? `${this.state.path}/live` : evidence, () => {
        if (seen()) resolve();
      });
      watcher.unref();
    });
    watcher?.close();
    if (moment.kind === 'mark') await wait(moment.ms, undefined, { ref: false });
  }

  readonly #marksBefore = new Set<string>();

  /** The next start, or several at once. @returns what each says it swept */
  async sweep(starts = 1): Promise<string[][]> {
    return Promise.all(
      Array.from({ length: starts }, async (_, i) => {
        const evidence = `${this.folder}/sweep-${this.#runs}-${i}`;
        const child = this.#start(['run', '--quiet', '--evidence', evidence, '--', 'true']);
        let said = '';
        child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
        const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
        if (code !== 0) this.wrong.push(`the start that sweeps ended with ${code}: ${said}`);
        if (!existsSync(`${evidence}/records.jsonl`)) return [];
        const records = readFileSync(`${evidence}/records.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line).envelope.event);
        if (code !== 0) this.wrong.push(JSON.stringify(records.find((event) => event.type.endsWith('teardown.v1.certificate'))?.data.lines.filter((line: { result: string }) => line.result !== 'clean')));
        const swept = records.find((event) => event.type.endsWith('recovery.v1.swept'))?.data.runs ?? [];
        for (const run of swept) if (run.residue.length > 0) this.wrong.push(`swept with residue: ${JSON.stringify(run)}`);
        return swept.map((run: { runId: string }) => run.runId);
      }),
    );
  }

  /** Leaves of the log that were looked at already: the runs they are of are removed by now. */
  #leavesSeen = 0;

  /** Whoever was killed, the log is whole, goes on, and has no leaf of a run that is not there. */
  async #holdAgainstLog(bundles: readonly string[], torn: boolean): Promise<void> {
    const log = await holdAgainstLog(`${this.state.path}/log`, bundles, { pins: [hostPin(this.state)], from: new Map() });
    for (const item of log.items) if (item.standing !== 'part' && item.standing !== 'unfinished') this.wrong.push(`${item.runId ?? item.path} stands in the log as ${item.standing}: ${item.detail ?? ''}`);
    for (const { first, last } of log.unseen) if (last >= this.#leavesSeen && !torn) this.wrong.push(`leaves ${first} to ${last} of the log are of no run that is there`);
    this.#leavesSeen = Number(log.size);
  }

  /** Sweeps, then looks everywhere. @param options.torn a record was cut by hand: the log may know it */
  async sweepAndLook(starts = 1, { torn = false } = {}): Promise<void> {
    const marked = this.state.live().map((run) => run.runId);
    const swept = (await this.sweep(starts)).flat();
    for (const runId of marked) if (!swept.includes(runId)) this.wrong.push(`${runId} was left, and no start says that it swept it`);
    const listed = this.state.list();
    const ids = [...marked, ...listed.map((run) => run.runId)];
    for (const runId of marked) if (!listed.some((run) => run.runId === runId)) this.wrong.push(`${runId} is not listed`);
    this.wrong.push(...leftProcesses(this.#pids.splice(0)), ...leftGroups(ids), ...leftFiles(this.folder), ...leftMounts(this.folder));
    for (const name of [...readdirSync(`${this.state.path}/live`), ...readdirSync(`${this.state.path}/scratch`)]) this.wrong.push(`${name} is left in the state folder`);
    await this.#holdAgainstLog(listed.map((run) => run.bundle), torn);
    const { root } = openKeys(this.state);
    for (const run of listed) {
      const { verdict, findings } = await auditBundle(folderBundle(`${run.bundle}/.`), { roots: new Map([[root.kid, root.publicKey]]) });
      if (run.state === 'unsealed') this.unsealed += 1;
      const expected = run.state === 'sealed' ? 'complete' : run.state === 'unsealed' ? 'incomplete-tail' : 'none';
      if (verdict !== expected) this.wrong.push(`${run.runId} is listed as ${run.state}, and its evidence is ${verdict}: ${findings.join('; ')}`);
      this.state.remove(run);
    }
  }
}

function newlines(path: string): number {
  return existsSync(path) ? readFileSync(path).filter((byte) => byte === 10).length : 0;
}

function leftProcesses(supervisors: readonly number[]): string[] {
  const uids = new Set(supervisors.map((pid) => hostUidFor(pid, 0)));
  const left: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const uid = uidOf(Number(name));
    if (startTimeOf(Number(name)) === undefined) continue; // it ended meanwhile, or waits to be reaped by the host's init
    if (uid !== undefined && uids.has(uid)) left.push(`process ${name} runs as the user ${uid} of a cell`);
    let command = '';
    try {
      command = readFileSync(`/proc/${name}/cmdline`, 'latin1');
    } catch {
      continue; // it ended meanwhile
    }
    if (supervisors.some((pid) => command.endsWith(`launch\x003\x00${pid}\x00`))) left.push(`process ${name} is a launcher: ${command.replaceAll('\0', ' ')}`);
  }
  return left;
}

function leftGroups(runIds: readonly string[]): string[] {
  const left: string[] = [];
  for (const { parent } of probeCgroups({ writable: () => true }).groups) for (const id of runIds) if (existsSync(`${parent}/cellos-${id}`)) left.push(`the group ${parent}/cellos-${id} is left`);
  return left;
}

function leftFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => /\.part$|^part-/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name} is left half-written`);
}

function leftMounts(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(folder));
}

export interface KillReport {
  readonly killed: number;
  readonly unsealed: number;
  readonly wrong: readonly string[];
}

/** `count` kills on `parallel` state folders; every `batch` kills a start sweeps, and everything is looked at. */
export async function killCampaign(options: { folder: string; seed: number; count: number; parallel: number; batch: number }): Promise<KillReport> {
  const { folder, seed, count, parallel, batch } = options;
  const benches = await Promise.all(
    Array.from({ length: parallel }, async (_, lane) => {
      await using bench = new KillBench(`${folder}/lane-${lane}`);
      const random = seededRandom(seed + lane * 7919);
      const own = Math.ceil(count / parallel);
      for (let i = 1; i <= own; i += 1) {
        await bench.kill(randomMoment(random), random);
        if (i % batch === 0 || i === own) await bench.sweepAndLook(1 + Number(random() < 0.3));
      }
      return bench;
    }),
  );
  return { killed: benches.reduce((sum, bench) => sum + bench.killed, 0), unsealed: benches.reduce((sum, bench) => sum + bench.unsealed, 0), wrong: benches.flatMap((bench) => bench.wrong) };
}
