/**
 * A segment, a watermark, a cursor, an epoch: any bytes give what they hold, or nothing. Checksums and digests of a segment are set right again
 * after a mutation, as far as its lengths lead, so that what stands behind them is reached.
 */
import { crc32c } from '../../src/base/crc32c.ts';
import { sha256 } from '../../src/base/crypto.ts';
import { assert } from '../../src/base/errors.ts';
import { encodeCursor, parseCursor } from '../../src/core/journal/cursor.ts';
import { putU32, u32 } from '../../src/core/journal/little-endian.ts';
import { ownPayload, parseEpoch } from '../../src/core/journal/own-records.ts';
import { OWN_TYPES, recordBytes, writeRecord } from '../../src/core/journal/record.ts';
import { type ByteSource, SegmentScanner } from '../../src/core/journal/scan.ts';
import { encodeSegmentHeader, JOURNAL_GENESIS, parseSegmentHeader, SEGMENT_HEADER_BYTES } from '../../src/core/journal/segment-header.ts';
import { encodeWatermarkFile, parseWatermarkFile } from '../../src/core/journal/watermark.ts';

const HEADER = { number: 1, epoch: 1, firstSequence: 1, nonce: new Uint8Array(16).fill(3), previous: JOURNAL_GENESIS };

function segment(payloads: readonly string[]): Uint8Array {
  const records = [...payloads.map((payload, position) => ({ type: 1, position, payload: Buffer.from(payload) })), { type: OWN_TYPES.commit, position: payloads.length, payload: Buffer.alloc(0) }];
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + records.reduce((sum, { payload }) => sum + recordBytes(payload.byteLength), 0) + 64);
  bytes.set(encodeSegmentHeader(HEADER));
  let at = SEGMENT_HEADER_BYTES;
  for (const [i, record] of records.entries()) at = writeRecord(bytes, at, { ...record, sequence: i + 1 }, crc32c(HEADER.nonce));
  return bytes;
}

const watermark = { generation: 4, sequence: 7, chain: JOURNAL_GENESIS, segment: 1, firstSegment: 1, epoch: 2 };
export const seeds = [
  segment(['']),
  segment(['one', 'two and more']),
  encodeSegmentHeader(HEADER),
  encodeWatermarkFile(watermark).slice(0, 4096),
  encodeCursor({ sequence: 9, chain: JOURNAL_GENESIS }),
  ownPayload({ epoch: 1, bootId: 'b', pid: 2, startTime: '3', token: '00' }),
];

/** Whatever its first bytes are, they become a header; records are followed by their lengths. */
function repaired(input: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.max(input.byteLength, SEGMENT_HEADER_BYTES));
  bytes.set(input);
  bytes.set(encodeSegmentHeader(HEADER));
  const nonceCrc = crc32c(HEADER.nonce);
  for (let at = SEGMENT_HEADER_BYTES; at + recordBytes(0) <= bytes.byteLength; ) {
    const length = u32(bytes, at);
    const end = at + recordBytes(length);
    putU32(bytes, at + 16, crc32c(bytes, { start: at, end: at + 16 }, nonceCrc));
    if (end > bytes.byteLength) break;
    putU32(bytes, at + 20, crc32c(bytes, { start: at + 24, end: at + 24 + length }, crc32c(bytes, { start: at, end: at + 20 }, nonceCrc)));
    bytes.set(sha256(bytes.subarray(at - 32, end - 32)), end - 32);
    at = end;
  }
  return bytes;
}

function scan(bytes: Uint8Array): void {
  const header = parseSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES));
  if (header === undefined) return;
  const source: ByteSource = {
    size: bytes.byteLength,
    read(into, at) {
      assert(into.byteLength <= bytes.byteLength - at, 'nothing is read beyond the end, nor made room for');
      into.set(bytes.subarray(at, at + into.byteLength));
      return into.byteLength;
    },
  };
  const scanner = new SegmentScanner(source, header);
  let end = SEGMENT_HEADER_BYTES;
  let sequence = header.firstSequence - 1;
  for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
    assert(record.offset === end && record.end <= bytes.byteLength && record.sequence === sequence + 1, 'records stand one behind the other');
    ({ end, sequence } = record);
  }
  const { stop } = scanner;
  assert(stop !== undefined && stop.offset === end && scanner.next() === undefined, 'a scan that stopped stays where it is');
  const later = scanner.laterRecord();
  assert(later === undefined || (later.offset >= end && later.sequence > sequence), 'what is later stands behind, with a higher sequence');
}

export default function journal(bytes: Uint8Array): void {
  scan(bytes);
  scan(repaired(bytes));
  parseWatermarkFile(bytes);
  const file = new Uint8Array(8192);
  file.set(bytes.subarray(0, 8192));
  parseWatermarkFile(file);
  parseCursor(bytes);
  parseEpoch(bytes);
}
