/** `cellos ps`: the runs of this host, newest first. */
import { CellError, EXIT } from '../../base/errors.ts';
import { type RunState, type RunSummary, shortIds, StateFolder, summaries } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import { currentState } from '../../core/projection/cell-state.ts';
import type { ParsedArgs } from '../command.ts';
import { parsePositive } from '../../base/quantity.ts';
import { type Output, standardOutput } from '../output.ts';
import { plural } from '../render.ts';
import { durationOf, runTable } from '../render-runs.ts';

const STATES: readonly RunState[] = ['running', 'sealed', 'unsealed', 'missing'];

function statesOf(args: ParsedArgs): readonly RunState[] | undefined {
  const asked = args.texts('state');
  for (const state of asked) if (!STATES.includes(state as RunState)) throw new CellError('usage.invalid', `Cannot list runs that are ${JSON.stringify(state)}: the states are ${STATES.join(', ')}`);
  return asked.length === 0 ? undefined : (asked as RunState[]);
}

/** One object a run: what `--json` prints, and what `show --json` begins with. */
export function summaryJson(summary: RunSummary, nowMs: number): object {
  const { runId, state, bundle, view, cell } = summary;
  const durationMs = durationOf(summary, nowMs);
  return { runId, state, ...(durationMs === undefined ? {} : { durationMs }), ...view, cellState: currentState(cell), evidence: bundle };
}

/** Ids alone need no look into a bundle, and without a state asked for not even one at its end. */
function idsOf(state: StateFolder, states: readonly RunState[] | undefined, limit: number): string[] {
  const ids = states === undefined ? state.ids() : state.ids().filter((runId) => states.includes(state.entry(runId).state));
  return ids.slice(0, limit);
}

async function print(found: readonly RunSummary[], state: StateFolder, args: ParsedArgs, out: Output): Promise<void> {
  const nowMs = Date.now();
  if (args.flag('json')) {
    for (const summary of found) await out.json(summaryJson(summary, nowMs));
    return;
  }
  const ids = state.ids();
  const short = shortIds(ids);
  const rows = found.map((summary) => ({ summary, shortId: short.get(summary.runId) ?? summary.runId }));
  if (rows.length === 0) await out.lines([ids.length === 0 ? 'No runs yet. Begin with: cellos run -- echo hello' : 'No run is in this state.']);
  else await out.lines(runTable(rows, { width: out.width, style: out.style, nowMs }));
  if (found.length < ids.length && args.texts('state').length === 0 && out.terminal) await out.lines([out.style.dim(`… and ${plural(ids.length - found.length, 'earlier run')}: cellos ps -a`)]);
}

async function execute(args: ParsedArgs): Promise<number> {
  if (args.positionals.length > 0) throw new CellError('usage.invalid', `Cannot list ${args.positionals.join(' ')}: cellos ps takes options only; cellos show RUN shows one run`);
  const settings = currentSettings();
  const state = new StateFolder(settings.stateDir);
  const states = statesOf(args);
  const limit = args.text('limit');
  const count = args.flag('all') ? Number.POSITIVE_INFINITY : limit === undefined ? 20 : parsePositive('--limit', limit, true);
  const out = standardOutput(settings);
  if (args.flag('quiet')) await out.lines(idsOf(state, states, count));
  else await print(summaries(state, { limit: count, ...(states === undefined ? {} : { states }) }), state, args, out);
  return EXIT.ok;
}

export const psCommandLine = { execute };
