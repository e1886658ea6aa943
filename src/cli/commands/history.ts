/** `cellos history`: runs and checkpoints held against the log of a host. */
import { writePublicFile } from '../../compose/host-keys.ts';
import { isThere, trustOf } from '../../compose/audit.ts';
import { holdAgainstLog } from '../../compose/log-history.ts';
import { StateFolder } from '../../compose/runs.ts';
import { VERDICT_EXIT } from '../../core/evidence/audit-report.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { standardOutput } from '../output.ts';
import { historyLines } from '../render-history.ts';

async function execute(args: ParsedArgs): Promise<number> {
  const settings = currentSettings();
  let folder: StateFolder | undefined;
  const state = (): StateFolder => {
    folder ??= new StateFolder(settings.stateDir);
    return folder;
  };
  const pathOf = (operand: string): string => (isThere(operand) || !/^[0-9a-z]+$/i.test(operand) ? operand : state().resolve(operand).bundle);
  const log = args.text('log');
  // This host's own log is always about every run that is here.
  const own = log === undefined ? state().list().filter((run) => run.state !== 'missing').map((run) => run.bundle) : [];
  const paths = [...new Set([...own, ...args.positionals.map(pathOf)])];
  const report = await holdAgainstLog(log ?? `${state().path}/log`, paths, trustOf(args.texts('trust'), state, settings.stateDir));
  const target = args.text('out');
  if (target !== undefined) writePublicFile(target, report.note);
  const out = standardOutput(settings);
  const { note: _, ...shown } = report;
  if (args.flag('json')) await out.json(shown);
  else await out.lines(historyLines(report, { width: out.width, style: out.style, ...(target === undefined ? {} : { kept: target }) }));
  return args.flag('all') && report.verdict === 'complete' && report.unseen.length > 0 ? VERDICT_EXIT['incomplete-tail'] : VERDICT_EXIT[report.verdict];
}

export const historyCommandLine = { execute };
