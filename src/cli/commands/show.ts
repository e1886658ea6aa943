/** `cellos show`: one run, with the verdict of the audit beside what is read. */
import { EXIT } from '../../base/errors.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { auditAt, trustOf } from '../../compose/audit.ts';
import { readRecords, StateFolder } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import { snapshotText } from '../../core/projection/cell-state.ts';
import { RunCell } from '../../core/projection/run-cell.ts';
import { applyToDetail, EMPTY_DETAIL, type RunDetail } from '../../core/projection/run-detail.ts';
import type { JsonValue } from '../../base/json.ts';
import type { ParsedArgs } from '../command.ts';
import { parsePositive } from '../../base/quantity.ts';
import { oneRun } from '../one-run.ts';
import { standardOutput } from '../output.ts';
import { showLines, type Shown } from '../render-show.ts';
import { summaryJson } from './ps.ts';

/** Data of events in their canonical form: numbers as they were signed. */
function lossless(value: JsonValue): unknown {
  return JSON.parse(canonicalText(value));
}

function showJson({ summary, detail, audited, nowMs }: Shown): object {
  const kept = { processes: detail.processes.items, limits: detail.limits.items, exports: detail.exports.items };
  return {
    v: 1,
    ...summaryJson({ ...summary, view: detail.view }, nowMs),
    audit: { ...audited.report, ...(audited.root === undefined ? {} : { root: audited.root }) },
    cell: JSON.parse(snapshotText(summary.cell)) as unknown,
    genesis: lossless(detail.genesis),
    plan: lossless(detail.plan),
    ...Object.fromEntries(Object.entries(kept).map(([name, items]) => [name, lossless(items)])),
    output: lossless(detail.output),
    secrets: detail.secrets,
    teardown: lossless(detail.certificate),
    events: detail.timeline.items.map((record) => ({ seq: record.seq, tier: record.tier, type: record.type, time: record.time, data: lossless(record.data) })),
    eventsLeftOut: detail.timeline.more,
  };
}

async function execute(args: ParsedArgs): Promise<number> {
  const settings = currentSettings();
  const { state, run } = oneRun(args, new StateFolder(settings.stateDir));
  const events = args.text('events');
  const timelineMax = events === undefined ? 200 : parsePositive('--events', events, true);
  let detail: RunDetail = EMPTY_DETAIL;
  const cell = new RunCell();
  for await (const { record } of readRecords(state, run, { follow: false, signal: new AbortController().signal })) {
    if (record === undefined) continue;
    detail = applyToDetail(detail, record, timelineMax);
    cell.apply(record);
  }
  const audited = await auditAt(run.bundle, trustOf(args.texts('trust'), () => state));
  const keptAt = state.elsewhere(run);
  const shown: Shown = { summary: { ...run, view: detail.view, cell: cell.state }, detail, audited, nowMs: Date.now(), ...(keptAt === undefined ? {} : { keptAt }) };
  const out = standardOutput(settings);
  if (args.flag('json')) await out.json(showJson(shown));
  else await out.lines(showLines(shown, { width: out.width, style: out.style }));
  return EXIT.ok;
}

export const showCommandLine = { execute };
