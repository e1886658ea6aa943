/**
 * `cellos run`: one command in one cell; its streams and exit code are the program's own.
 *
 *   RN1  stdout carries the command's bytes and nothing else; so does stderr, but for the progress line of a terminal and what stands after the end.
 */
import { isCellError } from '../../base/errors.ts';
import { StateFolder, systemClock } from '../../compose/local.ts';
import { runLocal, type RunResult } from '../../compose/local-run.ts';
import { currentSettings } from '../../config/env.ts';
import { parseRedaction } from '../../core/events/redact.ts';
import { renderIssue } from '../../core/spec/issues.ts';
import type { ParsedArgs } from '../command.ts';
import { type Output, standardError, standardOutput } from '../output.ts';
import { Progress, progressText } from '../progress.ts';
import { durationText, visible } from '../render.ts';
import { type CliRequest, requestOf } from '../request.ts';
import { openResultSink } from '../result-sink.ts';
import { closeStandardInput, openStandardInput } from '../standard-input.ts';
import { printPlan } from './plan.ts';

const HOW: Readonly<Record<RunResult['ending'], string>> = { exited: 'exited', signalled: 'was ended', 'timed-out': 'timed out', cancelled: 'was stopped', 'limit-exceeded': 'hit a limit', 'exec-failed': 'did not start', lost: 'was lost' };

/** The last line: which run, how it ended, why, and where the evidence is, when that is not where it always is. Pure. */
export function endLine(result: RunResult, options: { evidence: boolean }): string {
  const by = result.ending === 'signalled' ? ` by ${result.signalName ?? 'a signal'}` : '';
  const why = result.reason === undefined ? '' : `: ${visible(result.reason)}`;
  return `cellos: run ${result.runId} ${HOW[result.ending]}${by}, exit ${result.exitCode}, after ${durationText(result.durationMs)}${why}${options.evidence ? `; evidence ${visible(result.evidence.path)}` : ''}`;
}

function workspaceLines({ runId, workspace }: RunResult): string[] {
  if (workspace === undefined) return [];
  const { added, modified, deleted, applied } = workspace;
  if (added + modified + deleted === 0) return ['cellos: the workspace is unchanged'];
  return [`cellos: workspace: ${added} added, ${modified} modified, ${deleted} deleted; ${applied ? 'applied' : `cellos diff ${runId} lists them, cellos apply ${runId} brings them into the folder`}`];
}

interface Stops {
  readonly cancel: AbortController;
  readonly force: AbortController;
}

/** The first signal asks, the second kills. */
function onSignals(): Stops {
  const stops = { cancel: new AbortController(), force: new AbortController() };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (stops.cancel.signal.aborted) stops.force.abort(name);
      else stops.cancel.abort(name);
    });
  }
  return stops;
}

interface Terminal {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => Promise<boolean>;
  begin(open: { runId: string; load: () => { memoryBytes?: number; processes?: number } }): void;
  end(): void;
}

function attach(streams: { stdout: Output; stderr: Output }, options: { quiet: boolean; stopping: AbortSignal }): Terminal {
  let progress: Progress | undefined;
  const end = (): void => {
    progress?.stop();
    progress = undefined;
  };
  async function* stdin(): AsyncGenerator<Uint8Array> {
    const { chunks, terminal } = openStandardInput();
    for await (const chunk of chunks) {
      if (terminal) end(); // PG3
      yield chunk;
    }
  }
  return {
    stdin: stdin(),
    onOutput(stream, chunk) {
      if (streams[stream].terminal) progress?.beforeOutput(chunk);
      return streams[stream].write(chunk);
    },
    begin({ runId, load }) {
      if (options.quiet || !streams.stderr.terminal) return; // PG1
      // The init and bubblewrap are in the groups too, and are not the command's.
      const own = load().processes ?? 0;
      progress = new Progress({
        write: (text) => void streams.stderr.write(text),
        style: streams.stderr.style,
        now: () => systemClock.monotonicMs(),
        text: (elapsedMs) => {
          const { memoryBytes, processes } = load();
          const shown = { ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(processes === undefined ? {} : { processes: Math.max(0, processes - own) }) };
          return progressText({ runId, elapsedMs, load: shown, stopping: options.stopping.aborted }, streams.stderr.width);
        },
      });
      progress.start();
    },
    end,
  };
}

async function runRequest(request: CliRequest, args: ParsedArgs): Promise<RunResult> {
  const settings = currentSettings();
  const stops = onSignals();
  const evidence = args.text('evidence');
  const redact = args.texts('redact');
  const redaction = redact.length === 0 ? undefined : parseRedaction(redact);
  const terminal = attach({ stdout: standardOutput(settings), stderr: standardError(settings) }, { quiet: args.flag('quiet'), stopping: stops.cancel.signal });
  try {
    return await runLocal(
      new StateFolder(settings.stateDir),
      settings,
      { ...request, ...(evidence === undefined ? {} : { evidence }), ...(redaction === undefined ? {} : { redaction }), signal: stops.cancel.signal, endsOnSignal: true, slot: 0 },
      { stdin: request.stdinTaken ? undefined : terminal.stdin, onOutput: terminal.onOutput, onOpen: (open) => terminal.begin(open), force: stops.force.signal, apply: args.flag('apply') },
    );
  } finally {
    terminal.end();
    closeStandardInput();
  }
}

async function execute(args: ParsedArgs): Promise<number> {
  const request = await requestOf(args, 'run');
  if (!args.flag('quiet') && request.document.warnings.length > 0) await standardError(currentSettings()).lines(request.document.warnings.map((issue) => `cellos: ${visible(renderIssue(issue, args.positionals[0]))}`));
  if (args.flag('dry-run')) return printPlan(request, standardOutput(currentSettings()), args.flag('json'));
  const sink = openResultSink(args);
  let result: RunResult;
  try {
    result = await runRequest(request, args);
  } catch (error) {
    if (isCellError(error)) sink?.write({ v: 1, exitCode: typeof error.facts['exit'] === 'number' ? error.facts['exit'] : error.info.exit, exitSource: 'cellos', error: { code: error.code, message: error.message, facts: error.facts } });
    throw error;
  }
  // Whoever was to read the output has had its time: what it left unread does not keep us.
  const [out, err] = [standardOutput(currentSettings()), standardError(currentSettings())];
  const unread = (output: Output): boolean => (result.ending === 'cancelled' || result.ending === 'timed-out') && output.unread > 0;
  sink?.write(result);
  if (!args.flag('quiet') && !unread(err)) {
    // A terminal has one line for it, and cellos show RUN says where; a log keeps the whole path.
    await err.lines([endLine(result, { evidence: !err.terminal || args.text('evidence') !== undefined }), ...workspaceLines(result)]);
  }
  if (unread(out) || unread(err)) process.exit(result.exitCode); // Node never closes its standard streams
  return result.exitCode;
}

export const runCommandLine = { execute };
