/** `cellos history`: runs and checkpoints held against the log of a host. */
import { writePublicFile } from '../../compose/host-keys.ts';
import { isThere, trustOf } from '../../compose/audit.ts';
import { holdAgainstLog } from '../../compose/log-history.ts';
import { systemClock } from '../../compose/runs.ts';
import { VERDICT_EXIT } from '../../core/evidence/audit-report.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { stateOnDemand } from '../one-run.ts';
import { type Output, standardError, standardOutput } from '../output.ts';
import { Progress } from '../progress.ts';
import { durationText, fit, plural } from '../render.ts';
import { historyLines } from '../render-history.ts';

/** Thousands of runs take a while. */
async function withProgress<T>(err: Output, total: number, work: (onItem: (held: number) => void) => Promise<T>): Promise<T> {
  let held = 0;
  const progress = new Progress({
    write: (text) => void err.write(text),
    style: err.style,
    now: () => systemClock.monotonicMs(),
    text: (elapsedMs) => fit(`cellos: ${held} of ${plural(total, 'item')} held against the log · ${durationText(Math.floor(elapsedMs / 1000) * 1000)}`, err.width - 1),
  });
  if (err.terminal) progress.start();
  try {
    return await work((count) => {
      held = count;
    });
  } finally {
    progress.stop();
  }
}

async function execute(args: ParsedArgs): Promise<number> {
  const settings = currentSettings();
  const state = stateOnDemand(settings.stateDir);
  const pathOf = (operand: string): string => (isThere(operand) || !/^[0-9a-z]+$/i.test(operand) ? operand : state().resolve(operand).bundle);
  const log = args.text('log');
  // This host's own log is always about every run that is here.
  const own = log === undefined ? state().list().filter((run) => run.state !== 'missing').map((run) => run.bundle) : [];
  const paths = [...new Set([...own, ...args.positionals.map(pathOf)])];
  const trust = trustOf(args.texts('trust'), state, settings.stateDir);
  const report = await withProgress(standardError(settings), paths.length, (onItem) => holdAgainstLog(log ?? `${state().path}/log`, paths, trust, onItem));
  const target = args.text('out');
  if (target !== undefined) writePublicFile(target, report.note);
  const out = standardOutput(settings);
  const { note: _, ...shown } = report;
  if (args.flag('json')) await out.json(shown);
  else await out.lines(historyLines(report, { width: out.width, style: out.style, ...(target === undefined ? {} : { kept: target }) }));
  return args.flag('all') && report.verdict === 'complete' && report.unseen.length > 0 ? VERDICT_EXIT['incomplete-tail'] : VERDICT_EXIT[report.verdict];
}

export const historyCommandLine = { execute };
