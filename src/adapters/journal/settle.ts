/**
 * Brings a journal that holds, or has a torn tail, into the state a writer begins from. Every step can be the last one before a crash; the next
 * start does what is left and comes to the same bytes.
 *
 *   S1  the watermark never says more than is durable: what the last writer left is synced before it is claimed, and claimed before anything is added;
 *   S2  the tail is kept in a file of its own before it is cut off; the cut and the record of it come into place by one rename. Nothing random
 *       and no time is in either;
 *   S3  the last segment gets a copy put in its place unless its writer had finished it, and the watermark always: a writer that wakes up late
 *       has the old ones open (epoch-claim.ts, F3).
 */
import { type Bytes, concatBytes } from '../../base/bytes.ts';
import { sha256Stream } from '../../base/crypto.ts';
import { LIMITS } from '../../base/limits.ts';
import { ownPayload } from '../../core/journal/own-records.ts';
import { OWN_TYPES, recordBytes, writeRecord } from '../../core/journal/record.ts';
import { nonceCrcOf } from '../../core/journal/scan.ts';
import { CHAIN_BYTES, JOURNAL_GENESIS } from '../../core/journal/segment-header.ts';
import { encodeWatermarkFile, type Watermark } from '../../core/journal/watermark.ts';
import type { CutTail, JournalPosition } from '../../ports/journal.ts';
import type { Inspection, LastSegment } from './inspect.ts';
import { type DiskFile, type JournalDisk, replaceFile, writeWhole } from './journal-disk.ts';
import { PART, segmentName, tornName, WATERMARK } from './journal-names.ts';

export interface Settled {
  /** Both slots of the file say this; the next generation to write is two on. */
  readonly watermark: Watermark;
  readonly nextSegment: number;
  readonly segments: readonly number[];
  readonly cut: CutTail | undefined;
}

type Sound = Extract<Inspection, { readonly state: 'whole' | 'torn' }>;

/** Calls back with [start, end) of a file, piece by piece. */
function eachPiece(file: DiskFile, start: number, end: number, take: (piece: Bytes, at: number) => void): void {
  const buffer = new Uint8Array(Math.min(LIMITS.journalReadBytes, Math.max(0, end - start)));
  for (let at = start; at < end; ) {
    const got = file.read(buffer.subarray(0, Math.min(buffer.byteLength, end - at)), at);
    if (got === 0) throw Object.assign(new Error('EIO: a file became shorter while it was read'), { code: 'EIO' });
    take(buffer.subarray(0, got), at);
    at += got;
  }
}

/** End of what is not zero. */
function endOfContent(file: DiskFile, start: number): number {
  let end = start;
  eachPiece(file, start, file.size(), (piece, at) => {
    for (let last = piece.byteLength; last > 0; last -= 1) {
      if (piece[last - 1] === 0) continue;
      end = at + last;
      return;
    }
  });
  return end;
}

/** [S2] */
async function keepTail(disk: JournalDisk, file: DiskFile, last: LastSegment): Promise<{ cut: CutTail; payload: Bytes }> {
  const { segment, stop } = last.end;
  const end = endOfContent(file, stop.offset);
  const keptAs = tornName(segment, stop.offset);
  const kept = disk.create(`${keptAs}${PART}`);
  const hash = sha256Stream();
  try {
    eachPiece(file, stop.offset, end, (piece, at) => {
      hash.update(piece);
      writeWhole(kept, piece, at - stop.offset);
    });
    await kept.sync();
  } finally {
    kept.close();
  }
  disk.rename(`${keptAs}${PART}`, keptAs);
  await disk.syncFolder();
  const bytes = end - stop.offset;
  return { cut: { segment, bytes, keptAs }, payload: ownPayload({ segment, offset: stop.offset, bytes, digest: hash.digest(), keptAs }) };
}

/** What closes the group that was being written, after the chain digest it continues. */
function closing(sound: Sound, last: LastSegment, truncated: Bytes | undefined): { readonly bytes: Bytes; readonly end: JournalPosition } {
  const { openRecords } = last.end;
  const payloads = [...(truncated === undefined ? [] : [{ type: OWN_TYPES.truncated as number, payload: truncated }])];
  if (openRecords > 0 || payloads.length > 0) payloads.push({ type: OWN_TYPES.commit, payload: new Uint8Array(0) });
  const buffer = concatBytes([sound.chain, new Uint8Array(payloads.reduce((sum, { payload }) => sum + recordBytes(payload.byteLength), 0))]);
  let at = CHAIN_BYTES;
  for (const [i, { type, payload }] of payloads.entries()) at = writeRecord(buffer, at, { type, payload, position: openRecords + i, sequence: sound.sequence + 1 + i }, nonceCrcOf(last.header));
  return { bytes: buffer.subarray(CHAIN_BYTES), end: { sequence: sound.sequence + payloads.length, chain: buffer.slice(at - CHAIN_BYTES, at) } };
}

/** Puts an exact copy of the last segment in its place, its group closed [S2, S3]. */
async function sealLast(disk: JournalDisk, sound: Sound, last: LastSegment): Promise<{ end: JournalPosition; cut: CutTail | undefined }> {
  const name = segmentName(last.header.number);
  const file = disk.open(name, 'read');
  try {
    const kept = sound.state === 'torn' ? await keepTail(disk, file, last) : undefined;
    const { bytes, end } = closing(sound, last, kept?.payload);
    const copy = disk.create(`${name}${PART}`);
    try {
      eachPiece(file, 0, last.end.stop.offset, (piece, at) => writeWhole(copy, piece, at));
      writeWhole(copy, bytes, last.end.stop.offset);
      await copy.sync();
    } finally {
      copy.close();
    }
    disk.rename(`${name}${PART}`, name);
    await disk.syncFolder();
    return { end, cut: kept?.cut };
  } finally {
    file.close();
  }
}

async function syncSegments(disk: JournalDisk, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const file = disk.open(segmentName(number), 'write');
    try {
      await file.sync();
    } finally {
      file.close();
    }
  }
  await disk.syncFolder();
}

/** Removes what was being made, and what was dropped already. */
function tidy(disk: JournalDisk, leftovers: readonly number[]): void {
  for (const name of disk.list()) if (name.endsWith(PART)) disk.remove(name);
  for (const number of leftovers) disk.remove(segmentName(number));
}

/** @param epoch of the writer that begins. @throws what the disk throws; then the journal is as it was, or further on the same way */
export async function settleJournal(disk: JournalDisk, inspection: Sound | { readonly state: 'new' }, epoch: number): Promise<Settled> {
  if (inspection.state === 'new') {
    const watermark: Watermark = { generation: 0, sequence: 0, chain: JOURNAL_GENESIS, segment: 0, firstSegment: 1, epoch };
    tidy(disk, []);
    await replaceFile(disk, WATERMARK, encodeWatermarkFile(watermark));
    return { watermark, nextSegment: 1, segments: [], cut: undefined };
  }
  const { read, last, segments, leftovers } = inspection;
  let { watermark } = read;
  const replace = async (end: JournalPosition): Promise<void> => {
    const segment = end.sequence === 0 ? 0 : end.sequence === watermark.sequence ? watermark.segment : (last?.header.number ?? 0);
    watermark = { ...watermark, generation: watermark.generation + 2, ...end, segment, epoch };
    await replaceFile(disk, WATERMARK, encodeWatermarkFile(watermark));
  };
  tidy(disk, leftovers);
  let end: JournalPosition = { sequence: inspection.sequence, chain: inspection.chain };
  let cut: CutTail | undefined;
  const unfinished = last !== undefined && (last.end.stop.kind !== 'end' || last.end.openRecords > 0);
  // S1: a length, too, may be one that its writer could not make durable.
  await syncSegments(disk, segments.filter((number) => number >= watermark.segment));
  if (end.sequence > watermark.sequence) await replace(end);
  if (unfinished) ({ end, cut } = await sealLast(disk, inspection, last));
  await replace(end);
  return { watermark, nextSegment: (segments.at(-1) ?? watermark.firstSegment - 1) + 1, segments, cut };
}
