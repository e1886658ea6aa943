/**
 * The segment that is being written. It is made with zeros already on the disk, so that a record overwrites what is there: no metadata to sync,
 * and no space to run out of.
 *
 *   L1  what is written behind the end is zeros until a record is: growing can fail half-way and leave nothing wrong;
 *   L2  at the end of every segment `reserveBytes` stay free but for urgent records;
 *   L3  a segment that is finished is exactly as long as its records; the next one gets its name only after that.
 */
import type { Bytes } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import { nonceCrcOf } from '../../core/journal/scan.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from '../../core/journal/segment-header.ts';
import { type DiskFile, type JournalDisk, isNoSpace, writeWhole } from './journal-disk.ts';
import { PART, segmentName } from './journal-names.ts';

export interface SegmentSizes {
  /** A segment is finished before it gets larger. */
  readonly segmentBytes: number;
  readonly reserveBytes: number;
}

/** The disk has no space for more; what is there is as it was. */
export class NoSpace extends Error {}

const zeros = new Uint8Array(64 * 1024);

function writeZeros(file: DiskFile, start: number, end: number): void {
  for (let at = start; at < end; at += zeros.byteLength) writeWhole(file, zeros.subarray(0, Math.min(zeros.byteLength, end - at)), at);
}

export class LiveSegment {
  readonly header: SegmentHeader;
  readonly nonceCrc: number;
  readonly #disk: JournalDisk;
  readonly #file: DiskFile;
  readonly #sizes: SegmentSizes;
  /** Zeros are on the disk up to here. */
  #allocated: number;
  #end = SEGMENT_HEADER_BYTES;

  private constructor(disk: JournalDisk, file: DiskFile, header: SegmentHeader, sizes: SegmentSizes, allocated: number) {
    this.#disk = disk;
    this.#file = file;
    this.header = header;
    this.nonceCrc = nonceCrcOf(header);
    this.#sizes = sizes;
    this.#allocated = allocated;
  }

  /**
   * @param before finishes the segment before, when the new one is on the disk but for its name [L3]
   * @returns undefined when somebody else made a segment of this number. @throws NoSpace
   */
  static async make(disk: JournalDisk, header: SegmentHeader, sizes: SegmentSizes, before?: LiveSegment): Promise<LiveSegment | undefined> {
    const name = segmentName(header.number);
    const part = `${name}.${header.epoch}${PART}`;
    const allocated = Math.min(sizes.segmentBytes, Math.max(LIMITS.journalFirstBytes, 2 * sizes.reserveBytes));
    const file = withSpace(() => disk.create(part));
    let made: LiveSegment | undefined;
    try {
      await filled(file, header, allocated);
      await before?.finish();
      if (!disk.link(part, name)) return undefined;
      disk.remove(part);
      await disk.syncFolder();
      made = new LiveSegment(disk, file, header, sizes, allocated);
      return made;
    } catch (error) {
      if (error instanceof NoSpace) disk.remove(part);
      throw error;
    } finally {
      if (made === undefined) file.close();
    }
  }

  /** Where the next record goes: up to here the file is records. */
  get end(): number {
    return this.#end;
  }

  /** Bytes of records that fit into an empty segment beside the reserve. */
  static capacity(sizes: SegmentSizes): number {
    return sizes.segmentBytes - SEGMENT_HEADER_BYTES - sizes.reserveBytes;
  }

  fits(bytes: number): boolean {
    return this.#end + bytes + this.#sizes.reserveBytes <= this.#sizes.segmentBytes;
  }

  /** Do they fit into what is on the disk already, the reserve with it? */
  fitsReserve(bytes: number): boolean {
    return this.#end + bytes <= this.#allocated;
  }

  /** Makes place for so many bytes and the reserve behind them [L1, L2]. @throws NoSpace; anything else a write or sync throws */
  async grow(bytes: number): Promise<void> {
    const needed = this.#end + bytes + this.#sizes.reserveBytes;
    if (needed <= this.#allocated) return;
    const wanted = Math.min(this.#sizes.segmentBytes, Math.max(needed, this.#allocated + Math.min(this.#allocated, LIMITS.journalGrowthBytesMax)));
    withSpace(() => writeZeros(this.#file, this.#allocated, wanted));
    await this.#file.sync();
    this.#allocated = wanted;
  }

  /** One write and one sync; `end` moves when they are done. */
  async write(bytes: Bytes): Promise<void> {
    writeWhole(this.#file, bytes, this.#end);
    await this.#file.sync();
    this.#end += bytes.byteLength;
  }

  /** Cuts what is not used off [L3]. */
  async finish(): Promise<void> {
    this.#file.truncate(this.#end);
    await this.#file.sync();
    this.#allocated = this.#end;
  }

  close(): void {
    this.#file.close();
  }

  toString(): string {
    return `${this.#disk.path}/${segmentName(this.header.number)}`;
  }
}

/** @throws NoSpace when the action fails for want of space */
function withSpace<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (isNoSpace(error)) throw new NoSpace('no space', { cause: error });
    throw error;
  }
}

/** @throws NoSpace */
async function filled(file: DiskFile, header: SegmentHeader, allocated: number): Promise<void> {
  try {
    writeWhole(file, encodeSegmentHeader(header), 0);
    writeZeros(file, SEGMENT_HEADER_BYTES, allocated);
    await file.sync();
  } catch (error) {
    if (isNoSpace(error)) throw new NoSpace('no space', { cause: error });
    throw error;
  }
}
