/** The report for programs: the model itself, numbers of events as they were signed. */
import { canonicalText } from '../../base/canonical-json.ts';
import type { RunReport } from '../../core/projection/report/report-model.ts';

export function reportJson(report: RunReport): object {
  const entries = report.timeline.entries.map(({ record: { data, ...record }, ...entry }) => ({ ...record, ...entry, data: JSON.parse(canonicalText(data)) as unknown }));
  return { ...report, timeline: { ...report.timeline, entries } };
}
