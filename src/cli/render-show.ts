/** One run, for a reader who wants to know what really happened. Pure. */
import type { Audited } from '../compose/audit.ts';
import type { RunSummary } from '../compose/runs.ts';
import type { JsonObject } from '../base/json.ts';
import type { PlanItem } from '../core/plan/plan.ts';
import { type CellState, currentState } from '../core/projection/cell-state.ts';
import type { Kept, RunDetail } from '../core/projection/run-detail.ts';
import { eventLine, exportText } from './render-events.ts';
import { planReasons, planTable } from './render-plan.ts';
import { durationOf, endText, timeText } from './render-runs.ts';
import { verdictText } from './render-verify.ts';
import { bytesText, commandText, durationText, fit, pad, plural, type Style, visible, wrap } from './render.ts';

export interface Shown {
  readonly summary: RunSummary;
  readonly detail: RunDetail;
  readonly audited: Audited;
  readonly keptAt?: string;
  readonly nowMs: number;
}

interface Page {
  readonly width: number;
  readonly style: Style;
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? visible(String(value)) : '');

/** Items come from a record, so they are only as well formed as whoever wrote them: each member is looked at. */
export function planItems(plan: readonly JsonObject[]): PlanItem[] {
  const known = ['enforced', 'downgraded', 'declared', 'unsatisfiable'] as const;
  return plan.map((item) => ({
    name: text(item['name']),
    asked: text(item['asked']),
    effective: text(item['effective']),
    mechanism: text(item['mechanism']),
    status: known.find((status) => status === item['status']) ?? 'declared',
    ...(typeof item['reason'] === 'string' ? { reason: item['reason'] } : {}),
  }));
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines];
}

function more(kept: Kept<unknown>, what: string): string[] {
  return kept.more === 0 ? [] : [`  … and ${kept.more} more ${what}`];
}

/** `exportSucceeded` → `export succeeded`; nothing for a run that never had a cell. */
function cellText(cell: CellState): string {
  return cell.processedEvents === 0 ? '' : currentState(cell).replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function head({ summary, audited, keptAt, nowMs }: Shown, { width, style }: Page): string[] {
  const took = durationOf(summary, nowMs);
  const { view } = summary;
  const row = (name: string, value: string): string[] => (value === '' ? [] : wrap(value, width, '          ').map((line, at) => (at === 0 ? pad(name, 10) + line.trimStart() : line)));
  return [
    ...row('Run', `${summary.runId}, ${summary.state}`),
    ...row('Command', commandText(view.argv ?? [])),
    ...row('Started', `${timeText(view.startedAt)}${took === undefined ? '' : `, ${summary.state === 'running' ? 'going on for' : 'took'} ${durationText(took)}`}`),
    ...row('Ended', `${endText(summary)}${view.reason === undefined ? '' : `: ${visible(view.reason)}`}`),
    ...row('Cell', cellText(summary.cell)),
    ...row('Evidence', visible(keptAt ?? summary.bundle)),
    // A run that is going on has no end yet: that is no finding.
    ...(summary.state === 'running' ? row('Verdict', 'it is going on; it can be audited when it is over') : [`Verdict   ${verdictText(audited.report.verdict, style)}`]),
    ...(summary.state === 'running' ? [] : audited.report.findings.flatMap((finding) => wrap(visible(finding), width, '          '))),
  ];
}

function processLine(data: JsonObject, width: number): string {
  const usage = data['usage'] as JsonObject | undefined;
  const number = (key: string): number | undefined => (typeof usage?.[key] === 'number' ? (usage[key] as number) : undefined);
  const cpu = number('cpuMicros') ?? ((number('userMicros') ?? 0) + (number('systemMicros') ?? 0) || undefined);
  const peak = number('memoryPeakBytes') ?? number('maxRssBytes');
  const parts = [
    data['signalName'] === undefined ? `${text(data['ending'])} ${text(data['exitCode'])}`.trim() : `${text(data['ending'])}, ${text(data['signalName'])}${data['coreDumped'] === true ? ', core dumped' : ''}`,
    ...(typeof data['durationMs'] === 'number' ? [`after ${durationText(data['durationMs'])}`] : []),
    ...(cpu === undefined ? [] : [`cpu ${durationText(cpu / 1000)}`]),
    ...(peak === undefined ? [] : [`memory peak ${bytesText(peak)}`]),
    ...(number('pidsPeak') === undefined ? [] : [`tasks peak ${number('pidsPeak')}`]),
  ];
  return fit(`  ${parts.join(', ')}${data['reason'] === undefined ? '' : `: ${text(data['reason'])}`}`, width);
}

function outputLine(stream: JsonObject, width: number): string {
  const size = (key: string): string => bytesText(typeof stream[key] === 'number' ? (stream[key] as number) : 0);
  return fit(`  ${text(stream['name'])}: ${size('bytes')}${stream['truncated'] === true ? `, the first ${size('keptBytes')} are kept` : ''}, ${text(stream['digest'])}`, width);
}

function certificateLines(lines: readonly JsonObject[], { width, style }: Page): string[] {
  const name = Math.max(0, ...lines.map((line) => text(line['probe']).length));
  return lines.map((line) => {
    const result = text(line['result']);
    const paint = result === 'clean' ? style.green : result === 'residue' ? style.red : style.yellow;
    return `  ${paint(pad(result, 9))}  ${pad(text(line['probe']), name)}  ${fit(text(line['detail']), Math.max(12, width - name - 15))}`;
  });
}

export function showLines(shown: Shown, page: Page): string[] {
  const { detail } = shown;
  const { style, width } = page;
  const items = planItems(detail.plan);
  const startedAtMs = detail.view.startedAt === undefined ? undefined : Date.parse(detail.view.startedAt);
  const limitLine = (data: JsonObject): string => `  ${fit(Object.entries(data).filter(([key]) => !['runId', 'cellId', 'specId'].includes(key)).map(([key, value]) => `${visible(key)} ${text(value)}`).join(', '), width - 2)}`;
  const secretLine = (secret: RunDetail['secrets'][number]): string => fit(`  ${visible(secret.ref)} from ${visible(secret.broker)}: ${secret.states.map(visible).join(' → ')}; used ${plural(secret.uses, 'time')}`, width);
  return [
    ...head(shown, page),
    ...section('Asked and enforced', items.length === 0 ? [] : [...planTable(items, page), ...planReasons(items, { ...page, allowed: detail.view.downgrades })], style),
    ...section('Timeline', [...detail.timeline.items.map((record) => eventLine(record, { startedAtMs, width, style })), ...more(detail.timeline, 'events: cellos events shows them')], style),
    ...section('Processes', [...detail.processes.items.map((data) => processLine(data, width)), ...more(detail.processes, 'processes')], style),
    ...section('Limits that took effect', [...detail.limits.items.map(limitLine), ...more(detail.limits, 'times')], style),
    ...section('Output', detail.output.map((stream) => outputLine(stream, width)), style),
    ...section('Secrets', detail.secrets.map(secretLine), style),
    ...section('Exports', [...detail.exports.items.map((data) => fit(`  ${exportText(data)}`, width)), ...more(detail.exports, 'exports')], style),
    ...section('Teardown', certificateLines(detail.certificate, page), style),
  ];
}
