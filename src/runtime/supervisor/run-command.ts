/**
 * One command in an open cell: streams, time limits, the one race of all its endings, and the records about it.
 *
 *   O1  `process_spawned` is recorded when the image is in place, not before: a command that never started has none;
 *   O2  the reason a command was ended is the first one (core/lifecycle/ending.ts), and a signal is a signal, never exit code -1;
 *   O3  the clock of every limit is monotonic; TTL counts from the cell's start, the timeout from the command's.
 */
import { ignore } from '../../base/errors.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { referenceData } from '../../core/events/builders.ts';
import { cancelExit, decideEnding, type EndingInput, type EndingState, type StopReason } from '../../core/lifecycle/ending.ts';
import type { CellProcess, CellUsage, ProcessEnd } from '../../ports/cell-backend.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OutputKeeper } from '../../ports/run-bundle.ts';
import type { CellSession } from './cell-session.ts';
import type { RunningCommands } from './running-commands.ts';

export type Ending = 'exited' | 'signalled' | 'timed-out' | 'cancelled' | 'limit-exceeded' | 'exec-failed' | 'lost';

export interface CommandOutcome {
  readonly ending: Ending;
  /** What the command line exits with: the command's own code, 128 + signal, 124, 126, 127, 137 or 125. */
  readonly exitCode: number;
  readonly signal?: number;
  /** Why, in one sentence, when it was not the command's own doing. */
  readonly reason?: string;
  /** Which of our own reasons ended it. */
  readonly stop?: StopReason['kind'];
  /** Of a command that could not be started. */
  readonly errno?: number;
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
  /** Called once, before anything starts; `command` counts the commands of the cell from 1. */
  readonly keep?: (command: number) => { readonly stdout: OutputKeeper; readonly stderr: OutputKeeper };
  /** Names the command in its records: for cells that run more than one. */
  readonly numbered?: boolean;
  /** Told when the image is in place (`pid` in the cell) or could not be (undefined). */
  readonly onStarted?: (pid: number | undefined, signal: (signal: number) => void) => void;
  /** Told when the process has ended; what it wrote may still be on its way to `onOutput`. */
  readonly onEnded?: () => void;
  readonly timeoutMs?: number;
  /** Monotonic time at which the whole cell has to end, ms. */
  readonly ttlDeadlineMs: number;
  readonly graceMs: number;
  /** Aborting asks the command to stop; the reason's text is the name of the signal we got, or says in a clause why. */
  readonly cancel: AbortSignal;
  /** No command comes after it, and nothing is read out of the cell: its teardown may go on while the end of the command is recorded. */
  readonly last?: boolean;
  /** Aborting kills it, whatever it was asked before. */
  readonly force?: AbortSignal;
}

/** As the reason of `cancel`: the time to live of the cell is over. */
export const TTL_OVER = 'ttl';

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
  readonly #commands: RunningCommands;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #timers: Disposable[] = [];

  constructor(input: { process: CellProcess; commands: RunningCommands; clock: Clock; graceMs: number }) {
    this.#process = input.process;
    this.#commands = input.commands;
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
        // The group may have been left by its members; when no other command runs, the whole cell but its init goes.
        if (this.#commands.count === 1) void this.#commands.kill();
      }
    }
    if (state.phase === 'ended') for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]();
  }
}

type Keepers = { readonly stdout: OutputKeeper; readonly stderr: OutputKeeper };

/** @param unread resolves when nobody waits for the consumer any longer; the rest is only kept */
async function pump(input: { process: CellProcess; stream: 'stdout' | 'stderr'; request: CommandRequest; keepers: Keepers | undefined; unread: Promise<void>; onFailure: (error: unknown) => void }): Promise<void> {
  const { process, stream, request, keepers } = input;
  let open = true;
  // Subscribed to once: Promise.race would hold on to every chunk's answer until the end of the command.
  let stopWaiting: (() => void) | undefined;
  void input.unread.then(() => {
    open = false;
    stopWaiting?.();
  });
  for await (const chunk of process[stream]) {
    try {
      keepers?.[stream].write(chunk);
    } catch (error) {
      return input.onFailure(error);
    }
    if (!open) continue;
    const taken = await new Promise<boolean>((resolve, reject) => {
      stopWaiting = () => resolve(true);
      request.onOutput(stream, chunk).then(resolve, reject);
    });
    if (!taken) return void process.closeOutput(stream);
  }
}

/** Feeds stdin until it, or the command, ends; then lets go of the source. */
async function feed(process: CellProcess, stdin: AsyncIterable<Uint8Array>, done: AbortSignal): Promise<void> {
  const source = stdin[Symbol.asyncIterator]();
  // Not awaited: a source that waits for its next chunk cannot answer before it has one.
  const letGo = (): void => void source.return?.().catch((error: unknown) => ignore(error, 'nobody needs the rest of stdin'));
  done.addEventListener('abort', letGo, { once: true });
  for (let next = await source.next(); next.done !== true && !done.aborted; next = await source.next()) await process.writeStdin(next.value);
  done.removeEventListener('abort', letGo);
  process.closeStdin();
}

function reasonOf(reason: StopReason, request: CommandRequest): { ending: Ending; exitCode: number; text: string } {
  switch (reason.kind) {
    case 'ttl':
      return { ending: 'timed-out', exitCode: 124, text: 'the time to live of the cell was over' };
    case 'timeout':
      return { ending: 'timed-out', exitCode: 124, text: `the command took longer than ${request.timeoutMs} ms` };
    case 'cancelled':
      return { ending: 'cancelled', exitCode: cancelExit(reason.signal), text: reason.signal.startsWith('SIG') ? `the supervisor was told to stop (${reason.signal})` : reason.signal };
    case 'evidence':
      return { ending: 'cancelled', exitCode: 123, text: 'the evidence could not be written any more' };
  }
}

const ENOENT = 2;
const ENOTDIR = 20;

function outcomeOf(end: ProcessEnd, state: EndingState, usage: CellUsage, outOfMemory: boolean, request: CommandRequest): CommandOutcome {
  const base = { durationMs: end.durationMs, usage };
  const stopped = state.phase === 'ended' ? state.reason : undefined;
  if (stopped !== undefined) {
    const { ending, exitCode, text } = reasonOf(stopped, request);
    return { ...base, ending, exitCode, reason: text, stop: stopped.kind, ...(end.kind === 'signalled' ? { signal: end.signal } : {}) };
  }
  switch (end.kind) {
    case 'exited':
      return { ...base, ending: 'exited', exitCode: end.code };
    case 'signalled':
      if (outOfMemory && end.signal === SIGKILL) return { ...base, ending: 'limit-exceeded', exitCode: 137, signal: end.signal, reason: 'the memory limit of the cell was reached' };
      return { ...base, ending: 'signalled', exitCode: 128 + end.signal, signal: end.signal };
    case 'exec-failed': {
      const missing = end.errno === ENOENT || end.errno === ENOTDIR;
      const what = end.stage === 'chdir' ? `the working directory ${request.cwd} cannot be entered` : end.stage === 'fork' ? 'no process could be made' : missing ? `${request.argv[0]} was not found in the cell` : `${request.argv[0]} cannot be executed`;
      return { ...base, ending: 'exec-failed', exitCode: end.stage === 'exec' && missing ? 127 : 126, reason: what, errno: end.errno };
    }
    case 'lost':
      return outOfMemory ? { ...base, ending: 'limit-exceeded', exitCode: 137, reason: 'the memory limit of the cell was reached' } : { ...base, ending: 'lost', exitCode: 125, reason: end.reason };
  }
}

function usageJson(usage: CellUsage, end: ProcessEnd): JsonObject {
  const own: { [key: string]: JsonValue | undefined } = end.kind === 'exited' || end.kind === 'signalled' ? { ...end.usage } : {};
  return jsonObject({ ...own, ...usage });
}

interface Ended {
  readonly end: ProcessEnd;
  readonly outcome: CommandOutcome;
  readonly command: number;
  readonly keepers: Keepers | undefined;
}

function recordLimits(session: CellSession, outcome: CommandOutcome, ids: JsonObject): void {
  const { recorder, plan, commands } = session;
  const { usage } = outcome;
  const beyond = (name: 'oomKills' | 'pidsRefused'): boolean => (usage[name] ?? 0) > (commands.counted[name] ?? 0);
  if (beyond('oomKills')) recorder.record('limitReached', jsonObject({ ...ids, limit: 'memory', oomKills: usage.oomKills, limitBytes: plan.limits.memoryMaxBytes }), { tier: 'kernel' });
  if (beyond('pidsRefused')) recorder.record('limitReached', jsonObject({ ...ids, limit: 'pids', refused: usage.pidsRefused, limitProcesses: plan.limits.pidsMax }), { tier: 'kernel' });
  commands.counted = usage;
  if (outcome.ending === 'timed-out') recorder.record('limitReached', jsonObject({ ...ids, limit: 'time', reason: outcome.reason }));
}

function recordOutcome(session: CellSession, request: CommandRequest, { end, outcome, command, keepers }: Ended): void {
  const { recorder, run } = session;
  const number = request.numbered === true ? { command } : {};
  const ids = jsonObject({ runId: run.runId, cellId: run.cellId, specId: run.spec.id, ...number });
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
      usage: usageJson(outcome.usage, end),
    }),
    { tier: 'kernel' },
  );
  recordLimits(session, outcome, ids);
  if (keepers !== undefined) {
    const streams = (['stdout', 'stderr'] as const).map((name) => jsonObject({ name, ...keepers[name].finish() }));
    recorder.record('outputCaptured', jsonObject({ ...ids, streams }));
    if (streams.some((stream) => stream['truncated'] === true)) recorder.record('limitReached', jsonObject({ ...ids, limit: 'output', limitBytes: session.plan.output.keptBytesMax }));
  }
  const spawnError = outcome.ending === 'exec-failed' || outcome.ending === 'lost' ? outcome.reason : undefined;
  if (session.plan.hostView?.network !== 'host') recorder.record('networkEnforcement', referenceData.networkEnforcement(run, { nftRulesApplied: false, commandExitCode: outcome.exitCode, ...(spawnError === undefined ? {} : { spawnError }) }));
  recorder.record('commandCompleted', jsonObject({ ...referenceData.commandCompleted(run, { argv: request.argv, exitCode: outcome.exitCode, durationMs: outcome.durationMs, ...(spawnError === undefined ? {} : { spawnError }) }), ...number }));
}

/** Runs one command to its end, next to others or alone. @throws CellError `evidence.unwritable` after the command was killed */
export async function runCommand(session: CellSession, clock: Clock, request: CommandRequest): Promise<CommandOutcome> {
  const { commands } = session;
  const command = await commands.enter();
  const oomKillsBefore = commands.counted.oomKills ?? 0;
  let keepers: Keepers | undefined;
  let process: CellProcess;
  try {
    keepers = request.keep?.(command);
    process = session.cell.exec({ argv: request.argv, env: request.env, secretEnv: session.secrets.env, cwd: request.cwd, stdin: request.stdin !== undefined });
  } catch (error) {
    await commands.leave();
    throw error;
  }
  const loop = new EndingLoop({ process, commands, clock, graceMs: request.graceMs });
  const done = new AbortController();
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    loop.input({ kind: 'kill-now', reason: { kind: 'evidence' } });
  };
  const onCancel = (): void => {
    const why = String(request.cancel.reason);
    loop.input({ kind: 'stop', reason: why === TTL_OVER ? { kind: 'ttl' } : { kind: 'cancelled', signal: why } });
  };
  const onForce = (): void => loop.input({ kind: 'kill-now', reason: { kind: 'cancelled', signal: String(request.force?.reason) } });
  request.cancel.addEventListener('abort', onCancel, { once: true });
  request.force?.addEventListener('abort', onForce, { once: true });
  loop.after(request.ttlDeadlineMs - clock.monotonicMs(), { kind: 'stop', reason: { kind: 'ttl' } });
  if (request.timeoutMs !== undefined) loop.after(request.timeoutMs, { kind: 'stop', reason: { kind: 'timeout' } });
  if (request.cancel.aborted) onCancel();
  if (request.force?.aborted) onForce();
  const unread = Promise.withResolvers<void>();
  const outputs = (['stdout', 'stderr'] as const).map((stream) => pump({ process, stream, request, keepers, unread: unread.promise, onFailure: fail }));
  if (request.stdin !== undefined) feed(process, request.stdin, done.signal).catch(() => process.closeStdin());
  const pid = await process.started;
  try {
    const data = referenceData.processSpawned(session.run, request.argv);
    if (pid !== undefined) session.recorder.record('processSpawned', request.numbered === true ? jsonObject({ ...data, command }) : data, { tier: 'kernel' }); // O1
  } catch (error) {
    fail(error);
  }
  request.onStarted?.(pid, (signal) => process.signal(signal));
  const end = await process.ended;
  done.abort();
  loop.input({ kind: 'ended' });
  request.cancel.removeEventListener('abort', onCancel);
  request.force?.removeEventListener('abort', onForce);
  request.onEnded?.();
  await commands.leave();
  // A command that was ended does not wait for whoever does not read it.
  const { state } = loop;
  using _drain = state.phase === 'ended' && state.reason !== undefined ? clock.after(LIMITS.outputDrainMs, () => unread.resolve()) : undefined;
  await Promise.all(outputs);
  const usage = await session.cell.usage();
  const outcome = outcomeOf(end, loop.state, usage, (usage.oomKills ?? 0) > oomKillsBefore, request);
  if (failure !== undefined) throw failure;
  if (request.last === true) void session.cell.destroy(); // never throws; whoever closes the session waits for it
  recordOutcome(session, request, { end, outcome, command, keepers });
  return outcome;
}
