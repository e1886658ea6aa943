/**
 * The first 128 bytes of a segment (docs/evidence-format.md, "Journal"). The nonce is in every checksum of the segment, so that bytes of another
 * file never validate in this one. The chain digest that the segment continues stands last: right before the first record, as a record's
 * digest stands before the next one.
 */
import { type Bytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { sha256 } from '../../base/crypto.ts';
import { assert } from '../../base/errors.ts';
import { isZero, putU32, putU64, u32, u64 } from './little-endian.ts';

export const SEGMENT_HEADER_BYTES = 128;
export const NONCE_BYTES = 16;
export const CHAIN_BYTES = 32;

const MAGIC = utf8('cellosj\n');
const VERSION = 1;
const AT = { version: 8, number: 16, epoch: 24, first: 32, nonce: 40, zeros: 56, crc: 92, previous: 96 } as const;

/** What the first record of a journal continues. */
export const JOURNAL_GENESIS: Bytes = sha256(utf8('cellos journal chain v1\n'));

export interface SegmentHeader {
  /** From 1, without a gap. */
  readonly number: number;
  /** Of the writer that made it, from 1. */
  readonly epoch: number;
  /** Sequence of its first record, from 1. */
  readonly firstSequence: number;
  /** 16 random bytes. */
  readonly nonce: Bytes;
  /** Chain digest of the record before its first one. */
  readonly previous: Bytes;
}

function headerCrc(bytes: Bytes): number {
  return crc32c(bytes, { start: AT.previous, end: SEGMENT_HEADER_BYTES }, crc32c(bytes, { end: AT.crc }));
}

/** @returns 128 bytes */
export function encodeSegmentHeader(header: SegmentHeader): Bytes {
  assert(header.nonce.byteLength === NONCE_BYTES && header.previous.byteLength === CHAIN_BYTES, 'a segment has a nonce of 16 bytes and a digest of 32');
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  bytes.set(MAGIC);
  putU32(bytes, AT.version, VERSION);
  putU64(bytes, AT.number, header.number);
  putU64(bytes, AT.epoch, header.epoch);
  putU64(bytes, AT.first, header.firstSequence);
  bytes.set(header.nonce, AT.nonce);
  bytes.set(header.previous, AT.previous);
  putU32(bytes, AT.crc, headerCrc(bytes));
  return bytes;
}

/** @param bytes the beginning of a file. @returns undefined when it is no segment header of this version, whole and unaltered */
export function parseSegmentHeader(bytes: Bytes): SegmentHeader | undefined {
  if (bytes.byteLength < SEGMENT_HEADER_BYTES || !equalBytes(bytes.subarray(0, MAGIC.byteLength), MAGIC)) return undefined;
  if (u32(bytes, AT.crc) !== headerCrc(bytes) || u32(bytes, AT.version) !== VERSION) return undefined;
  if (!isZero(bytes, AT.version + 4, AT.number) || !isZero(bytes, AT.zeros, AT.crc)) return undefined;
  const [number, epoch, firstSequence] = [u64(bytes, AT.number), u64(bytes, AT.epoch), u64(bytes, AT.first)];
  if (!number || !epoch || !firstSequence) return undefined;
  return { number, epoch, firstSequence, nonce: bytes.slice(AT.nonce, AT.zeros), previous: bytes.slice(AT.previous, SEGMENT_HEADER_BYTES) };
}
