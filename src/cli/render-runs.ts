/** The list of runs. Pure. */
import type { RunSummary } from '../compose/runs.ts';
import { commandText, durationText, type Style, table, visible } from './render.ts';

export interface RunRow {
  readonly summary: RunSummary;
  readonly shortId: string;
}

/** Local time to the second, as people read it. */
export function timeText(rfc3339: string | undefined): string {
  const at = rfc3339 === undefined ? Number.NaN : Date.parse(rfc3339);
  if (Number.isNaN(at)) return '?';
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** How long ago, in the largest unit only. */
export function agoText(rfc3339: string | undefined, nowMs: number): string {
  const ms = nowMs - Date.parse(rfc3339 ?? '');
  if (Number.isNaN(ms)) return '?';
  for (const [unit, size] of [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000]] as const) if (ms >= size) return `${Math.floor(ms / size)} ${unit} ago`;
  return `${Math.max(0, Math.floor(ms / 1000))} s ago`;
}

export function durationOf(summary: RunSummary, nowMs: number): number | undefined {
  const { view, state } = summary;
  const from = Date.parse(view.startedAt ?? '');
  const to = state === 'running' ? nowMs : Date.parse(view.endedAt ?? '');
  return Number.isNaN(from) || Number.isNaN(to) ? undefined : Math.max(0, to - from);
}

/** How it ended, in a word and its code; empty while it runs. */
export function endText(summary: RunSummary): string {
  const { view, state } = summary;
  if (state === 'running' || state === 'missing') return '';
  if (view.ending === undefined) return state === 'unsealed' ? 'unknown' : '';
  const word = view.ending === 'signalled' ? (view.signalName ?? 'signalled') : view.ending === 'limit-exceeded' ? `limit ${view.limits.join(' ')}` : view.ending;
  return visible(view.exitCode === undefined ? word : `${word} ${view.exitCode}`);
}

export function runTable(rows: readonly RunRow[], options: { width: number; style: Style; nowMs: number }): string[] {
  const { style } = options;
  const at = (row: number): RunSummary => (rows[row] as RunRow).summary;
  const paintState = (text: string, row: number): string => ({ running: style.green, sealed: (same: string) => same, unsealed: style.yellow, missing: style.red })[at(row).state](text);
  const paintEnd = (text: string, row: number): string => (at(row).state === 'sealed' && at(row).view.exitCode === 0 ? style.green(text) : style.yellow(text));
  return table(
    [
      { title: 'RUN' },
      { title: 'STATE', paint: paintState },
      { title: 'ENDED', paint: paintEnd, shrinkTo: 10 },
      { title: 'TOOK', right: true },
      { title: 'STARTED', right: true, optional: true },
      { title: 'COMMAND', shrinkTo: 16 },
    ],
    rows.map(({ summary, shortId }) => {
      const took = durationOf(summary, options.nowMs);
      return [shortId, summary.state, endText(summary), took === undefined ? '' : durationText(took), agoText(summary.view.startedAt, options.nowMs), commandText(summary.view.argv ?? [])];
    }),
    options,
  );
}
