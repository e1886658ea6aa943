/** `cellos events`: what happened, as CloudEvents or as lines to read. */
import { concatBytes, utf8 } from '../../base/bytes.ts';
import { CellError, EXIT } from '../../base/errors.ts';
import { type ReadLine, readRecords, type RunEntry, runningRuns, StateFolder } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { oneRun } from '../one-run.ts';
import { type Output, standardError, standardOutput } from '../output.ts';
import { errorLines } from '../render-error.ts';
import { eventLine } from '../render-events.ts';

const NEWLINE = Uint8Array.of(10);

type Printer = (read: ReadLine) => Promise<boolean>;

function printerFor(run: RunEntry, args: ParsedArgs, out: Output, several: boolean): Printer {
  if (args.flag('records')) return ({ line }) => out.write(concatBytes([line, NEWLINE]));
  if (args.flag('pretty') || (out.terminal && !args.flag('json'))) {
    let startedAtMs: number | undefined;
    return ({ record }) => {
      if (record === undefined) return out.lines(['a line that is no record: cellos verify says more']);
      startedAtMs ??= Date.parse(record.time);
      const prefix = several ? `${run.runId.slice(-8)} ` : '';
      return out.lines([prefix + eventLine(record, { startedAtMs, width: out.width - prefix.length, style: out.style })]);
    };
  }
  return ({ record }) => (record?.eventText === undefined ? Promise.resolve(true) : out.write(utf8(`${record.eventText}\n`)));
}

interface Job {
  readonly state: StateFolder;
  readonly args: ParsedArgs;
  readonly out: Output;
  readonly signal: AbortSignal;
  readonly several: boolean;
}

async function printRun(run: RunEntry, { state, args, out, signal, several }: Job): Promise<void> {
  const print = printerFor(run, args, out, several);
  for await (const read of readRecords(state, run, { follow: args.flag('follow'), signal })) if (!(await print(read))) return;
}

/** Every run has a follower of its own; each writes whole lines. */
async function followAll(job: Job): Promise<void> {
  const followers: Promise<void>[] = [];
  const told = (error: unknown): void => void standardError(currentSettings()).lines(errorLines(error));
  for await (const run of runningRuns(job.state, job.signal)) followers.push(printRun(run, job).catch(told));
  await Promise.all(followers);
}

async function execute(args: ParsedArgs): Promise<number> {
  const [id, ...more] = args.positionals;
  if (more.length > 0) throw new CellError('usage.invalid', 'Cannot print the events of several runs: give one id, or none for all');
  const settings = currentSettings();
  const out = standardOutput(settings);
  const state = new StateFolder(settings.stateDir);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  const job: Job = { state, args, out, signal: AbortSignal.any([stop.signal, out.gone]), several: id === undefined };
  if (id !== undefined) await printRun(oneRun(args, state).run, job);
  else if (args.flag('follow')) await followAll(job);
  else for (const run of state.list().reverse()) await printRun(run, job);
  return EXIT.ok;
}

export const eventsCommandLine = { execute };
