/**
 * Rows of the reference's audit chain `axiom.audit.v1` (reference/07 §6): one line each, bound to the one before by its BLAKE3 hash.
 *
 * LIMIT: the reference calls its hashed form RFC 8785; it is not: keys are sorted by UTF-8 bytes, and numbers keep their class.
 */
import { canonicalText, stringText } from '../../base/canonical-json.ts';
import { blake3Hex } from '../../base/blake3.ts';
import { utf8 } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonValue } from '../../base/json.ts';
import { parseTypedJson } from '../../base/typed-json.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { eventToJson } from '../events/envelope-codec.ts';
import { AUDIT_SCHEMA } from './bundle.ts';

/** `prev_hash` of the first row, and the head of an empty chain. */
export const AUDIT_GENESIS = '0'.repeat(64);

export interface AuditRow {
  readonly schema: string;
  readonly seq: number | bigint;
  /** RFC 3339. */
  readonly at: string;
  /** Type of the event in `body`. */
  readonly event: string;
  readonly body: JsonValue;
  readonly prevHash: string;
  readonly rowHash: string;
}

export function auditRowHash(row: Omit<AuditRow, 'rowHash'>): string {
  const { schema, seq, at, event, body, prevHash } = row;
  return blake3Hex(utf8(canonicalText(jsonObject({ at, body, event, prev_hash: prevHash, schema, seq }))));
}

/** The line without its end. */
export function auditRowText(row: AuditRow): string {
  return `{"schema":${stringText(row.schema)},"seq":${row.seq},"at":${stringText(row.at)},"event":${stringText(row.event)},"body":${canonicalText(row.body)},"prev_hash":${stringText(row.prevHash)},"row_hash":${stringText(row.rowHash)}}`;
}

export function auditRowOf(event: CloudEvent, place: { readonly seq: number; readonly at: string; readonly prevHash: string }): AuditRow {
  const row = { schema: AUDIT_SCHEMA, event: event.type, body: eventToJson(event), ...place };
  return { ...row, rowHash: auditRowHash(row) };
}

const ROW_MEMBERS: ReadonlySet<string> = new Set(['schema', 'seq', 'at', 'event', 'body', 'prev_hash', 'row_hash']);

/** @throws CellError `json.invalid` | `evidence.invalid` */
export function parseAuditRow(line: string): AuditRow {
  const value = parseTypedJson(line, { own: ROW_MEMBERS });
  const bad = (): never => {
    throw new CellError('evidence.invalid', 'Cannot read a row of the audit chain: a member is missing, or of another type');
  };
  if (!isJsonObject(value)) return bad();
  const { schema, seq, at, event, body, prev_hash: prevHash, row_hash: rowHash } = value;
  if (typeof schema !== 'string' || (typeof seq !== 'number' && typeof seq !== 'bigint') || typeof at !== 'string' || typeof event !== 'string' || body === undefined || typeof prevHash !== 'string' || typeof rowHash !== 'string') return bad();
  return { schema, seq, at, event, body, prevHash, rowHash };
}

export type RowFault = 'schema' | 'seq' | 'prev-hash' | 'row-hash';
export type AuditChainCheck = { readonly ok: true; readonly count: number; readonly head: string } | { readonly ok: false; readonly row: number; readonly why: RowFault };

/** Checks rows one after the other, without keeping them. */
export class AuditRowChain {
  count = 0;
  head = AUDIT_GENESIS;

  /** @returns why the row does not follow; it is not taken then */
  add(row: AuditRow): RowFault | undefined {
    if (row.schema !== AUDIT_SCHEMA) return 'schema';
    if (BigInt(row.seq) !== BigInt(this.count)) return 'seq';
    if (row.prevHash !== this.head) return 'prev-hash';
    if (auditRowHash(row) !== row.rowHash) return 'row-hash';
    this.head = row.rowHash;
    this.count += 1;
    return undefined;
  }
}

/** The first row that breaks the chain decides. The head file is the caller's to compare. */
export function checkAuditChain(rows: Iterable<AuditRow>): AuditChainCheck {
  const chain = new AuditRowChain();
  for (const row of rows) {
    const why = chain.add(row);
    if (why !== undefined) return { ok: false, row: chain.count, why };
  }
  return { ok: true, count: chain.count, head: chain.head };
}
