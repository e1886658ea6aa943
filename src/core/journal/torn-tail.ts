/**
 * What may be cut off the end of a journal, and what is damage. Pure: facts in, verdict out.
 *
 * A bad tail is cut off only when all of this holds; anything else is damage, and nothing is repaired by a guess:
 *   T1  it is in the last segment;
 *   T2  no record that was written later stands anywhere behind it (`SegmentScanner.laterRecord`);
 *   T3  it is beyond the watermark: nothing of it was acknowledged, and the watermark is not torn itself — its slot is only written when no
 *       record is;
 * and the watermark has to be one that the writer can have left:
 *   T4  the journal reaches it, and has its chain digest there;
 *   T5  at most one group is beyond it, exactly one and whole when a slot is torn.
 */
import { type Bytes, equalBytes } from '../../base/bytes.ts';
import type { ScanStop } from './scan.ts';
import type { ReadWatermark } from './watermark.ts';

export type DamageReason =
  | 'segment-missing'
  | 'segment-header'
  | 'record'
  | 'records-lost'
  | 'watermark-missing'
  | 'watermark-invalid'
  | 'watermark-mismatch'
  | 'watermark-behind'
  | 'unreadable';

/** Where a journal is damaged, and how it is known. */
export interface Damage {
  readonly reason: DamageReason;
  /** Segment number; 0 when it is about the watermark alone. */
  readonly segment: number;
  /** In that segment, bytes. */
  readonly offset: number;
  /** The first record that is not there as it was written, as far as that is known. */
  readonly sequence: number;
  /** For people. */
  readonly detail: string;
}

/** The end of the last segment as it was found. */
export interface FoundEnd {
  readonly segment: number;
  readonly stop: ScanStop;
  /** Of the last record that holds. */
  readonly sequence: number;
  /** Records since the last commit record. */
  readonly openRecords: number;
  /** Chain digest at the watermark's sequence, when the journal reaches it. */
  readonly chainAtWatermark: Bytes | undefined;
  /** Groups of which a record is beyond the watermark. */
  readonly groupsBeyond: number;
  readonly laterRecord: { readonly offset: number; readonly sequence: number } | undefined;
}

export type TailVerdict = { readonly verdict: 'whole' } | { readonly verdict: 'torn' } | { readonly verdict: 'damaged'; readonly damage: Damage };

function watermarkReason(end: FoundEnd, { watermark, torn }: ReadWatermark): readonly [DamageReason, string] | undefined {
  const { stop, sequence, laterRecord } = end;
  if (sequence < watermark.sequence) return [stop.kind === 'bad' ? 'record' : 'records-lost', `records up to ${watermark.sequence} were durable, and those from ${sequence + 1} on are not there: ${stop.why}`]; // T3, T4
  if (end.chainAtWatermark === undefined || !equalBytes(end.chainAtWatermark, watermark.chain)) return ['watermark-mismatch', `record ${watermark.sequence} is not the one that was durable`]; // T4
  if (stop.kind === 'bad' && laterRecord !== undefined) return ['record', `${stop.why}, and record ${laterRecord.sequence}, written later, stands behind it at ${laterRecord.offset}`]; // T2
  if (end.groupsBeyond > 1) return ['watermark-behind', `the watermark says ${watermark.sequence}, and the journal goes on to ${sequence}: more than one commit can be beyond it`]; // T5
  if (torn && (end.groupsBeyond !== 1 || end.openRecords > 0 || stop.kind === 'bad')) return ['watermark-invalid', 'half of the watermark does not hold, and the journal does not end as it does when that half was being written']; // T3, T5
  return undefined;
}

/** @param end of the last segment [T1] */
export function judgeTail(end: FoundEnd, read: ReadWatermark): TailVerdict {
  const found = watermarkReason(end, read);
  if (found !== undefined) return { verdict: 'damaged', damage: { reason: found[0], segment: end.segment, offset: end.stop.offset, sequence: end.sequence + 1, detail: found[1] } };
  return { verdict: end.stop.kind === 'bad' ? 'torn' : 'whole' };
}
