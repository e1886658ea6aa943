/**
 * A backend whose cells are values: programs are functions, files a map, time the clock it is given.
 *
 *   its cells keep the contract of `ports/cell-backend.ts` as the real ones do, but isolate nothing; `faults` makes any step fail before or after
 *   its effect, and `lose` makes an init die.
 */
import { ChunkPipe } from '../base/chunk-pipe.ts';
import { concatBytes, utf8 } from '../base/bytes.ts';
import { CellError } from '../base/errors.ts';
import type { CellPlan } from '../core/plan/plan.ts';
import type { CellBackend, CellCreateOptions, CellFacts, CellFileEntry, CellFiles, CellProcess, CellUsage, ExecRequest, LiveCell, ProcessEnd, TeardownLine } from '../ports/cell-backend.ts';
import type { Clock } from '../ports/clock.ts';
import { Faults } from './faults.ts';

export type FakeEnd = { readonly code: number } | { readonly signal: number };

/** What a fake program is given. */
export interface FakeIo {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** @returns false when nobody reads any more */
  write(stream: 'stdout' | 'stderr', chunk: Uint8Array | string): Promise<boolean>;
  /** Settles when the next signal comes that is not SIGKILL: that one ends every program. */
  signalled(): Promise<number>;
}

export type FakeProgram = (io: FakeIo) => Promise<FakeEnd>;

/** Programs a fake cell has from the start. */
export const FAKE_PROGRAMS: Readonly<Record<string, FakeProgram>> = {
  true: async () => ({ code: 0 }),
  exit: async ({ argv }) => ({ code: Number(argv[1]) }),
  crash: async ({ argv }) => ({ signal: Number(argv[1]) }),
  cat: async ({ stdin, write }) => {
    for await (const chunk of stdin) await write('stdout', chunk);
    return { code: 0 };
  },
  say: async ({ argv, write }) => {
    await write('stdout', argv[1] ?? '');
    return { code: 0 };
  },
  complain: async ({ argv, write }) => {
    await write('stderr', argv[1] ?? '');
    return { code: 0 };
  },
  zeros: async ({ argv, write }) => {
    for (let left = Number(argv[1]); left > 0; left -= 65_536) if (!(await write('stdout', new Uint8Array(Math.min(left, 65_536))))) return { signal: 13 };
    return { code: 0 };
  },
  env: async ({ argv, env, write }) => {
    await write('stdout', env[argv[1] ?? ''] ?? '');
    return { code: 0 };
  },
  sleep: async ({ signalled }) => ({ signal: await signalled() }),
  stubborn: async ({ signalled, write }) => {
    await write('stdout', 'up');
    for (;;) await signalled();
  },
};

const WINDOW = 512 * 1024;
const NO_USAGE = { userMicros: 0, systemMicros: 0, maxRssBytes: 0 };
const SIGKILL = 9;

class FakeProcess implements CellProcess {
  readonly started: Promise<number | undefined>;
  readonly ended: Promise<ProcessEnd>;
  readonly #pipes = { stdin: new ChunkPipe(WINDOW), stdout: new ChunkPipe(WINDOW), stderr: new ChunkPipe(WINDOW) };
  readonly #ended = Promise.withResolvers<ProcessEnd>();
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #waiting: ((signal: number) => void)[] = [];
  readonly #pending: number[] = [];
  #over = false;

  constructor(input: { pid: number; request: ExecRequest; program: FakeProgram | undefined; clock: Clock }) {
    const { request, program } = input;
    this.#clock = input.clock;
    this.#startedAtMs = input.clock.monotonicMs();
    this.ended = this.#ended.promise;
    if (!request.stdin) this.#pipes.stdin.end();
    if (program === undefined) {
      this.started = Promise.resolve(undefined);
      this.end({ kind: 'exec-failed', errno: 2, stage: 'exec', durationMs: 0 });
      return;
    }
    this.started = Promise.resolve(input.pid);
    const env: Record<string, string> = { ...request.env };
    for (const [name, secret] of request.secretEnv ?? []) env[name] = new TextDecoder().decode(secret.reveal());
    program({ argv: request.argv, env, stdin: this.#pipes.stdin, write: (stream, chunk) => this.#write(stream, chunk), signalled: () => this.#next() }).then(
      (end) => this.end('code' in end ? { kind: 'exited', code: end.code, durationMs: this.#durationMs(), usage: NO_USAGE } : this.#signalled(end.signal)),
      () => this.end(this.#signalled(6)),
    );
  }

  #durationMs(): number {
    return this.#clock.monotonicMs() - this.#startedAtMs;
  }

  #signalled(signal: number): ProcessEnd {
    return { kind: 'signalled', signal, coreDumped: false, durationMs: this.#durationMs(), usage: NO_USAGE };
  }

  #next(): Promise<number> {
    const pending = this.#pending.shift();
    return pending === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(pending);
  }

  #write(stream: 'stdout' | 'stderr', chunk: Uint8Array | string): Promise<boolean> {
    return this.#pipes[stream].push(typeof chunk === 'string' ? utf8(chunk) : Uint8Array.from(chunk));
  }

  end(end: ProcessEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#pipes.stdin.abandon();
    for (const name of ['stdout', 'stderr'] as const) this.#pipes[name].end();
    this.#ended.resolve(end);
  }

  get stdout(): AsyncIterable<Uint8Array> {
    return this.#pipes.stdout;
  }

  get stderr(): AsyncIterable<Uint8Array> {
    return this.#pipes.stderr;
  }

  async writeStdin(chunk: Uint8Array): Promise<void> {
    await this.#pipes.stdin.push(Uint8Array.from(chunk));
  }

  closeStdin(): void {
    this.#pipes.stdin.end();
  }

  closeOutput(stream: 'stdout' | 'stderr'): void {
    this.#pipes[stream].abandon();
  }

  signal(signal: number): void {
    if (signal === SIGKILL) this.end(this.#signalled(SIGKILL));
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#pending.push(signal);
    else waiting(signal);
  }
}

type Entry = { readonly kind: 'file'; readonly content: Uint8Array } | { readonly kind: 'directory' | 'symlink' };

function refused(verb: string, path: string, why: string): CellError {
  return new CellError('file.refused', `Cannot ${verb} "${path}" in the cell: ${why}`, { facts: { path } });
}

export type FakeStep = 'create' | 'exec' | 'killAll' | 'read' | 'write' | 'list' | 'usage' | 'freeze' | 'destroy';

export class FakeCell implements LiveCell {
  readonly facts: CellFacts;
  readonly files: CellFiles;
  readonly gone: Promise<void>;
  /** Absolute path → what is there. */
  readonly entries = new Map<string, Entry>([['/', { kind: 'directory' }], ['/work', { kind: 'directory' }], ['/tmp', { kind: 'directory' }]]);
  usageNow: CellUsage = {};
  frozen = false;
  readonly #gone = Promise.withResolvers<void>();
  readonly #running = new Set<FakeProcess>();
  readonly #clock: Clock;
  readonly #programs: Readonly<Record<string, FakeProgram>>;
  readonly #faults: Faults<FakeStep>;
  #pids = 1;
  #lost = false;
  #destroyed: Promise<readonly TeardownLine[]> | undefined;

  constructor(input: { plan: CellPlan; clock: Clock; programs: Readonly<Record<string, FakeProgram>>; faults: Faults<FakeStep> }) {
    this.#clock = input.clock;
    this.#programs = input.programs;
    this.#faults = input.faults;
    this.gone = this.#gone.promise;
    const none = '0000000000000000';
    this.facts = { initPid: 1000, initStartTime: '1', namespaces: { pid: 1, mnt: 2, net: 3, ipc: 4, uts: 5, cgroup: 6, user: 7 }, capabilities: { eff: none, prm: none, bnd: none, amb: none, inh: none }, noNewPrivs: true, seccompMode: 2, seccompFilters: 1, hostUid: input.plan.user.hostUid ?? input.plan.user.uid };
    this.files = { read: (path, options) => this.#read(path, options), write: (path, data, { signal }) => this.#write(path, data, signal), list: (path) => this.#list(path), makeFolder: (path) => this.#makeFolder(path), remove: (path) => this.#remove(path) };
  }

  exec(request: ExecRequest): CellProcess {
    return this.#faults.run('exec', () => {
      this.#pids += 1;
      const process = new FakeProcess({ pid: this.#pids, request, program: this.#programs[request.argv[0] ?? ''], clock: this.#clock });
      if (this.#lost) process.end({ kind: 'lost', reason: 'the init of the cell is gone', durationMs: 0 });
      this.#running.add(process);
      void process.ended.then(() => this.#running.delete(process));
      return process;
    });
  }

  /** The init dies, and everything with it. */
  lose(): void {
    this.#lost = true;
    for (const process of this.#running) process.end({ kind: 'lost', reason: 'the init of the cell is gone', durationMs: 0 });
    this.#gone.resolve();
  }

  killAll(options: { signal: AbortSignal }): Promise<void> {
    return this.#faults.runAsync('killAll', async () => {
      options.signal.throwIfAborted();
      for (const process of this.#running) process.signal(SIGKILL);
    });
  }

  freeze(): Promise<void> {
    return this.#faults.runAsync('freeze', async () => {
      this.frozen = true;
    });
  }

  async thaw(): Promise<void> {
    this.frozen = false;
  }

  usage(): Promise<CellUsage> {
    return this.#faults.runAsync('usage', async () => this.usageNow);
  }

  destroy(): Promise<readonly TeardownLine[]> {
    this.#destroyed ??= this.#destroy();
    return this.#destroyed;
  }

  async #destroy(): Promise<readonly TeardownLine[]> {
    let result: TeardownLine = { probe: 'processes', result: 'clean', detail: 'the init is gone' };
    try {
      await this.#faults.runAsync('destroy', async () => this.lose());
    } catch {
      // B2: a failed step is a line of the certificate, never an error.
      result = { probe: 'processes', result: this.#lost ? 'unchecked' : 'residue', detail: 'an armed fault' };
      this.lose();
    }
    return [result, { probe: 'pid-namespace', result: 'clean', detail: 'no process is in it' }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  /** @throws CellError `file.refused` when a folder on the way is a link or is missing */
  #parentOf(verb: string, path: string): void {
    for (let at = path.lastIndexOf('/'); at >= 0; at = path.lastIndexOf('/', at - 1)) {
      const entry = this.entries.get(path.slice(0, at) || '/');
      if (entry?.kind !== 'directory') throw refused(verb, path, entry === undefined ? 'it does not exist' : 'a part of the path is not a folder');
      if (at === 0) return;
    }
  }

  async *#read(path: string, options: { sizeBytesMax: number; signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    const content = this.#faults.run('read', () => {
      if (options.signal.aborted) throw new CellError('cancelled', `Cannot read "${path}" in the cell: the caller gave up`);
      this.#parentOf('read', path);
      const entry = this.entries.get(path);
      if (entry?.kind !== 'file') throw refused('read', path, entry === undefined ? 'it does not exist' : `it is a ${entry.kind}`);
      if (entry.content.byteLength > options.sizeBytesMax) throw refused('read', path, 'it is larger than the limit');
      return entry.content;
    });
    for (let at = 0; at < content.byteLength; at += 65_536) yield content.slice(at, at + 65_536);
  }

  #write(path: string, data: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#faults.runAsync('write', async () => {
      if (signal.aborted) throw new CellError('cancelled', `Cannot write "${path}" in the cell: the caller gave up`);
      this.#parentOf('write', path);
      const entry = this.entries.get(path);
      if (entry !== undefined && entry.kind !== 'file') throw refused('write', path, `it is a ${entry.kind}`);
      this.entries.set(path, { kind: 'file', content: concatBytes([data]) });
    });
  }

  #list(path: string): Promise<readonly CellFileEntry[]> {
    return this.#faults.runAsync('list', async () => {
      this.#parentOf('list', `${path}/`);
      const prefix = path === '/' ? '/' : `${path}/`;
      return [...this.entries]
        .filter(([at]) => at !== '/' && at.startsWith(prefix) && !at.slice(prefix.length).includes('/'))
        .map(([at, entry]) => ({ name: at.slice(prefix.length), kind: entry.kind, sizeBytes: entry.kind === 'file' ? entry.content.byteLength : 0 }));
    });
  }

  async #makeFolder(path: string): Promise<void> {
    const parts = path.split('/').slice(1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const at = `/${parts.slice(0, depth).join('/')}`;
      const entry = this.entries.get(at);
      if (entry !== undefined && entry.kind !== 'directory') throw refused('make', path, 'it is there already, and is not a folder');
      this.entries.set(at, { kind: 'directory' });
    }
  }

  async #remove(path: string): Promise<void> {
    this.#parentOf('remove', path);
    if (!this.entries.has(path)) throw refused('remove', path, 'it does not exist');
    if ([...this.entries.keys()].some((at) => at.startsWith(`${path}/`))) throw refused('remove', path, 'the folder is not empty');
    this.entries.delete(path);
  }
}

export class FakeBackend implements CellBackend {
  readonly name = 'bwrap';
  readonly faults = new Faults<FakeStep>();
  /** Every cell made, also those whose making was reported as failed. */
  readonly cells: FakeCell[] = [];
  readonly #clock: Clock;
  readonly #programs: Readonly<Record<string, FakeProgram>>;

  constructor(clock: Clock, programs: Readonly<Record<string, FakeProgram>> = {}) {
    this.#clock = clock;
    this.#programs = { ...FAKE_PROGRAMS, ...programs };
  }

  create(plan: CellPlan, options: CellCreateOptions): Promise<LiveCell> {
    return this.faults.runAsync('create', async () => {
      options.signal.throwIfAborted();
      const cell = new FakeCell({ plan, clock: this.#clock, programs: this.#programs, faults: this.faults });
      this.cells.push(cell);
      return cell;
    });
  }
}
