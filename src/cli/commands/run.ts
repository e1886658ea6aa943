/** `cellos run`: one command in one cell; its streams and exit code are the program's own. */
import { writeFileSync } from 'node:fs';
import { EXIT, isCellError } from '../../base/errors.ts';
import { openRun, type OpenRun, StateFolder, systemClock } from '../../compose/local.ts';
import { currentSettings } from '../../config/env.ts';
import { fileBytes } from '../../adapters/os/bundle-files.ts';
import { cancelExit } from '../../core/lifecycle/ending.ts';
import { exportArtifacts } from '../../runtime/supervisor/export-artifacts.ts';
import { type CommandOutcome, runCommand } from '../../runtime/supervisor/run-command.ts';
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

async function execute(args: ParsedArgs): Promise<number> {
  const request = requestOf(args, 'run');
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
    if (!lines.some((line) => line.result === 'residue')) open.release();
    throw error;
  };
  let outcome: CommandOutcome;
  let failure: string | undefined;
  try {
    outcome = await runCommand(session, systemClock, {
      argv: plan.argv,
      cwd: plan.workingDirectory,
      env: plan.env,
      stdin: standardInput(),
      onOutput: (stream, chunk) => writeTo(process[stream], chunk),
      keepers: { stdout: bundle.keepOutput('stdout', plan.output.keptBytesMax), stderr: bundle.keepOutput('stderr', plan.output.keptBytesMax) },
      ttlDeadlineMs: open.startedAtMs + plan.time.ttlMs,
      graceMs: plan.time.graceMs,
      cancel: stop.signal,
      force: force.signal,
    });
    if (outcome.exitCode === 0) failure = (await exportArtifacts({ session, bundle, sink: undefined, readBack: fileBytes, signal: stop.signal })).failure;
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
  if (residue.length === 0) open.release();
  const code = residue.length > 0 ? EXIT.residue : exitCode;
  const result = { v: 1, runId: plan.runId, exitCode: code, exitSource: outcome.ending === 'exited' && code === outcome.exitCode ? 'command' : 'cellos', ending: outcome.ending, signal: outcome.signal, reason, evidence: bundle.path, residue };
  const file = args.text('result');
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(result)}\n`);
  if (!args.flag('quiet')) process.stderr.write(`cellos: run ${plan.runId} ${outcome.ending}, exit ${code}${outcome.reason === undefined && failure === undefined ? '' : ` (${outcome.reason ?? failure})`}; evidence ${bundle.path}\n`);
  // Whoever was to read this has had its time. What it left unread would keep the process: Node never closes its standard streams.
  if ((outcome.ending === 'cancelled' || outcome.ending === 'timed-out') && process.stdout.writableLength + process.stderr.writableLength > 0) process.exit(code);
  return code;
}

export const runCommandLine = { execute };
