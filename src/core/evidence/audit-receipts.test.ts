import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventText } from '../events/envelope-codec.ts';
import { auditReconciledEvent, auditSealEvent, sealFault } from './audit-receipts.ts';
import { AUDIT_GENESIS, auditRowOf, checkAuditChain } from './audit-row.ts';

function hashesOf(count: number): string[] {
  const hashes: string[] = [];
  for (let seq = 0; seq < count; seq += 1) hashes.push(auditRowOf({ specversion: '1.0', id: String(seq), source: 's', type: 't' }, { seq, at: 'now', prevHash: hashes.at(-1) ?? AUDIT_GENESIS }).rowHash);
  return hashes;
}

describe('auditSealEvent()', () => {
  it('is the event the reference signs', () => {
    expect(eventText(auditSealEvent({ chainId: 'c', count: 3, head: 'aa' }))).toBe('{"specversion":"1.0","id":"seal-c-3","source":"cellos-sink-spool","type":"dev.cellos.events.cell.audit.v1.segment-sealed","datacontenttype":"application/json","data":{"chainId":"c","headRowHash":"aa","integrity":"blake3-chain+ed25519-head","lastSeq":3},"time":null,"traceparent":null}');
  });

  it('fits the chain it was made of, also when that has grown, and no other', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.nat(6), fc.nat(6), (sealed, grown, cut) => {
        const hashes = hashesOf(sealed + grown);
        const seal = { event: auditSealEvent({ chainId: 'c', count: sealed, head: hashes[sealed - 1] ?? AUDIT_GENESIS }) };
        expect(sealFault(seal, hashes)).toBeUndefined();
        if (sealed > cut) expect(sealFault(seal, hashes.slice(0, cut))).toBe('row');
        if (sealed > 0) expect(sealFault(seal, hashes.with(sealed - 1, 'ff'))).toBe('row');
      }),
    );
    expect(sealFault({ event: { ...auditSealEvent({ chainId: 'c', count: 0, head: AUDIT_GENESIS }), type: 'x' } }, [])).toBe('other-type');
    expect(sealFault({ event: { ...auditSealEvent({ chainId: 'c', count: 0, head: AUDIT_GENESIS }), data: 'x' } }, [])).toBe('shape');
  });
});

describe('auditReconciledEvent()', () => {
  it('is the receipt of the reference', () => {
    expect(eventText(auditReconciledEvent({ chainId: 'run-5', fromSeq: 1, toSeq: 2, delivered: 2, head: 'aa' }))).toBe('{"specversion":"1.0","id":"reconcile-run-5-2","source":"cellos-sink-spool","type":"dev.cellos.events.cell.audit.v1.reconciled","datacontenttype":"application/json","data":{"chainId":"run-5","deliveredCount":2,"fromSeq":1,"headRowHash":"aa","integrity":"verified","signed":true,"toSeq":2},"time":null,"traceparent":null}');
  });
});

describe('checkAuditChain()', () => {
  const rowsOf = (count: number) => hashesOf(count).map((_, seq, hashes) => auditRowOf({ specversion: '1.0', id: String(seq), source: 's', type: 't' }, { seq, at: 'now', prevHash: hashes[seq - 1] ?? AUDIT_GENESIS }));

  it('names the row that breaks it, and why, the first check first', () => {
    const rows = rowsOf(3);
    const changed = (change: object) => rows.map((row, seq) => (seq === 1 ? { ...row, ...change } : row));
    expect(checkAuditChain(rows)).toMatchObject({ ok: true, count: 3 });
    expect([checkAuditChain(changed({ schema: 'x' })), checkAuditChain(changed({ seq: 7 })), checkAuditChain(changed({ prevHash: 'x' })), checkAuditChain(changed({ at: 'then' })), checkAuditChain(rows.slice(1))]).toEqual([
      { ok: false, row: 1, why: 'schema' },
      { ok: false, row: 1, why: 'seq' },
      { ok: false, row: 1, why: 'prev-hash' },
      { ok: false, row: 1, why: 'row-hash' },
      { ok: false, row: 0, why: 'seq' },
    ]);
  });
});
