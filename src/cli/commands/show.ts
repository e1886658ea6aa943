/** `cellos show`: one run, with the verdict of the audit beside what is read; and the report of it, as text, as a page, as JSON. */
import { writeFileSync } from 'node:fs';
import { canonicalText } from '../../base/canonical-json.ts';
import { CellError, errnoOf, EXIT, messageOf } from '../../base/errors.ts';
import type { JsonValue } from '../../base/json.ts';
import { parsePositive } from '../../base/quantity.ts';
import { type Audited, auditAt, trustOf } from '../../compose/audit.ts';
import { recordsAt, reportAt } from '../../compose/run-reports.ts';
import type { RunEntry } from '../../compose/runs.ts';
import { currentSettings, type Settings } from '../../config/env.ts';
import { snapshotText } from '../../core/projection/cell-state.ts';
import type { RunReport } from '../../core/projection/report/report-model.ts';
import { RunCell } from '../../core/projection/run-cell.ts';
import { applyToDetail, EMPTY_DETAIL, type RunDetail } from '../../core/projection/run-detail.ts';
import type { ParsedArgs } from '../command.ts';
import { type OneBundle, oneBundle } from '../one-bundle.ts';
import { stateOnDemand } from '../one-run.ts';
import { standardOutput } from '../output.ts';
import { PLAIN } from '../render.ts';
import { showLines, type Shown } from '../render-show.ts';
import type { TextPage } from '../report/text-table.ts';
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

async function report(args: ParsedArgs, bundle: OneBundle, input: { settings: Settings; audited: Audited | undefined; timelineMax: number }): Promise<number> {
  const { settings, audited, timelineMax } = input;
  const { path, run, where } = bundle;
  const model = await reportAt(path, { where, timelineMax, ...(run === undefined ? {} : { known: run }), ...(audited === undefined ? {} : { audited }) });
  const out = standardOutput(settings);
  const file = args.text('out');
  const text = await renderedReport(args, model, file === undefined ? { width: out.width, style: out.style } : { width: Number.POSITIVE_INFINITY, style: PLAIN });
  if (file === undefined) await out.write(text);
  else writeReport(file, text);
  return EXIT.ok;
}

async function renderedReport(args: ParsedArgs, model: RunReport, page: TextPage): Promise<string> {
  if (args.flag('json')) return `${JSON.stringify((await import('../report/report-json.ts')).reportJson(model))}\n`;
  const { reportPage } = await import('../report/report-page.ts');
  if (args.flag('html')) return (await import('../report/html-report.ts')).reportHtml(reportPage(model));
  return `${(await import('../report/text-report.ts')).reportLines(reportPage(model), page).join('\n')}\n`;
}

/** For the same reader, the same file: an older report there is replaced. @throws CellError `usage.invalid` */
function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CellError('usage.invalid', `Cannot write the report to ${file}: ${errnoOf(error) ?? messageOf(error)}`, { cause: error, facts: { path: file } });
  }
}

function refuseUnfit(args: ParsedArgs, wanted: boolean): void {
  if (args.flag('html') && args.flag('json')) throw new CellError('usage.invalid', 'Cannot write one report as --html and as --json: choose one');
  if (!wanted && args.text('out') !== undefined) throw new CellError('usage.invalid', 'Cannot use --out here: it says where a report goes; add --report or --html');
}

/** What a bundle from elsewhere says of itself. */
function entryOf({ path, run }: OneBundle, audited: Audited, { view }: RunDetail): RunEntry {
  if (run !== undefined) return run;
  return { runId: audited.report.runId ?? '?', bundle: path, state: view.endedAt === undefined ? 'unsealed' : 'sealed' };
}

async function execute(args: ParsedArgs): Promise<number> {
  const settings = currentSettings();
  const state = stateOnDemand(settings.stateDir);
  const wanted = args.flag('report') || args.flag('html');
  refuseUnfit(args, wanted);
  const bundle = oneBundle(args, state);
  const events = args.text('events');
  const timelineMax = events === undefined ? 200 : parsePositive('--events', events, true);
  const audited = await auditAt(bundle.path, trustOf(args.texts('trust'), state, settings.stateDir));
  // A run that is going on has no end yet: that is no finding.
  if (wanted) return report(args, bundle, { settings, timelineMax, audited: bundle.run?.state === 'running' ? undefined : audited });
  let detail: RunDetail = EMPTY_DETAIL;
  const cell = new RunCell();
  for await (const record of recordsAt(bundle.path)) {
    if (record === undefined) continue;
    detail = applyToDetail(detail, record, timelineMax);
    cell.apply(record);
  }
  const shown: Shown = { summary: { ...entryOf(bundle, audited, detail), view: detail.view, cell: cell.state }, detail, audited, keptAt: bundle.where, nowMs: Date.now() };
  const out = standardOutput(settings);
  if (args.flag('json')) await out.json(showJson(shown));
  else await out.lines(showLines(shown, { width: out.width, style: out.style }));
  return EXIT.ok;
}

export const showCommandLine = { execute };
