/**
 * Looks at a journal as it lies there, and changes nothing. What it finds is judged by `judgeTail`; a disk that can't be read is damage, never an end.
 *
 * The segments from the watermark's on are read whole: all that recovery has to know. Damage in an older one is found by whoever reads it, and
 * here when asked for (`whole`).
 */
import { type Bytes, equalBytes } from '../../base/bytes.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { SegmentScanner } from '../../core/journal/scan.ts';
import { JOURNAL_GENESIS, parseSegmentHeader, SEGMENT_HEADER_BYTES, CHAIN_BYTES, type SegmentHeader } from '../../core/journal/segment-header.ts';
import { type Damage, type FoundEnd, judgeTail } from '../../core/journal/torn-tail.ts';
import { parseWatermarkFile, type ReadWatermark, WATERMARK_FILE_BYTES } from '../../core/journal/watermark.ts';
import { type JournalDisk, readFirst, sourceOf } from './journal-disk.ts';
import { cursorsOf, numbersOf, segmentName, WATERMARK } from './journal-names.ts';

/** The last segment, when there is one. */
export interface LastSegment {
  readonly header: SegmentHeader;
  readonly end: FoundEnd;
}

export type Inspection =
  /** Nothing was ever written here. */
  | { readonly state: 'new' }
  | {
      readonly state: 'whole' | 'torn';
      readonly read: ReadWatermark;
      /** Segments that count, in order; none before the first was made. */
      readonly segments: readonly number[];
      /** Segments that were dropped and are still there. */
      readonly leftovers: readonly number[];
      readonly last: LastSegment | undefined;
      /** The end of what holds. */
      readonly sequence: number;
      readonly chain: Bytes;
    }
  | { readonly state: 'damaged'; readonly damage: Damage; readonly segments: readonly number[]; readonly read: ReadWatermark | undefined };

class Damaged extends Error {
  readonly damage: Damage;
  constructor(damage: Damage) {
    super(damage.detail);
    this.damage = damage;
  }
}

export function corrupt(path: string, damage: Damage, cause?: unknown): CellError {
  const { reason, segment, offset, sequence, detail } = damage;
  const where = segment === 0 ? '' : ` in ${segmentName(segment)} at ${offset}`;
  return new CellError('journal.corrupt', `The journal in ${path} is damaged${where}: ${detail}; keep the folder as it is, and restore it from a copy or begin another`, { facts: { path, reason, segment, offset, sequence }, ...(cause === undefined ? {} : { cause }) });
}

/** @throws Damaged */
export function readHeader(disk: JournalDisk, number: number): SegmentHeader {
  const header = parseSegmentHeader(readFirst(disk, segmentName(number), SEGMENT_HEADER_BYTES - 1) ?? new Uint8Array(0));
  if (header?.number === number) return header;
  const detail = header === undefined ? 'it does not begin with the header of a segment' : `it is segment ${header.number}`;
  throw new Damaged({ reason: 'segment-header', segment: number, offset: 0, sequence: 0, detail });
}

/** The chain digest at the end of a finished segment: that of its last record, or, without one, of its header. */
function lastDigest(disk: JournalDisk, number: number): Bytes {
  const file = disk.open(segmentName(number), 'read');
  try {
    const bytes = new Uint8Array(CHAIN_BYTES);
    file.read(bytes, Math.max(0, file.size() - CHAIN_BYTES));
    return bytes;
  } finally {
    file.close();
  }
}

/**
 * Does a segment go on where the one before ends? Costs one small read, and so is asked before a record of either is given out: a whole segment
 * of another journal, or of another time, is noticed first. @throws Damaged
 */
export function checkLink(disk: JournalDisk, header: SegmentHeader): void {
  const { number, firstSequence, previous } = header;
  if (!equalBytes(lastDigest(disk, number - 1), previous)) throw new Damaged({ reason: 'segment-header', segment: number, offset: 0, sequence: firstSequence, detail: 'it does not go on where the segment before ends' });
}

/** Does this segment go on where the one before stopped? */
export function follows(header: SegmentHeader, before: { readonly sequence: number; readonly chain: Bytes }): boolean {
  return header.firstSequence === before.sequence + 1 && equalBytes(header.previous, before.chain);
}

/** Runs a reading. @returns the damage that was found instead */
export function orDamage<T>(segment: () => number, action: () => T): T | { readonly damaged: Damage } {
  try {
    return action();
  } catch (error) {
    if (error instanceof Damaged) return { damaged: error.damage };
    return { damaged: { reason: 'unreadable', segment: segment(), offset: 0, sequence: 0, detail: `it cannot be read: ${messageOf(error)}` } };
  }
}

class Walk {
  readonly #disk: JournalDisk;
  readonly #read: ReadWatermark;
  /** Segment that is being read. */
  segment = 0;
  #before: { sequence: number; chain: Bytes } | undefined;
  #chainAtWatermark: Bytes | undefined;
  #groupsBeyond = 0;
  #beyondBegan = false;

  constructor(disk: JournalDisk, read: ReadWatermark) {
    this.#disk = disk;
    this.#read = read;
  }

  /** @returns the end of the last of these segments. @throws Damaged */
  over(numbers: readonly number[]): LastSegment | undefined {
    let last: LastSegment | undefined;
    for (const number of numbers) {
      this.segment = number;
      last = this.#one(number, number === numbers.at(-1));
    }
    return last;
  }

  #one(number: number, isLast: boolean): LastSegment {
    const header = readHeader(this.#disk, number);
    const before = this.#before ?? (number === 1 ? { sequence: 0, chain: JOURNAL_GENESIS } : undefined);
    if (before === undefined && number > this.#read.watermark.firstSegment) checkLink(this.#disk, header);
    if (before !== undefined && !follows(header, before)) throw new Damaged({ reason: 'segment-header', segment: number, offset: 0, sequence: before.sequence + 1, detail: 'it does not go on where the segment before stops' });
    const file = this.#disk.open(segmentName(number), 'read');
    try {
      const scanner = new SegmentScanner(sourceOf(file), header);
      this.#see(scanner.sequence, scanner.chain);
      for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
        this.#see(record.sequence, record.chain);
        this.#count(record.sequence, record.position);
      }
      const stop = scanner.stop as NonNullable<typeof scanner.stop>;
      const { sequence, chain, openRecords } = scanner;
      if (!isLast && (stop.kind !== 'end' || openRecords > 0)) throw new Damaged({ reason: 'record', segment: number, offset: stop.offset, sequence: sequence + 1, detail: stop.kind === 'end' ? 'it ends inside a group' : stop.why });
      this.#before = { sequence, chain };
      const laterRecord = stop.kind === 'bad' ? scanner.laterRecord() : undefined;
      return { header, end: { segment: number, stop, sequence, openRecords, chainAtWatermark: this.#chainAtWatermark, groupsBeyond: this.#groupsBeyond, laterRecord } };
    } finally {
      file.close();
    }
  }

  #see(sequence: number, chain: Bytes): void {
    if (sequence === this.#read.watermark.sequence) this.#chainAtWatermark = chain;
  }

  #count(sequence: number, position: number): void {
    if (sequence <= this.#read.watermark.sequence) return;
    if (position === 0 || !this.#beyondBegan) this.#groupsBeyond += 1;
    this.#beyondBegan = true;
  }

  get before(): { readonly sequence: number; readonly chain: Bytes } | undefined {
    return this.#before;
  }
}

function damaged(damage: Damage, segments: readonly number[], read?: ReadWatermark): Inspection {
  return { state: 'damaged', damage, segments, read };
}

const aboutWatermark = (reason: Damage['reason'], detail: string): Damage => ({ reason, segment: 0, offset: 0, sequence: 0, detail });

/** @param options.whole reads every segment, not only those from the watermark's on */
export function inspectJournal(disk: JournalDisk, options: { readonly whole: boolean }): Inspection {
  const found = orDamage(() => 0, () => {
    const bytes = readFirst(disk, WATERMARK, WATERMARK_FILE_BYTES); // before the segments: what it says they have to hold
    return { bytes, names: disk.list() };
  });
  if ('damaged' in found) return damaged(found.damaged, []);
  const all = numbersOf(found.names, 'segment');
  if (found.bytes === undefined) {
    return all.length === 0 && cursorsOf(found.names).length === 0 ? { state: 'new' } : damaged(aboutWatermark('watermark-missing', 'its watermark is not there'), all);
  }
  const read = parseWatermarkFile(found.bytes);
  if (read === undefined) return damaged(aboutWatermark('watermark-invalid', 'its watermark does not hold'), all);
  const { firstSegment, segment, sequence, chain } = read.watermark;
  const segments = all.filter((number) => number >= firstSegment);
  const missing = segments.findIndex((number, at) => number !== firstSegment + at);
  const absent = missing >= 0 ? firstSegment + missing : firstSegment + segments.length;
  if (missing >= 0 || absent <= segment) return damaged({ reason: 'segment-missing', segment: absent, offset: 0, sequence: 0, detail: 'it is not there' }, segments, read);
  const leftovers = all.filter((number) => number < firstSegment);
  if (segments.length === 0) {
    return equalBytes(chain, JOURNAL_GENESIS) && !read.torn ? { state: 'whole', read, segments, leftovers, last: undefined, sequence, chain } : damaged(aboutWatermark('watermark-mismatch', 'its watermark is not that of a journal without records'), segments, read);
  }
  const walk = new Walk(disk, read);
  const last = orDamage(() => walk.segment, () => walk.over(segments.filter((number) => options.whole || number >= segment)));
  if (last === undefined || 'damaged' in last) return damaged((last as { damaged: Damage }).damaged, segments, read);
  const judged = judgeTail(last.end, read);
  if (judged.verdict === 'damaged') return damaged(judged.damage, segments, read);
  const { before } = walk;
  return { state: judged.verdict, read, segments, leftovers, last, sequence: last.end.sequence, chain: before?.chain ?? chain };
}
