/** `cellos run`: one command in one cell; its streams and exit code are the program's own. */
import { writeFileSync } from 'node:fs';
import { EXIT, isCellError } from '../../base/errors.ts';
import { fileBytes, openRun, type OpenRun, StateFolder, systemClock } from '../../compose/local.ts';
import { currentSettings } from '../../config/env.ts';
import { cancelExit } from '../../core/lifecycle/ending.ts';
import { exportArtifacts } from '../../runtime/supervisor/export-artifacts.ts';
import { type CommandOutcome, runCommand } from '../../runtime/supervisor/run-command.ts';
import { countChanges } from '../../core/workspace/changes.ts';
import type { WorkspaceOutcome } from '../../runtime/supervisor/workspace-changes.ts';
import { renderIssue } from '../../core/spec/issues.ts';
import type { ParsedArgs } from '../command.ts';
import { requestOf } from '../request.ts';

/** Waits for the consumer; false when it is gone. */
function writeTo(stream: NodeJS.WriteStream, chunk: Uint8Array): Promise<boolean> {
  if (stream.destroyed || !stream.writable) return Promise.resolve(false);
  return new Promise((resolve) => {
    stream.write(chunk, (error) => resolve(error === undefined || error === null));
  });
}

/** Opened when the command is on its way: opening it costs milliseconds that the start of a process hides. */
async function* standardInput(): AsyncGenerator<Uint8Array> {
  yield* process.stdin as AsyncIterable<Uint8Array>;
}

function workspaceLine(runId: string, { changes, applied }: WorkspaceOutcome): string {
  if (changes.length === 0) return 'cellos: the workspace is unchanged\n';
  const { added, modified, deleted } = countChanges(changes);
  return `cellos: workspace: ${added} added, ${modified} modified, ${deleted} deleted; ${applied ? 'applied' : `cellos diff ${runId} lists them, cellos apply ${runId} brings them into the folder`}\n`;
}

async function execute(args: ParsedArgs): Promise<number> {
  const request = await requestOf(args, 'run');
  if (!args.flag('quiet')) for (const issue of request.document.warnings) process.stderr.write(`cellos: ${renderIssue(issue, args.positionals[0])}\n`);
  const settings = currentSettings();
  const stop = new AbortController();
  const force = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => (stop.signal.aborted ? force : stop).abort(name)); // the second one does not wait
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const evidence = args.text('evidence');
  let open: OpenRun;
  try {
    open = await openRun(new StateFolder(settings.stateDir), settings, { ...request, ...(evidence === undefined ? {} : { evidence }), signal: stop.signal });
  } catch (error) {
    if (!isCellError(error, 'cancelled')) throw error;
    if (!args.flag('quiet')) process.stderr.write(`cellos: ${error.message}\n`);
    return cancelExit(String(stop.signal.reason));
  }
  const { session, plan, bundle } = open;
  /** Nothing of the cell may outlive its evidence. */
  const abandon = async (error: unknown): Promise<never> => {
    const lines = await session.abandon();
    if (!lines.some((line) => line.result === 'residue')) await open.release();
    throw error;
  };
  let outcome: CommandOutcome;
  let failure: string | undefined;
  let workspace: WorkspaceOutcome | undefined;
  try {
    outcome = await runCommand(session, systemClock, {
      argv: plan.argv,
      cwd: plan.workingDirectory,
      env: plan.env,
      ...(request.stdinTaken ? {} : { stdin: standardInput() }),
      onOutput: (stream, chunk) => writeTo(process[stream], chunk),
      keep: () => ({ stdout: bundle.keepOutput('stdout', 1), stderr: bundle.keepOutput('stderr', 1) }),
      ttlDeadlineMs: open.startedAtMs + plan.time.ttlMs,
      ...(plan.time.timeoutMs === undefined ? {} : { timeoutMs: plan.time.timeoutMs }),
      graceMs: plan.time.graceMs,
      cancel: stop.signal,
      force: force.signal,
    });
    workspace = await open.finishWorkspace?.(args.flag('apply') && outcome.exitCode === 0);
    failure = workspace?.failure;
    if (outcome.exitCode === 0) failure ??= (await exportArtifacts({ session, bundle, sink: open.sink, readBack: fileBytes, signal: stop.signal })).failure;
  } catch (error) {
    return abandon(error);
  } finally {
    process.stdin.destroy();
  }
  if (failure !== undefined && stop.signal.aborted) outcome = { ...outcome, ending: 'cancelled', exitCode: cancelExit(String(stop.signal.reason)), reason: `${failure}: the supervisor was told to stop (${String(stop.signal.reason)})` };
  const exitCode = outcome.exitCode === 0 && failure !== undefined ? EXIT.failure : outcome.exitCode;
  const reason = outcome.reason ?? failure ?? (exitCode === 0 ? undefined : `the command ended with ${exitCode}`);
  const lines = await session.close({ outcome: exitCode === 0 ? 'succeeded' : 'failed', ending: outcome.ending, exitCode, ...(reason === undefined ? {} : { reason }), forced: outcome.ending !== 'exited' }).catch(abandon);
  const residue = lines.filter((line) => line.result === 'residue');
  if (residue.length === 0) await open.release();
  const code = residue.length > 0 ? EXIT.residue : exitCode;
  const result = { v: 1, runId: plan.runId, exitCode: code, exitSource: outcome.ending === 'exited' && code === outcome.exitCode ? 'command' : 'cellos', ending: outcome.ending, signal: outcome.signal, reason, evidence: bundle.path, residue };
  const file = args.text('result');
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(result)}\n`);
  if (!args.flag('quiet')) process.stderr.write(`cellos: run ${plan.runId} ${outcome.ending}, exit ${code}${outcome.reason === undefined && failure === undefined ? '' : ` (${outcome.reason ?? failure})`}; evidence ${bundle.path}\n${workspace === undefined ? '' : workspaceLine(plan.runId, workspace)}`);
  // Whoever was to read this has had its time. What it left unread would keep the process: Node never closes its standard streams.
  if ((outcome.ending === 'cancelled' || outcome.ending === 'timed-out') && process.stdout.writableLength + process.stderr.writableLength > 0) process.exit(code);
  return code;
}

export const runCommandLine = { execute };
