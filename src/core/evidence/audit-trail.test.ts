import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { envelopeText } from '../signing/envelope.ts';
import { readSigningSettings } from '../signing/signing-config.ts';
import { auditSealEvent } from './audit-receipts.ts';
import { TRAIL_BEGINNING } from './bundle.ts';
import type { AuditReport } from './audit-report.ts';
import { AUDIT_GENESIS, type AuditRow, auditRowOf, auditRowText } from './audit-row.ts';
import { auditTrail } from './audit-trail.ts';

const SEED = new Uint8Array(32).fill(7);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const signs = (toggle: string, kid: string, key: Uint8Array) => readSigningSettings({ toggle, kid, key: base64(key) }).sign;
const keys = { ed25519: new Map([['k', ed25519SigningKey(SEED).publicKey]]) };

function rowsOf(count: number, text = 'x'): AuditRow[] {
  const rows: AuditRow[] = [];
  for (let seq = 0; seq < count; seq += 1) rows.push(auditRowOf({ specversion: '1.0', id: `${text}-${seq}`, source: 's', type: 't' }, { seq, at: 'now', prevHash: rows.at(-1)?.rowHash ?? AUDIT_GENESIS }));
  return rows;
}

const linesOf = (rows: readonly AuditRow[]): Uint8Array => utf8(rows.map((row) => `${auditRowText(row)}\n`).join(''));

function sealOf(rows: readonly AuditRow[], sign = signs('ed25519', 'k', SEED), change: (event: CloudEvent) => CloudEvent = (event) => event): Uint8Array {
  if (sign === undefined) throw new Error('no key');
  return utf8(envelopeText(sign(change(auditSealEvent({ chainId: 'c', count: rows.length, head: rows.at(-1)?.rowHash ?? AUDIT_GENESIS })))));
}

interface Trail {
  readonly rows: Uint8Array;
  readonly head?: Uint8Array;
  readonly seal?: Uint8Array;
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

const audited = ({ rows, head, seal }: Trail, size = 1000): Promise<AuditReport> => auditTrail({ rows: inChunks(rows, size), head, seal }, keys);
const whole = (rows: readonly AuditRow[]): Required<Trail> => ({ rows: linesOf(rows), head: utf8(rows.at(-1)?.rowHash ?? AUDIT_GENESIS), seal: sealOf(rows) });

describe('auditTrail()', () => {
  it('is complete when rows, head and seal agree, in whatever pieces they come', async () => {
    for (const count of [0, 1, 5]) for (const size of [1, 7, 1000]) expect(await audited(whole(rowsOf(count)), size)).toMatchObject({ verdict: 'complete', count, findings: [] });
    expect(auditRowText(rowsOf(1)[0] as AuditRow).startsWith(TRAIL_BEGINNING)).toBe(true);
  });

  it('is not complete when any byte of rows, head or seal is another, and names the row [AT1]', async () => {
    const trail = whole(rowsOf(3));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('rows', 'head', 'seal' as const), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, place, change) => {
        const bytes = Uint8Array.from(trail[file]);
        const at = place % bytes.byteLength;
        bytes[at] = (bytes[at] ?? 0) ^ change;
        const { verdict, firstBadRecord } = await audited({ ...trail, [file]: bytes });
        expect(verdict).not.toMatch(/^complete/);
        // The very last line end may be lost: what stood before it is then a row that was cut off.
        const seq = Buffer.from(trail.rows).subarray(0, at).toString('latin1').split('\n').length - 1;
        if (file === 'rows' && verdict === 'tampered' && firstBadRecord !== undefined) expect([seq, seq + 1]).toContain(firstBadRecord.seq);
      }),
      { numRuns: 2000 },
    );
  });

  it('is tampered when rows are missing, moved or made anew, with a head that fits [AT1]', async () => {
    const rows = rowsOf(4);
    const { seal } = whole(rows);
    const other = whole(rowsOf(4, 'y'));
    for (const [name, trail] of Object.entries<Trail>({
      'the last row': { rows: linesOf(rows.slice(0, 3)), head: utf8(rows[2]?.rowHash ?? ''), seal },
      'the first row': { rows: linesOf(rows.slice(1)), seal },
      'all rows': { rows: new Uint8Array(), head: utf8(AUDIT_GENESIS), seal },
      moved: { rows: linesOf([rows[0], rows[2], rows[1], rows[3]] as AuditRow[]), seal },
      twice: { rows: linesOf([...rows, rows[3] as AuditRow]), seal },
      anew: { ...other, seal },
      'the head alone': { ...whole(rows), head: utf8(rows[0]?.rowHash ?? '') },
    })) expect((await audited(trail)).verdict, name).toBe('tampered');
  });

  it('has no end when rows came after the seal, or one was cut off [AT2]', async () => {
    const rows = rowsOf(5);
    const seal = sealOf(rows.slice(0, 3));
    expect(await audited({ rows: linesOf(rows), head: utf8(rows[4]?.rowHash ?? ''), seal })).toMatchObject({ verdict: 'incomplete-tail', findings: [expect.stringMatching(/^3 rows are sealed; 2 more came after/)] });
    // A head is written after its row.
    expect((await audited({ rows: linesOf(rows), head: utf8(rows[3]?.rowHash ?? ''), seal })).verdict).toBe('incomplete-tail');
    const torn = linesOf(rows.slice(0, 4));
    for (const cut of [1, 2, 50]) expect((await audited({ rows: torn.subarray(0, torn.byteLength - cut), head: utf8(rows[2]?.rowHash ?? ''), seal })).verdict, String(cut)).toBe('incomplete-tail');
  });

  it('is believed on nothing but a signature of a key that is trusted', async () => {
    const rows = rowsOf(2);
    const trail = whole(rows);
    const { seal: _, ...unsealed } = trail;
    expect(await audited(unsealed)).toMatchObject({ verdict: 'untrusted-key', count: 2 });
    expect((await audited({ ...trail, seal: sealOf(rows, signs('ed25519', 'stranger', SEED)) })).verdict).toBe('untrusted-key');
    expect((await audited({ ...trail, seal: sealOf(rows, signs('ed25519', 'k', new Uint8Array(32).fill(8))) })).verdict).toBe('tampered');
    expect((await audited({ ...trail, seal: sealOf(rows, signs('hmac', 'k', SEED)) })).verdict).toBe('untrusted-key');
    expect((await audited({ ...trail, seal: sealOf(rows, undefined, (event) => ({ ...event, type: 'dev.example' })) })).verdict).toBe('tampered');
    expect((await audited({ ...trail, seal: utf8('{}') })).verdict).toBe('tampered');
  });

  it('names the line of what is no row', async () => {
    const rows = linesOf(rowsOf(2));
    for (const bad of ['{}', 'x', '[]', '{"schema":1}', '\ufeff{}']) expect(await audited({ rows: concatBytes([rows, utf8(`\n${bad}\n`)]) }), bad).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 2, line: 4 } });
    expect((await audited({ rows: concatBytes([rows, Uint8Array.of(0xff, 10)]) })).verdict).toBe('tampered');
  });
});
