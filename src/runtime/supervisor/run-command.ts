/**
 * One command in an open cell: streams, time limits, the one race of all its endings, and the records about it.
 *
 *   O1  `process_spawned` is recorded when the image is in place, not before: a command that never started has none;
 *   O2  the reason a command was ended is the first one (core/lifecycle/ending.ts), and a signal is a signal, never exit code -1;
 *   O3  the clock of every limit is monotonic; TTL counts from the cell's start, the timeout from the command's.
 */
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { referenceData } from '../../core/events/builders.ts';
import { decideEnding, type EndingInput, type EndingState, type StopReason } from '../../core/lifecycle/ending.ts';
import type { CellProcess, CellUsage, ProcessEnd } from '../../ports/cell-backend.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OutputKeeper } from '../../ports/run-bundle.ts';
import type { CellSession } from './cell-session.ts';

export type Ending = 'exited' | 'signalled' | 'timed-out' | 'cancelled' | 'limit-exceeded' | 'exec-failed' | 'lost';

export interface CommandOutcome {
  readonly ending: Ending;
  /** What the command line exits with: the command's own code, 128 + signal, 124, 126, 127, 137 or 125. */
  readonly exitCode: number;
  readonly signal?: number;
  /** Why, in one sentence, when it was not the command's own doing. */
  readonly reason?: string;
  readonly durationMs: number;
  readonly usage: CellUsage;
}

export interface CommandRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Chunks for stdin; undefined: end of file at once. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Resolves when the chunk was taken; false: nobody reads any more, the command gets SIGPIPE. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => Promise<boolean>;
  readonly keepers?: { readonly stdout: OutputKeeper; readonly stderr: OutputKeeper };
  readonly timeoutMs?: number;
  /** Monotonic time at which the whole cell has to end, ms. */
  readonly ttlDeadlineMs: number;
  readonly graceMs: number;
  /** Aborting asks the command to stop; the reason's text is the signal's name. */
  readonly cancel: AbortSignal;
  /** Aborted after `cancel`: the grace time is over at once. */
  readonly hasten?: AbortSignal;
}

const SIGTERM = 15;
const SIGKILL = 9;
const NAMES: Readonly<Record<number, string>> = { 1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 5: 'SIGTRAP', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM', 24: 'SIGXCPU', 25: 'SIGXFSZ', 31: 'SIGSYS' };

export function signalName(signal: number): string {
  return NAMES[signal] ?? `signal ${signal}`;
}

/** Runs the pure decisions and their effects; holds the timers of the phase it is in. */
class EndingLoop {
  #state: EndingState = { phase: 'running' };
  readonly #process: CellProcess;
  readonly #session: CellSession;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #timers: Disposable[] = [];

  constructor(input: { process: CellProcess; session: CellSession; clock: Clock; graceMs: number }) {
    this.#process = input.process;
    this.#session = input.session;
    this.#clock = input.clock;
    this.#graceMs = input.graceMs;
  }

  get state(): EndingState {
    return this.#state;
  }

  after(ms: number, input: EndingInput): void {
    this.#timers.push(this.#clock.after(ms, () => this.input(input)));
  }

  input(input: EndingInput): void {
    const { state, effects } = decideEnding(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      if (effect.kind === 'terminate') this.#process.signal(SIGTERM);
      else if (effect.kind === 'arm-grace') this.after(this.#graceMs, { kind: 'grace-over' });
      else {
        this.#process.signal(SIGKILL);
        // The group may have been left by its members; the whole cell but its init goes.
        this.#session.cell.killAll({ signal: AbortSignal.timeout(5_000) }).catch(() => void this.#session.cell.destroy());
      }
    }
    if (state.phase === 'ended') for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]();
  }
}

async function pump(process: CellProcess, stream: 'stdout' | 'stderr', request: CommandRequest, onFailure: (error: unknown) => void): Promise<void> {
  let open = true;
  for await (const chunk of process[stream]) {
    try {
      request.keepers?.[stream].write(chunk);
    } catch (error) {
      onFailure(error);
      return;
    }
    if (open && !(await request.onOutput(stream, chunk))) {
      open = false;
      process.closeOutput(stream);
    }
  }
}

async function feed(process: CellProcess, stdin: AsyncIterable<Uint8Array>, done: AbortSignal): Promise<void> {
  for await (const chunk of stdin) {
    if (done.aborted) return;
    await process.writeStdin(chunk);
  }
  process.closeStdin();
}

function reasonOf(reason: StopReason, request: CommandRequest): { ending: Ending; exitCode: number; text: string } {
  switch (reason.kind) {
    case 'ttl':
      return { ending: 'timed-out', exitCode: 124, text: 'the time to live of the cell was over' };
    case 'timeout':
      return { ending: 'timed-out', exitCode: 124, text: `the command took longer than ${request.timeoutMs} ms` };
    case 'cancelled':
      return { ending: 'cancelled', exitCode: reason.signal === 'SIGINT' ? 130 : reason.signal === 'SIGTERM' ? 143 : reason.signal === 'SIGHUP' ? 129 : 130, text: `the supervisor was told to stop (${reason.signal})` };
    case 'evidence':
      return { ending: 'cancelled', exitCode: 123, text: 'the evidence could not be written any more' };
  }
}

const ENOENT = 2;
const ENOTDIR = 20;

function outcomeOf(end: ProcessEnd, state: EndingState, usage: CellUsage, request: CommandRequest): CommandOutcome {
  const base = { durationMs: end.durationMs, usage };
  const stopped = state.phase === 'ended' ? state.reason : undefined;
  if (stopped !== undefined) {
    const { ending, exitCode, text } = reasonOf(stopped, request);
    return { ...base, ending, exitCode, reason: text, ...(end.kind === 'signalled' ? { signal: end.signal } : {}) };
  }
  const outOfMemory = (usage.oomKills ?? 0) > 0;
  switch (end.kind) {
    case 'exited':
      return { ...base, ending: 'exited', exitCode: end.code };
    case 'signalled':
      if (outOfMemory && end.signal === SIGKILL) return { ...base, ending: 'limit-exceeded', exitCode: 137, signal: end.signal, reason: 'the memory limit of the cell was reached' };
      return { ...base, ending: 'signalled', exitCode: 128 + end.signal, signal: end.signal };
    case 'exec-failed': {
      const missing = end.errno === ENOENT || end.errno === ENOTDIR;
      const what = end.stage === 'chdir' ? `the working directory ${request.cwd} cannot be entered` : end.stage === 'fork' ? 'no process could be made' : missing ? `${request.argv[0]} was not found in the cell` : `${request.argv[0]} cannot be executed`;
      return { ...base, ending: 'exec-failed', exitCode: end.stage === 'exec' && missing ? 127 : 126, reason: what };
    }
    case 'lost':
      return outOfMemory ? { ...base, ending: 'limit-exceeded', exitCode: 137, reason: 'the memory limit of the cell was reached' } : { ...base, ending: 'lost', exitCode: 125, reason: end.reason };
  }
}

function usageJson(usage: CellUsage, end: ProcessEnd): JsonObject {
  const own: { [key: string]: JsonValue | undefined } = end.kind === 'exited' || end.kind === 'signalled' ? { ...end.usage } : {};
  return jsonObject({ ...own, ...usage });
}

function recordOutcome(session: CellSession, request: CommandRequest, end: ProcessEnd, outcome: CommandOutcome): void {
  const { recorder, run } = session;
  const ids = { runId: run.runId, cellId: run.cellId, specId: run.spec.id };
  const { usage } = outcome;
  recorder.record(
    'processExited',
    jsonObject({
      ...ids,
      ending: outcome.ending,
      ...(end.kind === 'exited' ? { exitCode: end.code } : {}),
      ...(end.kind === 'signalled' ? { signal: end.signal, signalName: signalName(end.signal), coreDumped: end.coreDumped } : {}),
      ...(end.kind === 'exec-failed' ? { stage: end.stage, errno: end.errno } : {}),
      reason: outcome.reason,
      durationMs: outcome.durationMs,
      usage: usageJson(usage, end),
    }),
    { tier: 'kernel' },
  );
  if ((usage.oomKills ?? 0) > 0) recorder.record('limitReached', jsonObject({ ...ids, limit: 'memory', oomKills: usage.oomKills, limitBytes: session.plan.limits.memoryMaxBytes }), { tier: 'kernel' });
  if ((usage.pidsRefused ?? 0) > 0) recorder.record('limitReached', jsonObject({ ...ids, limit: 'pids', refused: usage.pidsRefused, limitProcesses: session.plan.limits.pidsMax }), { tier: 'kernel' });
  if (outcome.ending === 'timed-out') recorder.record('limitReached', jsonObject({ ...ids, limit: 'time', reason: outcome.reason }));
  if (request.keepers !== undefined) {
    const streams = (['stdout', 'stderr'] as const).map((name) => jsonObject({ name, ...request.keepers?.[name].finish() }));
    recorder.record('outputCaptured', jsonObject({ ...ids, streams }));
    if (streams.some((stream) => stream['truncated'] === true)) recorder.record('limitReached', jsonObject({ ...ids, limit: 'output', limitBytes: session.plan.output.keptBytesMax }));
  }
  const spawnError = outcome.ending === 'exec-failed' || outcome.ending === 'lost' ? outcome.reason : undefined;
  recorder.record('networkEnforcement', referenceData.networkEnforcement(run, { nftRulesApplied: false, commandExitCode: outcome.exitCode, ...(spawnError === undefined ? {} : { spawnError }) }));
  recorder.record('commandCompleted', referenceData.commandCompleted(run, { argv: request.argv, exitCode: outcome.exitCode, durationMs: outcome.durationMs, ...(spawnError === undefined ? {} : { spawnError }) }));
}

/** Runs one command to its end. @throws CellError `evidence.unwritable` after the command was killed */
export async function runCommand(session: CellSession, clock: Clock, request: CommandRequest): Promise<CommandOutcome> {
  const process = session.cell.exec({ argv: request.argv, env: request.env, secretEnv: session.secrets.env, cwd: request.cwd, stdin: request.stdin !== undefined });
  const loop = new EndingLoop({ process, session, clock, graceMs: request.graceMs });
  const done = new AbortController();
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    loop.input({ kind: 'kill-now', reason: { kind: 'evidence' } });
  };
  const onCancel = (): void => loop.input({ kind: 'stop', reason: { kind: 'cancelled', signal: String(request.cancel.reason) } });
  const onHasten = (): void => loop.input({ kind: 'grace-over' });
  request.cancel.addEventListener('abort', onCancel, { once: true });
  request.hasten?.addEventListener('abort', onHasten, { once: true });
  loop.after(request.ttlDeadlineMs - clock.monotonicMs(), { kind: 'stop', reason: { kind: 'ttl' } });
  if (request.timeoutMs !== undefined) loop.after(request.timeoutMs, { kind: 'stop', reason: { kind: 'timeout' } });
  if (request.cancel.aborted) onCancel();
  if (request.hasten?.aborted) onHasten();
  const outputs = [pump(process, 'stdout', request, fail), pump(process, 'stderr', request, fail)];
  if (request.stdin !== undefined) feed(process, request.stdin, done.signal).catch(() => process.closeStdin());
  const pid = await process.started;
  try {
    if (pid !== undefined) session.recorder.record('processSpawned', referenceData.processSpawned(session.run, request.argv), { tier: 'kernel' }); // O1
  } catch (error) {
    fail(error);
  }
  const end = await process.ended;
  done.abort();
  loop.input({ kind: 'ended' });
  request.cancel.removeEventListener('abort', onCancel);
  request.hasten?.removeEventListener('abort', onHasten);
  // What the command left running holds its pipes open: it goes before the output can end.
  if (end.kind !== 'lost') await session.cell.killAll({ signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  await Promise.all(outputs);
  const outcome = outcomeOf(end, loop.state, await session.cell.usage(), request);
  if (failure !== undefined) throw failure;
  recordOutcome(session, request, end, outcome);
  return outcome;
}
