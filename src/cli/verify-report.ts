/** What `cellos verify` and the verifier that ships alone have in common: the audit of one path, and its report in words. */
import { bundleAt } from '../compose/evidence.ts';
import { CellError } from '../base/errors.ts';
import { type AuditTrust, auditBundle } from '../core/evidence/audit.ts';
import { auditEnvelopes } from '../core/evidence/audit-envelopes.ts';
import type { AuditReport } from '../core/evidence/audit-report.ts';
import { auditTrail } from '../core/evidence/audit-trail.ts';
import type { EnvelopeKeys } from '../core/signing/envelope.ts';
import { bareSigners } from '../core/signing/key-trust.ts';
import { visible } from './render.ts';
import { logText } from './render-verify.ts';

/**
 * @param path a bundle folder, a .tar of one, JSON Lines of signed events, or an audit chain
 * @param bare keys of bare events, which carry no keyset; default: what the pins say
 * @throws CellError `run.unknown` when nothing is there
 */
export async function auditPath(path: string, trust: AuditTrust, bare?: EnvelopeKeys): Promise<AuditReport> {
  const found = bundleAt(path);
  const keys = bare ?? { ed25519: bareSigners(trust.pins ?? []) };
  if (found.kind === 'jsonl') return auditEnvelopes(found.chunks, keys);
  if (found.kind === 'trail') return auditTrail(found, keys);
  if (bare !== undefined) throw new CellError('usage.invalid', 'Cannot use --keys or --hmac-keys here: they are for JSON Lines of bare events, and a bundle brings its own keys');
  return auditBundle(found.source, trust);
}

/** RFC 3339 in UTC, as the audit compares it. @throws CellError `usage.invalid` */
export function timeOption(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new CellError('usage.invalid', `Cannot use --at ${JSON.stringify(text)}: write a time like 2027-01-31T12:00:00Z, or now`);
  return time.toISOString();
}

export function reportText(report: AuditReport, json: boolean): string {
  if (json) return `${JSON.stringify(report)}\n`;
  const { verdict, findings, count, runId, log } = report;
  const lines = [verdict, ...findings.map((finding) => `  ${visible(finding)}`), `  ${count} records${runId === undefined ? '' : ` of run ${visible(runId)}`}`];
  if (log !== undefined) lines.push(`  ${logText(log)}`);
  return `${lines.join('\n')}\n`;
}
