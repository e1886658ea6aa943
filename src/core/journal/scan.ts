/**
 * Reads one segment from its beginning, record by record, in a window: memory is bounded by the largest record, whatever the file holds.
 *
 *   N1  a record is given out only when both checksums, its sequence, its place in its group and its chain digest hold;
 *   N2  after the first bytes that are no such record nothing is given out any more: `stop` says where and why;
 *   N3  linear in the size of the file, whatever it holds.
 */
import type { Bytes } from '../../base/bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { LIMITS } from '../../base/limits.ts';
import { isZero } from './little-endian.ts';
import { chainOf, OWN_TYPES, parseRecordHeader, payloadHolds, RECORD_HEADER_BYTES, recordBytes } from './record.ts';
import { CHAIN_BYTES, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment-header.ts';

export interface ByteSource {
  readonly size: number;
  /** Fills `into` from `at` on, up to the end of the source. @returns how many bytes there were */
  read(into: Bytes, at: number): number;
}

export interface ScannedRecord {
  readonly sequence: number;
  readonly type: number;
  readonly position: number;
  /** A view into the window: holds until the next record is read. */
  readonly payload: Bytes;
  readonly chain: Bytes;
  readonly offset: number;
  /** Where the next one begins. */
  readonly end: number;
}

/**
 * How a segment ended: `end` at the end of the file, `zeros` where nothing but zeros follow, `bad` at bytes that are no record of this place.
 * `why` is for people.
 */
export interface ScanStop {
  readonly kind: 'end' | 'zeros' | 'bad';
  readonly offset: number;
  readonly why: string;
}

export function nonceCrcOf(header: SegmentHeader): number {
  return crc32c(header.nonce);
}

/** A part of a source in memory. */
class Window {
  readonly #source: ByteSource;
  #bytes: Bytes = new Uint8Array(0);
  #start = 0;
  #length = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Makes [offset, offset + size) readable. @returns where `offset` is in `bytes`, or undefined when the source ends before */
  at(offset: number, size: number): number | undefined {
    if (offset + size > this.#source.size) return undefined;
    if (offset < this.#start || offset + size > this.#start + this.#length) {
      const wanted = Math.min(Math.max(size, LIMITS.journalReadBytes), this.#source.size - offset);
      if (this.#bytes.byteLength < wanted) this.#bytes = new Uint8Array(wanted);
      this.#start = offset;
      this.#length = this.#source.read(this.#bytes.subarray(0, wanted), offset);
      if (this.#length < size) return undefined;
    }
    return offset - this.#start;
  }

  get bytes(): Bytes {
    return this.#bytes;
  }
}

export class SegmentScanner {
  readonly #source: ByteSource;
  readonly #window: Window;
  readonly #nonceCrc: number;
  #offset = SEGMENT_HEADER_BYTES;
  #sequence: number;
  #chain: Bytes;
  /** The next record may be the `position`-th of a group that is open; 0: a group begins. */
  #position = 0;
  #stop: ScanStop | undefined;

  constructor(source: ByteSource, header: SegmentHeader) {
    this.#source = source;
    this.#window = new Window(source);
    this.#nonceCrc = nonceCrcOf(header);
    this.#sequence = header.firstSequence - 1;
    this.#chain = header.previous;
  }

  /** Of the last record that was given out, or of what the segment continues. */
  get sequence(): number {
    return this.#sequence;
  }

  get chain(): Bytes {
    return this.#chain;
  }

  /** Where the next record would begin. */
  get offset(): number {
    return this.#offset;
  }

  /** Records since the last commit record. */
  get openRecords(): number {
    return this.#position;
  }

  /** Once `next` gave nothing. */
  get stop(): ScanStop | undefined {
    return this.#stop;
  }

  /** @returns undefined at the end: `stop` says which [N2] */
  next(): ScannedRecord | undefined {
    if (this.#stop !== undefined) return undefined;
    const found = this.#record();
    if (typeof found === 'string') {
      this.#stop = this.#stopAt(found);
      return undefined;
    }
    this.#offset = found.end;
    this.#sequence = found.sequence;
    this.#chain = found.chain;
    this.#position = found.type === OWN_TYPES.commit ? 0 : found.position + 1;
    return found;
  }

  /** @returns why there is none [N1] */
  #record(): ScannedRecord | string {
    const [offset, before] = [this.#offset, this.#offset - CHAIN_BYTES];
    const headAt = this.#window.at(before, CHAIN_BYTES + RECORD_HEADER_BYTES);
    if (headAt === undefined) return 'the file ends inside a record';
    const header = parseRecordHeader(this.#window.bytes, headAt + CHAIN_BYTES, this.#nonceCrc);
    if (header === undefined) return 'no header of a record of this segment stands here';
    const size = recordBytes(header.length);
    const start = this.#window.at(before, CHAIN_BYTES + size);
    if (start === undefined) return 'the file ends inside a record';
    const { bytes } = this.#window;
    const at = start + CHAIN_BYTES;
    if (!payloadHolds(bytes, at, header.length, this.#nonceCrc)) return 'the payload does not fit its checksum';
    if (header.sequence !== this.#sequence + 1) return `record ${header.sequence} stands in the place of ${this.#sequence + 1}`;
    if (header.position !== this.#position) return `the record has place ${header.position} of its group, not ${this.#position}`;
    const chain = chainOf(bytes, at, header.length);
    if (chain === undefined) return 'the chain digest is not that of this record after the one before';
    const { type, position, sequence, length } = header;
    return { sequence, type, position, payload: bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length), chain: chain.slice(), offset, end: offset + size };
  }

  #stopAt(why: string): ScanStop {
    const offset = this.#offset;
    if (offset === this.#source.size) return { kind: 'end', offset, why: 'the file ends' };
    for (let at = offset; at < this.#source.size; at += LIMITS.journalReadBytes) {
      const size = Math.min(LIMITS.journalReadBytes, this.#source.size - at);
      const start = this.#window.at(at, size);
      if (start === undefined || !isZero(this.#window.bytes, start, start + size)) return { kind: 'bad', offset, why };
    }
    return { kind: 'zeros', offset, why: 'nothing is written here yet' };
  }

  /**
   * Looks behind the end for the header of a record that was written later than what is bad there, at every multiple of 8. A header alone is
   * enough: what is written later is written after a sync of all before it.
   *
   * Records of the *same* group as the bad one do not count: they were part of the same unsynced write, of which any part may be missing.
   * @returns where the first one is that shows damage
   */
  laterRecord(): { readonly offset: number; readonly sequence: number } | undefined {
    const missing = this.#sequence + 1;
    const groupStart = missing - this.#position;
    for (let at = this.#offset; at + RECORD_HEADER_BYTES <= this.#source.size; at += 8) {
      const start = this.#window.at(at, RECORD_HEADER_BYTES);
      if (start === undefined) return undefined;
      const header = parseRecordHeader(this.#window.bytes, start, this.#nonceCrc);
      if (header !== undefined && header.sequence >= missing && header.sequence - header.position !== groupStart) return { offset: at, sequence: header.sequence };
    }
    return undefined;
  }
}
