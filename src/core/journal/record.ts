/**
 * One record of a segment: 24 bytes of header, payload, zeros up to a multiple of 8, 32 bytes of chain digest (docs/evidence-format.md, "Journal").
 *
 *   J1  a length is compared with its bound, and with what is left of the file, before anything is read or allocated for it;
 *   J2  both checksums begin with the nonce of the segment: a record of another file is no record here;
 *   J3  chain digest = SHA-256(the 32 bytes before the record ‖ the record up to its digest): what stands before a record is the digest of the
 *       record before it, so one pass over the file hashes without copying;
 *   J4  `position` counts the records of a group commit from 0; the commit record is the last of its group. Records of one group were written by
 *       one write and became durable by one sync.
 */
import { type Bytes, equalBytes } from '../../base/bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { sha256Into } from '../../base/crypto.ts';
import { LIMITS } from '../../base/limits.ts';
import { isZero, putU16, putU32, putU64, u16, u32, u64 } from './little-endian.ts';
import { CHAIN_BYTES } from './segment-header.ts';

export const RECORD_HEADER_BYTES = 24;
const AT = { length: 0, type: 4, position: 6, sequence: 8, headerCrc: 16, payloadCrc: 20 } as const;

/** Types of records the journal writes itself. Those of its callers are below. */
export const OWN_TYPES = { commit: 0xff00, epoch: 0xff01, truncated: 0xff02, dropped: 0xff03 } as const;
/** Types from here on are the journal's own. */
export const OWN_TYPES_FROM = 0xff00;

export function isOwnType(type: number): boolean {
  return type >= OWN_TYPES_FROM;
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** Bytes of a whole record. */
export function recordBytes(payloadLength: number): number {
  return RECORD_HEADER_BYTES + padded(payloadLength) + CHAIN_BYTES;
}

export interface RecordFields {
  readonly sequence: number;
  readonly type: number;
  /** In its group, from 0. */
  readonly position: number;
  readonly payload: Bytes;
}

/**
 * Writes a record at `at`; the 32 bytes before it have to be the chain digest of the record before [J3].
 * @param nonceCrc CRC-32C of the segment's nonce. @returns where it ends
 */
export function writeRecord(into: Bytes, at: number, record: RecordFields, nonceCrc: number): number {
  const { payload } = record;
  putU32(into, at + AT.length, payload.byteLength);
  putU16(into, at + AT.type, record.type);
  putU16(into, at + AT.position, record.position);
  putU64(into, at + AT.sequence, record.sequence);
  putU32(into, at + AT.headerCrc, crc32c(into, { start: at, end: at + AT.headerCrc }, nonceCrc));
  into.set(payload, at + RECORD_HEADER_BYTES);
  const content = at + RECORD_HEADER_BYTES + payload.byteLength;
  putU32(into, at + AT.payloadCrc, payloadCrc(into, at, payload.byteLength, nonceCrc));
  const digestAt = at + RECORD_HEADER_BYTES + padded(payload.byteLength);
  into.fill(0, content, digestAt);
  sha256Into(into, digestAt, into.subarray(at - CHAIN_BYTES, digestAt));
  return digestAt + CHAIN_BYTES;
}

function payloadCrc(bytes: Bytes, at: number, length: number, nonceCrc: number): number {
  const content = at + RECORD_HEADER_BYTES;
  return crc32c(bytes, { start: content, end: content + length }, crc32c(bytes, { start: at, end: at + AT.payloadCrc }, nonceCrc));
}

export interface RecordHeader {
  readonly length: number;
  readonly type: number;
  readonly position: number;
  readonly sequence: number;
}

/** @returns undefined when the 24 bytes at `at` are no header of this segment, whole and unaltered, or its length is above the bound [J1] */
export function parseRecordHeader(bytes: Bytes, at: number, nonceCrc: number): RecordHeader | undefined {
  const length = u32(bytes, at + AT.length);
  if (length > LIMITS.journalPayloadBytesMax) return undefined;
  const sequence = u64(bytes, at + AT.sequence);
  if (!sequence) return undefined;
  const position = u16(bytes, at + AT.position);
  if (position >= sequence || u32(bytes, at + AT.headerCrc) !== crc32c(bytes, { start: at, end: at + AT.headerCrc }, nonceCrc)) return undefined;
  return { length, type: u16(bytes, at + AT.type), position, sequence };
}

/** Does what follows a header, up to the digest, stand as it was written? Who chains comes from `chainOf`. */
export function payloadHolds(bytes: Bytes, at: number, length: number, nonceCrc: number): boolean {
  const content = at + RECORD_HEADER_BYTES + length;
  return u32(bytes, at + AT.payloadCrc) === payloadCrc(bytes, at, length, nonceCrc) && isZero(bytes, content, at + RECORD_HEADER_BYTES + padded(length));
}

const expected = new Uint8Array(CHAIN_BYTES);

/** The digest a record bears, when it is the right one for the bytes from `at − 32`; else undefined [J3]. */
export function chainOf(bytes: Bytes, at: number, length: number): Bytes | undefined {
  const digestAt = at + RECORD_HEADER_BYTES + padded(length);
  const digest = bytes.subarray(digestAt, digestAt + CHAIN_BYTES);
  sha256Into(expected, 0, bytes.subarray(at - CHAIN_BYTES, digestAt));
  return equalBytes(expected, digest) ? digest : undefined;
}
