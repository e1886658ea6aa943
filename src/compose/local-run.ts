/**
 * One command from request to sealed run on this host, and the result document that says how it went.
 *
 *   LR1  the result says which side the exit code came from: the command's own, or CellOS's;
 *   LR2  whatever fails, nothing of the cell outlives this call, unless the result or the error says residue.
 */
import { fileBytes } from '../adapters/os/bundle-files.ts';
import { type CellLoad, loadOf } from '../adapters/os/load.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { CellError, EXIT } from '../base/errors.ts';
import type { Settings } from '../config/env.ts';
import type { CellUsage, TeardownLine } from '../ports/cell-backend.ts';
import type { KeptOutput } from '../ports/run-bundle.ts';
import { exportArtifacts, type ExportOutcome } from '../runtime/supervisor/export-artifacts.ts';
import { type CommandOutcome, type Ending, runCommand, signalName } from '../runtime/supervisor/run-command.ts';
import { type OpenRun, openRun, type RunRequest, systemClock } from './local.ts';

export interface RunIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => Promise<boolean>;
  /** The cell exists; `load` may be asked until the run ends. */
  readonly onOpen?: (open: { runId: string; load: () => CellLoad }) => void;
  /** Aborted after `signal` of the request: no more patience, kill. */
  readonly hasten: AbortSignal;
}

/** What `--json` and `--result` hand out. Members that do not apply are left out. */
export interface RunResult {
  readonly v: 1;
  readonly runId: string;
  readonly exitCode: number;
  /** `command`: the code is the command's own, or 128 + the signal that ended it; `cellos`: we chose it, and `reason` says why. */
  readonly exitSource: 'command' | 'cellos';
  readonly ending: Ending;
  readonly signal?: number;
  readonly signalName?: string;
  readonly reason?: string;
  readonly durationMs: number;
  /** Names of the limits that took effect. */
  readonly limitsHit: readonly string[];
  readonly usage: CellUsage;
  readonly output: { readonly stdout: KeptOutput; readonly stderr: KeptOutput };
  readonly artifacts: ExportOutcome['delivered'];
  /** Names allowed with --allow-downgrade that were really weaker, and defaults this host cannot enforce. */
  readonly weaker: readonly string[];
  readonly teardown: { readonly clean: number; readonly residue: readonly TeardownLine[]; readonly unchecked: readonly TeardownLine[] };
  readonly evidence: { readonly path: string; readonly records: number; readonly sealed: true };
}

function limitsHit(outcome: CommandOutcome, streams: readonly KeptOutput[]): string[] {
  const { usage } = outcome;
  const hit: string[] = [];
  if ((usage.oomKills ?? 0) > 0) hit.push('memory');
  if ((usage.pidsRefused ?? 0) > 0) hit.push('pids');
  if (outcome.ending === 'timed-out') hit.push('time');
  if (streams.some((stream) => stream.truncated)) hit.push('output');
  return hit;
}

interface Ended {
  readonly outcome: CommandOutcome;
  readonly exported: ExportOutcome;
}

async function runToEnd(open: OpenRun, request: RunRequest, io: RunIo): Promise<Ended> {
  const { session, plan, bundle } = open;
  const outcome = await runCommand(session, systemClock, {
    argv: plan.argv,
    cwd: plan.workingDirectory,
    env: plan.env,
    stdin: io.stdin,
    onOutput: io.onOutput,
    keepers: { stdout: bundle.keepOutput('stdout', plan.output.keptBytesMax), stderr: bundle.keepOutput('stderr', plan.output.keptBytesMax) },
    ...(plan.time.timeoutMs === undefined ? {} : { timeoutMs: plan.time.timeoutMs }),
    ttlDeadlineMs: open.startedAtMs + plan.time.ttlMs,
    graceMs: plan.time.graceMs,
    cancel: request.signal,
    hasten: io.hasten,
  });
  const exported = outcome.exitCode === 0 ? await exportArtifacts({ session, bundle, sink: undefined, readBack: fileBytes, signal: request.signal }) : { delivered: [] };
  return { outcome, exported };
}

function resultOf(open: OpenRun, { outcome, exported }: Ended, lines: readonly TeardownLine[], end: { exitCode: number; reason: string | undefined }): RunResult {
  const { plan, bundle } = open;
  const residue = lines.filter((line) => line.result === 'residue');
  const code = residue.length > 0 ? EXIT.residue : end.exitCode;
  const own = code === outcome.exitCode && (outcome.ending === 'exited' || outcome.ending === 'signalled');
  const reason = residue.length > 0 ? `something of the cell is still there: ${residue.map((line) => line.detail).join('; ')}` : end.reason;
  const output = { stdout: bundle.keepOutput('stdout', plan.output.keptBytesMax).finish(), stderr: bundle.keepOutput('stderr', plan.output.keptBytesMax).finish() };
  return {
    v: 1,
    runId: plan.runId,
    exitCode: code,
    exitSource: own ? 'command' : 'cellos',
    ending: outcome.ending,
    ...(outcome.signal === undefined ? {} : { signal: outcome.signal, signalName: signalName(outcome.signal) }),
    ...(reason === undefined ? {} : { reason }),
    durationMs: outcome.durationMs,
    limitsHit: limitsHit(outcome, Object.values(output)),
    usage: outcome.usage,
    output,
    artifacts: exported.delivered,
    weaker: plan.items.filter((item) => item.status === 'downgraded').map((item) => item.name),
    teardown: { clean: lines.filter((line) => line.result === 'clean').length, residue, unchecked: lines.filter((line) => line.result === 'unchecked') },
    evidence: { path: bundle.path, records: open.session.recorder.count, sealed: true },
  };
}

const STOP_CODES: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** The exit code a program ended by this signal has. */
export function stopCode(signal: string): number {
  return STOP_CODES[signal] ?? 130;
}

async function opened(state: StateFolder, settings: Settings, request: RunRequest): Promise<OpenRun> {
  try {
    return await openRun(state, settings, request);
  } catch (error) {
    if (request.signal.aborted) throw new CellError('cancelled', `Cannot start the cell: it was given up (${String(request.signal.reason)}) before the command began`, { cause: error, facts: { exit: stopCode(String(request.signal.reason)) } });
    throw error;
  }
}

/** @throws CellError `policy.refused` | `plan.unsatisfiable` and those of the backend, the brokers and the evidence */
export async function runLocal(state: StateFolder, settings: Settings, request: RunRequest, io: RunIo): Promise<RunResult> {
  const open = await opened(state, settings, request);
  const { session, plan } = open;
  io.onOpen?.({ runId: plan.runId, load: () => loadOf(plan.cgroups) });
  let ended: Ended;
  try {
    ended = await runToEnd(open, request, io);
  } catch (error) {
    // LR2: nothing of the cell may outlive its evidence.
    const lines = await session.cell.destroy();
    if (!lines.some((line) => line.result === 'residue')) open.release();
    throw error;
  }
  const { outcome, exported } = ended;
  const exitCode = outcome.exitCode === 0 && exported.failure !== undefined ? EXIT.failure : outcome.exitCode;
  const reason = outcome.reason ?? exported.failure;
  const sealReason = reason ?? (exitCode === 0 ? undefined : `the command ended with ${exitCode}`);
  const lines = await session.close({ outcome: exitCode === 0 ? 'succeeded' : 'failed', ending: outcome.ending, exitCode, ...(sealReason === undefined ? {} : { reason: sealReason }), forced: outcome.ending !== 'exited' });
  if (!lines.some((line) => line.result === 'residue')) open.release();
  return resultOf(open, ended, lines, { exitCode, reason });
}
