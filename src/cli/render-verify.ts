/** The report of an audit: verdict first. Pure. */
import type { Audited } from '../compose/audit.ts';
import type { LogPlace } from '../core/evidence/log-proof.ts';
import { plural, type Style, visible, wrap } from './render.ts';

const MEANING: Readonly<Record<Audited['report']['verdict'], string>> = {
  complete: 'nothing is missing, nothing was changed',
  'complete-with-declared-gaps': 'nothing was changed; what is missing is declared',
  'incomplete-tail': 'it has no end; everything before that verifies',
  tampered: 'it is not what was recorded',
  'untrusted-key': 'it is signed by a key that is not trusted, or not for this',
  'stale-trust': 'its keys were not valid any more, or more is known of them elsewhere',
  unsupported: 'it was written by a later version',
  'authentic-unordered': 'the events are authentic; nothing proves their order, or that none is missing',
};

/** What a verdict says, in a few words. */
export function verdictMeaning(verdict: Audited['report']['verdict']): string {
  return MEANING[verdict];
}

export function verdictText(verdict: Audited['report']['verdict'], style: Style): string {
  const paint = verdict.startsWith('complete') ? style.green : verdict === 'tampered' || verdict === 'untrusted-key' ? style.red : style.yellow;
  return `${style.bold(paint(verdict))}: ${MEANING[verdict]}`;
}

/** Where in the log of its host a run stands. */
export function logText({ origin, first, last, size }: LogPlace): string {
  return `leaves ${first} to ${last} of ${size} in ${visible(origin)}`;
}

export function verifyLines({ report, root, epoch }: Audited, options: { width: number; style: Style }): string[] {
  const { width, style } = options;
  const lines = [verdictText(report.verdict, style)];
  for (const finding of report.findings) lines.push(...wrap(visible(finding), width, '  '));
  const bad = report.firstBadRecord;
  if (bad !== undefined) lines.push(`  First bad record: number ${bad.seq}, line ${bad.line}`);
  if (report.runId !== undefined) lines.push(`  Run       ${visible(report.runId)}${report.outcome === undefined ? '' : `, outcome ${visible(report.outcome)}`}`);
  lines.push(`  Records   ${plural(report.count, 'record')} ${bad === undefined ? 'verified' : 'before the first bad one'}`);
  if (report.log !== undefined) lines.push(...wrap(logText(report.log), width, ' '.repeat(12)).map((line, i) => (i === 0 ? `  Log       ${line.trimStart()}` : line)));
  if (root !== undefined) lines.push(`  Root key  ${visible(root.kid)}, trusted by ${visible(root.from)}${epoch === undefined || epoch === 1 ? '' : `, keysets to epoch ${epoch}`}`);
  if (report.verdict === 'untrusted-key' && root === undefined && report.internal === undefined) lines.push('', ...wrap('To trust the host that made it: get its root key from somebody you trust, not from the bundle (there: cellos keys export), then cellos verify --trust FILE, or cellos keys trust FILE.', width));
  return lines;
}
