/** `cellos rm`: removes runs that are over. */
import { CellError, EXIT } from '../../base/errors.ts';
import { type Removal, removeRun } from '../../compose/run-control.ts';
import { type RunEntry, StateFolder, summarise } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { parseDuration } from '../../base/quantity.ts';
import { type Output, standardError, standardOutput } from '../output.ts';
import { bytesText, plural, visible } from '../render.ts';
import { errorLines } from '../render-error.ts';

const WHOLE_ID = /^[0-9a-z]{26}$/;

interface Selection {
  readonly runs: readonly RunEntry[];
  /** Whole ids that are not there. */
  readonly gone: readonly string[];
}

function named(state: StateFolder, operands: readonly string[]): Selection {
  const runs = new Map<string, RunEntry>();
  const gone: string[] = [];
  const ids = state.ids();
  for (const operand of operands) {
    if (WHOLE_ID.test(operand) && !ids.includes(operand)) gone.push(operand);
    else {
      const run = state.resolve(operand);
      runs.set(run.runId, run);
    }
  }
  return { runs: [...runs.values()], gone };
}

function matching(state: StateFolder, args: ParsedArgs): Selection {
  const olderThan = args.text('older-than');
  const before = olderThan === undefined ? Number.POSITIVE_INFINITY : Date.now() - parseDuration('--older-than', olderThan);
  const old = (run: RunEntry): boolean => {
    if (olderThan === undefined) return true;
    // A run whose beginning cannot be read is not known to be old.
    return Date.parse(summarise(run).view.startedAt ?? '') < before;
  };
  return { runs: state.list().filter((run) => (args.flag('all-sealed') ? run.state === 'sealed' : run.state !== 'running') && old(run)), gone: [] };
}

function select(state: StateFolder, args: ParsedArgs): Selection {
  const byRule = args.flag('all-sealed') || args.text('older-than') !== undefined;
  if (byRule && args.positionals.length > 0) throw new CellError('usage.invalid', 'Cannot remove by id and by rule at once: give ids, or --all-sealed and --older-than');
  if (!byRule && args.positionals.length === 0) throw new CellError('usage.invalid', 'Cannot remove nothing: give ids of runs, --all-sealed, or --older-than 30d');
  return byRule ? matching(state, args) : named(state, args.positionals);
}

async function report(removal: Removal, out: Output, json: boolean): Promise<void> {
  if (json) await out.json(removal);
  else await out.lines([removal.keptAt === undefined ? `${removal.runId} removed, ${bytesText(removal.bytes)} freed` : `${removal.runId} is off the list; its evidence stays in ${visible(removal.keptAt)}`]);
}

async function execute(args: ParsedArgs): Promise<number> {
  const settings = currentSettings();
  const out = standardOutput(settings);
  const json = args.flag('json');
  const state = new StateFolder(settings.stateDir);
  const { runs, gone } = select(state, args);
  for (const runId of gone) await (json ? out.json({ runId, gone: true }) : out.lines([`${runId} is not here any more`]));
  if (args.flag('dry-run')) {
    for (const run of runs) await (json ? out.json({ runId: run.runId, state: run.state }) : out.lines([`${run.runId} would be removed (${run.state})`]));
    return EXIT.ok;
  }
  let code: number = EXIT.ok;
  let bytes = 0;
  let removed = 0;
  for (const run of runs) {
    try {
      const removal = await removeRun(state, run);
      bytes += removal.bytes;
      removed += 1;
      await report(removal, out, json);
    } catch (error) {
      // One that cannot go does not keep the others.
      if (!(error instanceof CellError)) throw error;
      code = Math.max(code, error.info.exit);
      await standardError(settings).lines(errorLines(error));
    }
  }
  if (!json && runs.length > 1) await out.lines([`${bytesText(bytes)} freed, ${plural(removed, 'run')} removed`]);
  return code;
}

export const rmCommandLine = { execute };
