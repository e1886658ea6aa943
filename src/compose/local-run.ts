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
import { cancelExit } from '../core/lifecycle/ending.ts';
import { type ChangeCounts, countChanges } from '../core/workspace/changes.ts';
import type { KeptOutput, OutputKeeper } from '../ports/run-bundle.ts';
import { exportArtifacts, type ExportOutcome } from '../runtime/supervisor/export-artifacts.ts';
import { type CommandOutcome, type Ending, runCommand, signalName } from '../runtime/supervisor/run-command.ts';
import type { WorkspaceOutcome } from '../runtime/supervisor/workspace-changes.ts';
import { type OpenRun, openRun, type RunRequest, systemClock } from './local.ts';

export interface RunIo {
  /** undefined: the command finds its stdin at its end. */
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => Promise<boolean>;
  /** The cell exists; `load` may be asked until the run ends. */
  readonly onOpen?: (open: { runId: string; load: () => CellLoad }) => void;
  /** Aborted after `signal` of the request: no more patience, kill. */
  readonly force: AbortSignal;
  /** Bring what changed in the workspace into its folder, when the command ends with 0. */
  readonly apply: boolean;
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
  /** What changed in the workspace, in numbers; `workspace.json` of the bundle lists it. */
  readonly workspace?: ChangeCounts & { readonly applied: boolean };
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
  /** Why what should come out of the cell did not. */
  readonly failure: string | undefined;
  readonly workspace: WorkspaceOutcome | undefined;
  readonly keepers: { readonly stdout: OutputKeeper; readonly stderr: OutputKeeper };
}

/** What failed because we were told to stop was stopped. */
function stoppedMeanwhile(outcome: CommandOutcome, failure: string | undefined, signal: AbortSignal): CommandOutcome {
  if (failure === undefined || !signal.aborted) return outcome;
  const why = String(signal.reason);
  return { ...outcome, ending: 'cancelled', exitCode: cancelExit(why), reason: `${failure}: the supervisor was told to stop (${why})` };
}

async function runToEnd(open: OpenRun, request: RunRequest, io: RunIo): Promise<Ended> {
  const { session, plan, bundle } = open;
  const keepers = { stdout: bundle.keepOutput('stdout', 1), stderr: bundle.keepOutput('stderr', 1) };
  const outcome = await runCommand(session, systemClock, {
    argv: plan.argv,
    cwd: plan.workingDirectory,
    env: plan.env,
    ...(io.stdin === undefined ? {} : { stdin: io.stdin }),
    onOutput: io.onOutput,
    keep: () => keepers,
    ...(plan.time.timeoutMs === undefined ? {} : { timeoutMs: plan.time.timeoutMs }),
    ttlDeadlineMs: open.startedAtMs + plan.time.ttlMs,
    graceMs: plan.time.graceMs,
    cancel: request.signal,
    force: io.force,
    last: plan.artifacts.length === 0 && plan.workspace === undefined,
  });
  const workspace = await open.finishWorkspace?.(io.apply && outcome.exitCode === 0);
  const exported = outcome.exitCode === 0 && workspace?.failure === undefined ? await exportArtifacts({ session, bundle, sink: open.sink, readBack: fileBytes, signal: request.signal }) : { delivered: [] };
  const failure = workspace?.failure ?? exported.failure;
  return { outcome: stoppedMeanwhile(outcome, failure, request.signal), exported, failure, workspace, keepers };
}

function resultOf(open: OpenRun, { outcome, exported, workspace, keepers }: Ended, lines: readonly TeardownLine[], end: { exitCode: number; reason: string | undefined }): RunResult {
  const { plan, bundle } = open;
  const residue = lines.filter((line) => line.result === 'residue');
  const code = residue.length > 0 ? EXIT.residue : end.exitCode;
  const own = code === outcome.exitCode && (outcome.ending === 'exited' || outcome.ending === 'signalled');
  const reason = residue.length > 0 ? `something of the cell is still there: ${residue.map((line) => line.detail).join('; ')}` : end.reason;
  const output = { stdout: keepers.stdout.finish(), stderr: keepers.stderr.finish() };
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
    ...(workspace === undefined ? {} : { workspace: { ...countChanges(workspace.changes), applied: workspace.applied } }),
    weaker: plan.items.filter((item) => item.status === 'downgraded').map((item) => item.name),
    teardown: { clean: lines.filter((line) => line.result === 'clean').length, residue, unchecked: lines.filter((line) => line.result === 'unchecked') },
    evidence: { path: bundle.path, records: open.session.recorder.count, sealed: true },
  };
}

async function opened(state: StateFolder, settings: Settings, request: RunRequest): Promise<OpenRun> {
  try {
    return await openRun(state, settings, request);
  } catch (error) {
    if (request.signal.aborted) throw new CellError('cancelled', `Cannot start the cell: it was given up (${String(request.signal.reason)}) before the command began`, { cause: error, facts: { exit: cancelExit(String(request.signal.reason)) } });
    throw error;
  }
}

/** LR2: nothing of the cell may outlive its evidence. */
async function abandon(open: OpenRun, error: unknown): Promise<never> {
  const lines = await open.session.abandon();
  if (!lines.some((line) => line.result === 'residue')) await open.release();
  throw error;
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
    return abandon(open, error);
  }
  const { outcome, failure } = ended;
  const exitCode = outcome.exitCode === 0 && failure !== undefined ? EXIT.failure : outcome.exitCode;
  const reason = outcome.reason ?? failure;
  const sealReason = reason ?? (exitCode === 0 ? undefined : `the command ended with ${exitCode}`);
  const lines = await session.close({ outcome: exitCode === 0 ? 'succeeded' : 'failed', ending: outcome.ending, exitCode, ...(sealReason === undefined ? {} : { reason: sealReason }), forced: outcome.ending !== 'exited' }).catch((error: unknown) => abandon(open, error));
  if (!lines.some((line) => line.result === 'residue')) await open.release();
  return resultOf(open, ended, lines, { exitCode, reason });
}
