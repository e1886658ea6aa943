/**
 * The audit of a chain of the reference's form (`axiom.audit.v1`), as the profile `airgapped` keeps its events: rows, the head written beside them,
 * and the seal that a key has put under them.
 *
 *   AT1  rows are as good as the seal over them: whoever can write the folder can make rows and head anew, not the seal;
 *   AT2  rows after the seal are of a run that has not ended or was killed: the chain is whole up to the seal, and has no end.
 * LIMIT: an older chain in the place of a newer one, with its own head and seal, is found only by whoever remembers the newer one.
 */
import { type Bytes, tryDecodeUtf8 } from '../../base/bytes.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { type EnvelopeKeys, envelopeText, parseEnvelope, verifyEnvelope } from '../signing/envelope.ts';
import { sealFault } from './audit-receipts.ts';
import { type AuditReport, isDefect, linesOf, report } from './audit-report.ts';
import { AUDIT_GENESIS, AuditRowChain, parseAuditRow } from './audit-row.ts';

export interface TrailSource {
  readonly rows: AsyncIterable<Bytes>;
  /** `audit-trail.head`; undefined when there is no such file. */
  readonly head: Bytes | undefined;
  /** `audit-trail.sig`. */
  readonly seal: Bytes | undefined;
}

const WHY = { schema: 'it is of another schema', seq: 'its number does not follow', 'prev-hash': 'it does not follow the row before', 'row-hash': 'it is not what its hash says' } as const;

interface RowsRead {
  readonly hashes: readonly string[];
  readonly torn: boolean;
  readonly bad?: { readonly seq: number; readonly line: number; readonly reason: string };
}

async function readRows(rows: AsyncIterable<Bytes>): Promise<RowsRead> {
  const chain = new AuditRowChain();
  const hashes: string[] = [];
  let line = 0;
  try {
    for await (const { line: bytes, complete } of linesOf(rows)) {
      if (!complete) return { hashes, torn: true };
      line += 1;
      const text = tryDecodeUtf8(bytes);
      if (text === undefined) throw new CellError('evidence.invalid', 'it is not UTF-8');
      if (text.trim() === '') continue;
      const row = parseAuditRow(text);
      const fault = chain.add(row);
      if (fault !== undefined) throw new CellError('evidence.invalid', WHY[fault]);
      hashes.push(row.rowHash);
    }
  } catch (error) {
    if (!isDefect(error)) throw error;
    return { hashes, torn: false, bad: { seq: hashes.length, line: Math.max(line, 1), reason: messageOf(error) } };
  }
  return { hashes, torn: false };
}

/** What stands against the seal; undefined: it is good. With how many rows it covers. */
function checkSeal(bytes: Bytes, hashes: readonly string[], keys: EnvelopeKeys): { readonly verdict?: 'tampered' | 'untrusted-key'; readonly finding?: string; readonly covered: number } {
  try {
    const envelope = parseEnvelope(parseJson(bytes));
    // A chain that others shall believe is under a signature; an HMAC is anybody's who can check it.
    if (envelope.algorithm !== 'ed25519') return { verdict: 'untrusted-key', finding: 'The seal carries an HMAC, which proves nothing to others', covered: 0 };
    verifyEnvelope(envelope, keys);
    // One spelling, the one that is written: nothing in the file has a second one that means the same.
    if (tryDecodeUtf8(bytes)?.trimEnd() !== envelopeText(envelope)) return { verdict: 'tampered', finding: 'The seal verifies, but is not written as it was made', covered: 0 };
    const fault = sealFault(envelope, hashes);
    if (fault === 'row') return { verdict: 'tampered', finding: 'The seal is of other rows than these: some are missing, or were made anew', covered: 0 };
    if (fault !== undefined) return { verdict: 'tampered', finding: 'The seal is none: it is a signed event of another kind', covered: 0 };
    const { data } = envelope.event;
    return { covered: isJsonObject(data ?? null) ? Number((data as { lastSeq: number }).lastSeq) : 0 };
  } catch (error) {
    if (!isDefect(error)) throw error;
    const untrusted = isCellError(error) && error.facts['reason'] === 'unknown-kid';
    return { verdict: untrusted ? 'untrusted-key' : 'tampered', finding: `The seal: ${messageOf(error)}`, covered: 0 };
  }
}

/** The head is written after its row: at most one row behind. */
function headFinding(head: Bytes | undefined, hashes: readonly string[]): string | undefined {
  if (head === undefined) return undefined;
  const text = tryDecodeUtf8(head)?.trim();
  const fits = [hashes.at(-1) ?? AUDIT_GENESIS, hashes.at(-2) ?? AUDIT_GENESIS].includes(text ?? '');
  return fits ? undefined : 'The head beside the chain is of another row: rows are missing at the end, or were added';
}

/**
 * @param keys Ed25519 keys that may have sealed it
 * @returns `complete` | `incomplete-tail` | `tampered` | `untrusted-key`; the count is of rows
 * @throws only what the source throws when it cannot read
 */
export async function auditTrail(source: TrailSource, keys: EnvelopeKeys): Promise<AuditReport> {
  const { hashes, torn, bad } = await readRows(source.rows);
  const count = hashes.length;
  if (bad !== undefined) return report('tampered', [`Line ${bad.line}: ${bad.reason}`], { count, firstBadRecord: bad });
  const head = headFinding(source.head, hashes);
  if (head !== undefined) return report('tampered', [head], { count });
  if (source.seal === undefined) return report('untrusted-key', [`${count} rows follow one another; no seal stands beside them (audit-trail.sig), so nothing says who made them`], { count });
  const { verdict, finding, covered } = checkSeal(source.seal, hashes, keys); // AT1
  if (verdict !== undefined) return report(verdict, finding === undefined ? [] : [finding], { count });
  const after = count - covered;
  if (after > 0 || torn) return report('incomplete-tail', [`${covered} rows are sealed; ${after > 0 ? `${after} more` : 'a row that was cut off'} came after, of a run that has not ended in order`], { count }); // AT2
  return report('complete', [], { count, head: hashes.at(-1) ?? AUDIT_GENESIS });
}
