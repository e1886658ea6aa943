/**
 * A cell in the hands of a program: made once, used for as many commands as wanted, ended once.
 *
 *   N1  a cell ends exactly once, for the first reason there is: closed, killed, given up, out of time, lost, or its evidence failed; whoever
 *       asks again gets the same answer;
 *   N2  the end waits for everything that still runs or is being recorded, so that nothing is recorded after the seal;
 *   N3  what the cell cannot put on the record does not go on: then the cell is destroyed, unsealed, and `close` throws why.
 *
 * An open cell keeps the program running, as an open server does, until it is closed or its time to live is over. A program that ends without
 * closing takes its cells with it (the kernel kills them); the next start sweeps what is left and says so in the evidence, and the run is listed
 * as unsealed.
 */
import { EXIT, CellError, ignore, isCellError, messageOf } from '../base/errors.ts';
import { fileBytes, openRun, type OpenRun, StateFolder, systemClock } from '../compose/local.ts';
import { currentSettings } from '../config/env.ts';
import { parseRedaction } from '../core/events/redact.ts';
import type { CellPlan } from '../core/plan/plan.ts';
import type { CellFacts, CellUsage, TeardownLine } from '../ports/cell-backend.ts';
import type { SessionEnd } from '../runtime/supervisor/cell-session.ts';
import { TTL_OVER } from '../runtime/supervisor/run-command.ts';
import { type ExportedArtifact, exportArtifact } from '../runtime/supervisor/export-artifacts.ts';
import { type CommandHost, execIn, type ExecOptions, type ExecResult, spawnIn, type SpawnedProcess, type SpawnOptions } from './command.ts';
import { CellEvidence } from './evidence.ts';
import { CellFiles } from './files.ts';
import { isPortableIdentifier } from '../base/ids.ts';
import { type CellOptions, requestOf } from './options.ts';

export type CellEnding = 'closed' | 'killed' | 'cancelled' | 'timed-out' | 'lost';

export interface CellEnd {
  readonly runId: string;
  readonly ending: CellEnding;
  readonly outcome: 'succeeded' | 'failed';
  readonly reason?: string;
  /** The teardown certificate: each thing the cell was made of, probed after the kill. */
  readonly teardown: readonly TeardownLine[];
  /** Those lines that say something is left; empty when the cell is gone. */
  readonly residue: readonly TeardownLine[];
  /** Folder of the sealed evidence. */
  readonly bundle: string;
}

interface Ending {
  readonly ending: CellEnding;
  readonly exitCode: number;
  readonly reason?: string;
  /** What the commands that still run are told. */
  readonly clause: string;
}

const ENDINGS = {
  closed: { ending: 'closed', exitCode: EXIT.ok, clause: 'the cell was closed' },
  killed: { ending: 'killed', exitCode: 137, reason: 'the cell was killed by its caller', clause: 'the cell was killed by its caller' },
  cancelled: { ending: 'cancelled', exitCode: 130, reason: 'the caller gave the cell up', clause: 'the caller gave the cell up' },
  timedOut: { ending: 'timed-out', exitCode: EXIT.timeLimit, reason: 'the time to live of the cell was over', clause: TTL_OVER },
  lost: { ending: 'lost', exitCode: EXIT.failure, reason: 'the init of the cell is gone', clause: 'the cell was lost' },
} as const satisfies Record<string, Ending>;

export class Cell implements AsyncDisposable {
  readonly files: CellFiles;
  readonly evidence: CellEvidence;
  readonly #run: OpenRun;
  readonly #cancel = new AbortController();
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<unknown>>();
  readonly #kills = new Set<() => void>();
  readonly #host: CommandHost;
  readonly #over = Promise.withResolvers<void>();
  readonly #released: (() => void)[] = [];
  #killing = false;
  #frozen = false;
  #failure: CellError | undefined;
  #ending: Ending | undefined;
  #end: Promise<CellEnd> | undefined;

  private constructor(run: OpenRun, state: StateFolder, signal: AbortSignal | undefined) {
    this.#run = run;
    const { session } = run;
    this.#host = {
      run,
      cancel: this.#cancel.signal,
      onLost: () => this.#endFor(ENDINGS.lost),
      track: (work) => this.#track(work),
      onKill: (kill) => {
        if (this.#killing) kill();
        this.#kills.add(kill);
        return () => void this.#kills.delete(kill);
      },
    };
    this.files = new CellFiles({ session, during: (operation) => this.#during(operation) });
    this.evidence = new CellEvidence(run, state, this.#over.promise);
    const onAbort = (): void => this.#endFor(ENDINGS.cancelled);
    const ttl = systemClock.after(run.startedAtMs + run.plan.time.ttlMs - systemClock.monotonicMs(), () => this.#endFor(ENDINGS.timedOut));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#released.push(() => signal?.removeEventListener('abort', onAbort), () => ttl[Symbol.dispose]());
    void session.cell.gone.then(() => this.#endFor(ENDINGS.lost));
    if (signal?.aborted === true) onAbort();
  }

  /**
   * Makes a cell and waits for its first command. Its isolation is in force, and the plan is in the evidence.
   *
   * @throws CellError `usage.invalid` | `spec.invalid` | `policy.refused` | `plan.unsatisfiable` | `secret.missing` | `secret.broker` | `backend.failed` |
   *   `cgroup.failed` | `evidence.unwritable` | `signer.unavailable` | `state.unusable`; then nothing of the cell is left
   */
  static async create(options: CellOptions = {}): Promise<Cell> {
    const { signal, evidence, exportDir, redact } = options;
    if (signal?.aborted === true) throw new CellError('cancelled', 'Cannot make the cell: the caller gave it up before it started');
    const settings = currentSettings();
    const state = new StateFolder(options.stateDir ?? settings.stateDir);
    const request = { ...(await requestOf(options)), commands: 'caller' as const, signal: signal ?? new AbortController().signal, ...(evidence === undefined ? {} : { evidence }), ...(exportDir === undefined ? {} : { exportDir }), ...(redact === undefined ? {} : { redaction: parseRedaction(redact) }) };
    return new Cell(await openRun(state, settings, request), state, signal);
  }

  /** Of the run in the evidence; what `cellos show` takes. */
  get id(): string {
    return this.plan.runId;
  }

  /** What was asked, and what this host enforces of it. */
  get plan(): CellPlan {
    return this.#run.plan;
  }

  /** What the kernel says of the finished cell. */
  get facts(): CellFacts {
    return this.#run.session.cell.facts;
  }

  /**
   * Runs a command to its end, next to others or alone, and hands back its output. Does not throw for a command that fails: `exitCode` and
   * `ending` say how it ended. Whatever the command left running ends with it: its session at once, what left the session as soon as no
   * command runs.
   *
   * @throws CellError `usage.invalid` | `cell.closed` | `evidence.unwritable`, and what the caller's own callbacks throw
   */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.#during(() => execIn(this.#host, argv, options));
  }

  /** Starts a command and hands back its streams; up to 64 at once. @throws as `exec`, and `cancelled` */
  spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<SpawnedProcess> {
    return this.#during(() => spawnIn(this.#host, argv, options));
  }

  /**
   * Copies a file out of the cell: by digest into the evidence, and to `exportDir` where there is one.
   *
   * @param path default: as the document says for this name, else the name
   * @throws CellError `export.refused` | `export.failed` | `cell.closed` | `usage.invalid`
   */
  async export(name: string, path?: string): Promise<ExportedArtifact> {
    if (!isPortableIdentifier(name)) throw new CellError('usage.invalid', `Cannot export ${JSON.stringify(name)}: a name has letters, digits, dot, dash and underscore; give the path as the second argument`);
    const { session, bundle, sink, plan } = this.#run;
    const from = path ?? plan.artifacts.find((artifact) => artifact.name === name)?.path ?? name;
    return this.#during(async (signal) => {
      const exported = await exportArtifact({ session, bundle, sink, readBack: fileBytes, signal }, { name, path: from });
      await session.recorder.publish(); // whoever has the artifact has a history that no longer goes without it
      return exported;
    });
  }

  /** Counters of the cell's groups. @throws CellError `cell.closed` */
  usage(): Promise<CellUsage> {
    return this.#during(() => this.#run.session.cell.usage());
  }

  /** Stops everything in the cell where it is. Time goes on: a command that has to be ended while frozen ends the cell. @throws CellError `cgroup.failed` | `cell.closed` */
  freeze(): Promise<void> {
    return this.#during(async () => {
      await this.#run.session.cell.freeze();
      this.#frozen = true;
    });
  }

  /** Lets it go on. @throws CellError `cell.closed` */
  thaw(): Promise<void> {
    return this.#during(() => this.#thaw());
  }

  async #thaw(): Promise<void> {
    if (this.#frozen) await this.#run.session.cell.thaw();
    this.#frozen = false;
  }

  /**
   * Ends what still runs (SIGTERM, then SIGKILL after its grace time), destroys the cell, certifies that nothing is left and seals the evidence.
   * Idempotent [N1]. @throws CellError `evidence.unwritable`; the cell is gone then too
   */
  close(): Promise<CellEnd> {
    return this.#finish(ENDINGS.closed);
  }

  /** As `close`, without asking first. */
  kill(): Promise<CellEnd> {
    this.#killing = true;
    const end = this.#finish(ENDINGS.killed);
    for (const kill of this.#kills) kill();
    return end;
  }

  /** @throws CellError `teardown.residue` | `evidence.unwritable` */
  async [Symbol.asyncDispose](): Promise<void> {
    const { residue } = await this.close();
    if (residue.length > 0) throw new CellError('teardown.residue', `Cannot remove all of the cell ${this.id}: ${residue.map((line) => line.detail).join('; ')}`, { facts: { probes: residue.map((line) => line.probe) } });
  }

  /** The end of the cell waits for it [N2]; evidence that it could not write ends the cell [N3]. */
  #track(work: Promise<unknown>): void {
    const settled = work.then(
      () => undefined,
      (error: unknown) => {
        if (!isCellError(error, 'evidence.unwritable')) return;
        this.#failure ??= error;
        this.#endFor(ENDINGS.cancelled);
      },
    );
    this.#work.add(settled);
    void settled.then(() => this.#work.delete(settled));
  }

  /** Everything that happens in an open cell goes through here [N2, N3]. */
  #during<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#ending !== undefined) {
      const why = this.#failure === undefined ? (this.#ending.reason ?? 'it was closed') : messageOf(this.#failure);
      return Promise.reject(new CellError('cell.closed', `Cannot do this: the cell ${this.id} is over, ${why}`, { facts: { ending: this.#ending.ending } }));
    }
    const running = operation(this.#closing.signal);
    this.#track(running);
    return running;
  }

  #endFor(ending: Ending): void {
    this.#finish(ending).catch((error: unknown) => ignore(error, 'close() tells it'));
  }

  #finish(ending: Ending): Promise<CellEnd> {
    if (this.#end === undefined) {
      this.#ending = ending; // N1
      this.#end = this.#tearDown(ending).finally(() => this.#over.resolve());
    }
    return this.#end;
  }

  async #tearDown(ending: Ending): Promise<CellEnd> {
    for (const release of this.#released) release();
    const { session, bundle, plan } = this.#run;
    const stopped = this.#kills.size > 0;
    await this.#thaw();
    this.#cancel.abort(ending.clause);
    this.#closing.abort();
    while (this.#work.size > 0) await Promise.allSettled([...this.#work]); // N2
    const { exitCode, reason } = ending;
    const outcome = exitCode === 0 ? 'succeeded' : 'failed';
    const end: SessionEnd = { outcome, ending: ending.ending, exitCode, ...(reason === undefined ? {} : { reason }), forced: stopped || exitCode !== 0 };
    let teardown: readonly TeardownLine[] = [];
    try {
      if (this.#failure !== undefined) throw this.#failure; // N3
      teardown = await session.close(end);
    } finally {
      // Also when the evidence failed: nothing of the cell outlives it, and its marks go only when nothing is left.
      const lines = await session.abandon();
      if (![...teardown, ...lines].some((line) => line.result === 'residue')) await this.#run.release();
    }
    return { runId: plan.runId, ending: ending.ending, outcome, ...(reason === undefined ? {} : { reason }), teardown, residue: teardown.filter((line) => line.result === 'residue'), bundle: bundle.path };
  }
}
