/** The reference's audit chain: a row that is read is written back to one that says the same, and a chain that checks is one of its own hashes. */
import { decodeUtf8Lossy } from '../../src/base/bytes.ts';
import { jsonObject } from '../../src/base/json.ts';
import { assert } from '../../src/base/errors.ts';
import { AUDIT_GENESIS, auditRowOf, auditRowText, checkAuditChain, parseAuditRow } from '../../src/core/evidence/audit-row.ts';

const event = (n: number) => ({ specversion: '1.0', id: `id-${n}`, source: 's', type: 't', data: jsonObject({ n, text: 'ü' }) }) as const;
const first = auditRowOf(event(0), { seq: 0, at: '2026-01-01T00:00:00+00:00', prevHash: AUDIT_GENESIS });
const second = auditRowOf(event(1), { seq: 1, at: '2026-01-01T00:00:01+00:00', prevHash: first.rowHash });

export const seeds = [`${auditRowText(first)}\n${auditRowText(second)}`, auditRowText(first), auditRowText(first).replace('"seq":0', '"seq":0.5'), auditRowText(second).replace('"seq":1', '"seq":18446744073709551615')];

export default function auditRow(bytes: Uint8Array): void {
  const rows = decodeUtf8Lossy(bytes).split('\n').map((line) => parseAuditRow(line));
  for (const row of rows) {
    const text = auditRowText(row);
    assert(auditRowText(parseAuditRow(text)) === text, 'a row is written as it is read');
  }
  const check = checkAuditChain(rows);
  if (check.ok) assert(check.count === rows.length && check.head === rows.at(-1)?.rowHash, 'a chain that checks ends at its last row');
}
