/**
 * Commands of a cell, as a caller sees them: `exec` hands back all of one, `spawn` its streams.
 *
 *   Y1  how a command ends is a value, whatever the exit code: only what CellOS itself cannot do is thrown;
 *   Y2  what the caller's own callbacks and sources throw ends the command and is thrown back, after the command is on the record.
 */
import { constants } from 'node:os';
import { utf8 } from '../base/bytes.ts';
import { ChunkPipe } from '../base/chunk-pipe.ts';
import { CellError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { type OpenRun, systemClock } from '../compose/local.ts';
import { cellPath } from '../core/plan/plan-cell.ts';
import type { CellUsage } from '../ports/cell-backend.ts';
import { type CommandOutcome, type CommandRequest, type Ending, runCommand } from '../runtime/supervisor/run-command.ts';
import { checkVariables } from './options.ts';
import { Collector, type Output } from './output.ts';

export type StdinSource = Uint8Array | string | AsyncIterable<Uint8Array | string>;
export type SignalName = NodeJS.Signals;

export interface CommandOptions {
  /** Default: the working directory of the cell, `/work`. Relative paths are beneath it. */
  readonly cwd?: string;
  /** Beside the variables of the cell. */
  readonly env?: Readonly<Record<string, string>>;
  /** Aborting it ends the command: SIGTERM, then SIGKILL after `graceMs`. Its ending is `cancelled`. */
  readonly signal?: AbortSignal;
  /** Longest duration; its ending is then `timed-out`, its exit code 124. Default: the document's, else none but the cell's own time. */
  readonly timeoutMs?: number;
  /** Between SIGTERM and SIGKILL. Default: the document's, else 10,000. */
  readonly graceMs?: number;
}

export interface ExecOptions extends CommandOptions {
  /** Default: at end of file. */
  readonly stdin?: StdinSource;
  /** Called with each piece as it comes; a promise it returns holds the command's output back until it settles. */
  readonly onStdout?: (chunk: Uint8Array) => void | Promise<void>;
  readonly onStderr?: (chunk: Uint8Array) => void | Promise<void>;
  /** Most bytes collected of each stream; default 16 MiB. What is beyond is dropped here, not in the evidence, and `truncated` says so. */
  readonly outputBytesMax?: number;
}

export interface SpawnOptions extends CommandOptions {
  /** `pipe`: written through `stdin` of the process. Default: at end of file. */
  readonly stdin?: StdinSource | 'pipe';
  /** `ignore`: not handed out, though kept in the evidence. */
  readonly stdout?: 'pipe' | 'ignore';
  readonly stderr?: 'pipe' | 'ignore';
}

export interface ProcessResult {
  /** The command's own, or 128 + signal, 124 time limit, 126 not executable, 127 not found, 130 cancelled, 137 killed by a limit, 125 the cell was lost. */
  readonly exitCode: number;
  readonly ending: Ending;
  readonly signal?: SignalName;
  /** Why, in one clause, when it was not the command's own doing. */
  readonly reason?: string;
  readonly durationMs: number;
  /** Counters of the whole cell when the command ended. */
  readonly usage: CellUsage;
}

export interface ExecResult extends ProcessResult {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Was more written than was collected? */
  readonly truncated: boolean;
}

/** What commands need of their cell. */
export interface CommandHost {
  readonly run: OpenRun;
  /** Aborted with a clause when the cell ends. */
  readonly cancel: AbortSignal;
  /** A command found the cell gone. */
  onLost(): void;
  /** The end of the cell waits for this. */
  track(work: Promise<unknown>): void;
  /** Registers what `kill` of the cell calls. @returns what takes it off again */
  onKill(kill: () => void): () => void;
}

const usage = (message: string): CellError => new CellError('usage.invalid', message);

export function signalNumber(signal: SignalName | number): number {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (!Number.isInteger(number) || number < 1 || number > 64) throw usage(`Cannot send the signal ${String(signal)}: there is none of that name`);
  return number;
}

function nameOf(signal: number): SignalName {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal);
  return (found?.[0] ?? `SIG${signal}`) as SignalName;
}

function resultOf(outcome: CommandOutcome): ProcessResult {
  const { signal, ...rest } = outcome;
  return { ...rest, ...(signal === undefined ? {} : { signal: nameOf(signal) }) };
}

/** @throws CellError `usage.invalid` */
function checkCommand(host: CommandHost, argv: readonly string[], options: CommandOptions): void {
  if (!Array.isArray(argv) || argv.length === 0 || argv[0] === '') throw usage('Cannot run nothing: give the program and its arguments as a list, as in ["ls", "-l"]');
  if (argv.some((arg) => typeof arg !== 'string' || arg.includes('\0'))) throw usage(`Cannot run ${String(argv[0])}: an argument is not a text, or holds a NUL character`);
  for (const name of ['timeoutMs', 'graceMs'] as const) if (options[name] !== undefined && !(options[name] >= 0)) throw usage(`Cannot use ${name} ${options[name]}: it has to be a number of milliseconds`);
  checkVariables(options.env ?? {}, host.run.plan.secrets.refs);
}

async function* chunksOf(source: StdinSource): AsyncGenerator<Uint8Array> {
  if (typeof source === 'string') yield utf8(source);
  else if (source instanceof Uint8Array) yield source;
  else for await (const chunk of source) yield typeof chunk === 'string' ? utf8(chunk) : chunk;
}

/** The caller's side of one command: what ends it, and what its callbacks threw. */
class Caller {
  readonly #stop = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  /** Lets go of the signals, which may live longer than the command. */
  readonly done: () => void;

  constructor(host: CommandHost, signal: AbortSignal | undefined) {
    const onAbort = (): void => this.#stop.abort('the caller gave the command up');
    const onCellEnd = (): void => this.#stop.abort(host.cancel.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    host.cancel.addEventListener('abort', onCellEnd, { once: true });
    this.done = () => {
      signal?.removeEventListener('abort', onAbort);
      host.cancel.removeEventListener('abort', onCellEnd);
    };
    if (signal?.aborted === true) onAbort();
    if (host.cancel.aborted) onCellEnd();
  }

  get cancel(): AbortSignal {
    return this.#stop.signal;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stop.abort('the caller of the command failed');
  }

  /** [Y2] */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits for the caller, but not for one that never answers when the command has to end. */
  async take(callback: ((chunk: Uint8Array) => void | Promise<void>) | undefined, chunk: Uint8Array): Promise<void> {
    try {
      const waiting = callback?.(chunk);
      if (waiting === undefined) return;
      const stopped = Promise.withResolvers<void>();
      const onStop = (): void => stopped.resolve();
      this.cancel.addEventListener('abort', onStop, { once: true });
      if (this.cancel.aborted) onStop();
      await Promise.race([waiting, stopped.promise]).finally(() => this.cancel.removeEventListener('abort', onStop));
    } catch (error) {
      this.fail(error);
    }
  }

  async *feed(source: StdinSource): AsyncGenerator<Uint8Array> {
    try {
      yield* chunksOf(source);
    } catch (error) {
      this.fail(error);
    }
  }
}

type Streams = Pick<CommandRequest, 'onOutput'> & Partial<Pick<CommandRequest, 'stdin' | 'onStarted' | 'onEnded'>>;

async function start(host: CommandHost, argv: readonly string[], options: CommandOptions, caller: Caller, streams: Streams): Promise<ProcessResult> {
  const { session, plan, bundle, startedAtMs } = host.run;
  const timeoutMs = options.timeoutMs ?? plan.time.timeoutMs;
  let unregister: (() => void) | undefined;
  try {
    const outcome = await runCommand(session, systemClock, {
      ...streams,
      argv,
      cwd: cellPath(options.cwd ?? '', plan.workingDirectory),
      env: { ...plan.env, ...options.env },
      keep: (command) => ({ stdout: bundle.keepOutput('stdout', command), stderr: bundle.keepOutput('stderr', command) }),
      numbered: true,
      onStarted: (pid, signal) => {
        unregister = host.onKill(() => signal(constants.signals.SIGKILL));
        streams.onStarted?.(pid, signal);
      },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ttlDeadlineMs: startedAtMs + plan.time.ttlMs,
      graceMs: options.graceMs ?? plan.time.graceMs,
      cancel: caller.cancel,
    });
    if (outcome.ending === 'lost') host.onLost();
    caller.rethrow();
    return resultOf(outcome);
  } finally {
    unregister?.();
    caller.done();
  }
}

/** Nothing was started, so nothing is on the record. */
const NOT_STARTED: ProcessResult = { exitCode: 130, ending: 'cancelled', reason: 'the caller gave the command up before it started', durationMs: 0, usage: {} };

/** @throws CellError `usage.invalid` | `evidence.unwritable`, and what the caller's own callbacks throw */
export async function execIn(host: CommandHost, argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  checkCommand(host, argv, options);
  const bytesMax = options.outputBytesMax ?? LIMITS.outputCollectedBytesMax;
  if (!Number.isSafeInteger(bytesMax) || bytesMax < 0) throw usage(`Cannot use outputBytesMax ${bytesMax}: it has to be a whole number of bytes`);
  const collected = { stdout: new Collector(bytesMax), stderr: new Collector(bytesMax) };
  const callbacks = { stdout: options.onStdout, stderr: options.onStderr };
  const finish = (result: ProcessResult): ExecResult => ({ ...result, stdout: collected.stdout.take(), stderr: collected.stderr.take(), truncated: collected.stdout.truncated || collected.stderr.truncated });
  if (options.signal?.aborted === true) return finish(NOT_STARTED);
  const caller = new Caller(host, options.signal);
  const result = await start(host, argv, options, caller, {
    ...(options.stdin === undefined ? {} : { stdin: caller.feed(options.stdin) }),
    onOutput: async (stream, chunk) => {
      collected[stream].add(chunk);
      await caller.take(callbacks[stream], chunk);
      return true;
    },
  });
  return finish(result);
}

/** A running command. Its output waits for its reader: what is not read makes it wait, as a pipe does, until it has ended. */
export class SpawnedProcess implements AsyncDisposable {
  /** In the cell; undefined when it could not be started: `wait` says why. */
  readonly pid: number | undefined;
  /** Each can be read once. Leaving the loop early closes the stream: the command gets SIGPIPE. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly stdin: {
    /** Resolves when the command may be given more; false when it takes nothing any more. */
    write(chunk: Uint8Array | string): Promise<boolean>;
    end(): void;
  };
  readonly #signal: (signal: number) => void;
  readonly #result: Promise<ProcessResult>;

  constructor(made: { pid: number | undefined; pipes: SpawnPipes; signal: (signal: number) => void; result: Promise<ProcessResult> }) {
    const { pid, pipes } = made;
    this.pid = pid;
    this.stdout = pipes.stdout;
    this.stderr = pipes.stderr;
    this.stdin = { write: (chunk) => pipes.stdin.push(typeof chunk === 'string' ? utf8(chunk) : chunk), end: () => pipes.stdin.end() };
    this.#signal = made.signal;
    this.#result = made.result;
  }

  /** Sends a signal to the command and its process group. Does nothing when it is gone. @throws CellError `usage.invalid` */
  kill(signal: SignalName | number = 'SIGTERM'): void {
    this.#signal(signalNumber(signal));
  }

  /** @throws as `exec` */
  wait(): Promise<ProcessResult> {
    return this.#result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.wait();
  }
}

interface SpawnPipes {
  readonly stdin: ChunkPipe;
  readonly stdout: ChunkPipe;
  readonly stderr: ChunkPipe;
}

function pipesOf(options: SpawnOptions): SpawnPipes {
  const pipe = (): ChunkPipe => new ChunkPipe(LIMITS.outputWaitingBytesMax);
  const pipes = { stdin: pipe(), stdout: pipe(), stderr: pipe() };
  if (options.stdin !== 'pipe') pipes.stdin.abandon();
  for (const name of ['stdout', 'stderr'] as const) if (options[name] === 'ignore') pipes[name].end();
  return pipes;
}

/** @returns once the program is in place, or could not be. @throws CellError `usage.invalid` | `cancelled` | `evidence.unwritable` */
export async function spawnIn(host: CommandHost, argv: readonly string[], options: SpawnOptions): Promise<SpawnedProcess> {
  checkCommand(host, argv, options);
  if (options.signal?.aborted === true) throw new CellError('cancelled', `Cannot start ${argv[0]}: the caller gave it up before it started`);
  const caller = new Caller(host, options.signal);
  const pipes = pipesOf(options);
  const started = Promise.withResolvers<{ pid: number | undefined; signal: (signal: number) => void }>();
  const { stdin } = options;
  const result = start(host, argv, options, caller, {
    ...(stdin === undefined ? {} : { stdin: stdin === 'pipe' ? pipes.stdin : caller.feed(stdin) }),
    onOutput: async (stream, chunk) => (await pipes[stream].push(chunk)) || options[stream] === 'ignore',
    onStarted: (pid, signal) => started.resolve({ pid, signal }),
    onEnded: () => {
      pipes.stdin.abandon();
      // What is left is no more than the pipes held, and nobody may read it: the end of the command does not wait for that.
      for (const name of ['stdout', 'stderr'] as const) pipes[name].flow();
    },
  }).finally(() => {
    for (const name of ['stdout', 'stderr'] as const) pipes[name].end();
  });
  host.track(result);
  result.catch((error: unknown) => started.reject(error));
  const { pid, signal } = await started.promise;
  return new SpawnedProcess({ pid, pipes, signal, result });
}
