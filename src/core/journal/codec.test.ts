import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import { CURSOR_BYTES, encodeCursor, parseCursor } from './cursor.ts';
import { ownPayload, parseEpoch } from './own-records.ts';
import { OWN_TYPES, recordBytes, writeRecord } from './record.ts';
import { type ByteSource, nonceCrcOf, type ScannedRecord, SegmentScanner } from './scan.ts';
import { encodeSegmentHeader, JOURNAL_GENESIS, parseSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment-header.ts';
import { encodeSlot, encodeWatermarkFile, parseWatermarkFile, SLOT_BYTES, slotOffset, type Watermark } from './watermark.ts';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const header: fc.Arbitrary<SegmentHeader> = fc.record({ number: count, epoch: count, firstSequence: count, nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }), previous: digest });

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    read(into, at) {
      const piece = bytes.subarray(at, at + into.byteLength);
      into.set(piece);
      return piece.byteLength;
    },
  };
}

const HEADER: SegmentHeader = { number: 1, epoch: 1, firstSequence: 1, nonce: new Uint8Array(16).fill(7), previous: JOURNAL_GENESIS };

/** Groups of payloads as one segment, a commit record behind each. */
function segmentOf(groups: readonly (readonly Uint8Array[])[], head: SegmentHeader = HEADER): Uint8Array {
  const records = groups.flatMap((group) => [...group.map((payload, position) => ({ payload, position, type: 1 })), { payload: new Uint8Array(0), position: group.length, type: OWN_TYPES.commit }]);
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + records.reduce((sum, { payload }) => sum + recordBytes(payload.byteLength), 0));
  bytes.set(encodeSegmentHeader(head));
  let at = SEGMENT_HEADER_BYTES;
  for (const [i, record] of records.entries()) at = writeRecord(bytes, at, { ...record, sequence: head.firstSequence + i }, nonceCrcOf(head));
  return bytes;
}

function scan(bytes: Uint8Array, head: SegmentHeader = HEADER): { records: ScannedRecord[]; scanner: SegmentScanner } {
  const scanner = new SegmentScanner(sourceOf(bytes), head);
  const records: ScannedRecord[] = [];
  for (let record = scanner.next(); record !== undefined; record = scanner.next()) records.push({ ...record, payload: record.payload.slice() });
  return { records, scanner };
}

const groups = fc.array(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });

describe('segment header', () => {
  it('reads what it wrote, and nothing in which one bit is another', () => {
    fc.assert(
      fc.property(header, fc.nat(SEGMENT_HEADER_BYTES * 8 - 1), (value, bit) => {
        const bytes = encodeSegmentHeader(value);
        expect(parseSegmentHeader(bytes)).toEqual(value);
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(parseSegmentHeader(bytes)).toBeUndefined();
        expect(parseSegmentHeader(bytes.subarray(0, 127))).toBeUndefined();
      }),
    );
  });
});

describe('SegmentScanner', () => {
  it('gives what was written, in order, and says that the file ends, or that only zeros follow [N1]', () => {
    fc.assert(
      fc.property(groups, fc.constantFrom(0, 1, 8, 5000), (written, zeros) => {
        const bytes = segmentOf(written);
        const { records, scanner } = scan(Uint8Array.from([...bytes, ...new Uint8Array(zeros)]));
        expect(records.filter(({ type }) => type === 1).map(({ payload }) => payload)).toEqual(written.flat());
        expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, i) => i + 1));
        expect(scanner.stop).toMatchObject({ kind: zeros === 0 ? 'end' : 'zeros', offset: bytes.byteLength });
        expect(scanner.openRecords).toBe(0);
      }),
    );
  });

  it('stops at the record in which any one bit is another, and gives nothing behind it [N1, N2]', () => {
    fc.assert(
      fc.property(groups, fc.nat(), (written, pick) => {
        const bytes = segmentOf(written);
        const before = scan(bytes).records;
        const bit = pick % ((bytes.byteLength - SEGMENT_HEADER_BYTES) * 8);
        const at = SEGMENT_HEADER_BYTES + (bit >> 3);
        bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
        const { records, scanner } = scan(bytes);
        const hit = before.findIndex(({ offset, end }) => at >= offset && at < end);
        expect(records).toEqual(before.slice(0, hit));
        expect(scanner.stop).toMatchObject({ kind: 'bad', offset: before[hit]?.offset });
      }),
    );
  });

  it('reads no record of another segment, though it fits its place: the nonce is another [J2]', () => {
    const other = { ...HEADER, nonce: new Uint8Array(16).fill(8) };
    const { records, scanner } = scan(segmentOf([[utf8('x')]], other), HEADER);
    expect([records, scanner.stop?.kind]).toEqual([[], 'bad']);
  });

  it('does not read, or make room for, a record that says it is longer than any is [J1]', () => {
    const bytes = segmentOf([[utf8('x')]]);
    new DataView(bytes.buffer).setUint32(SEGMENT_HEADER_BYTES, LIMITS.journalPayloadBytesMax + 1, true);
    let most = 0;
    const read = (into: Uint8Array, at: number): number => {
      most = Math.max(most, into.byteLength);
      sourceOf(bytes).read(into, at);
      return into.byteLength;
    };
    const scanner = new SegmentScanner({ size: 2 ** 40, read }, HEADER);
    scanner.next();
    expect(most).toBeLessThanOrEqual(LIMITS.journalReadBytes);
  });

  it('sees a record of a later group behind a bad one, and does not count those of the same group', () => {
    const bytes = segmentOf([[utf8('a')], [utf8('b'), utf8('c')], [utf8('d')]]);
    const { records } = scan(bytes);
    const broken = (index: number, end?: number): SegmentScanner => {
      const copy = bytes.slice(0, end);
      copy[(records[index]?.offset ?? 0) + 9] = 0xff;
      return scan(copy).scanner;
    };
    expect(broken(2).laterRecord()).toEqual({ offset: records[5]?.offset, sequence: 6 });
    expect(broken(2, records[5]?.offset).laterRecord()).toBeUndefined(); // c and its commit record stand behind b
    expect(broken(3, records[5]?.offset).laterRecord()).toBeUndefined();
    expect(broken(0).laterRecord()).toEqual({ offset: records[2]?.offset, sequence: 3 });
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const { records, scanner } = scan(Uint8Array.from([...encodeSegmentHeader(HEADER), ...bytes]));
        expect(records).toEqual([]);
        expect(scanner.laterRecord()).toBeUndefined();
      }),
    );
  });
});

const watermark: fc.Arbitrary<Watermark> = fc.record({ generation: fc.integer({ min: 0, max: 2 ** 40 }), sequence: count, chain: digest, segment: count, firstSegment: count, epoch: count });

describe('watermark file', () => {
  it('gives the newer slot, and says when one does not hold', () => {
    fc.assert(
      fc.property(watermark, fc.nat(SLOT_BYTES * 8 - 1), (value, bit) => {
        const bytes = encodeWatermarkFile(value);
        const newest = value.generation + 1;
        expect(parseWatermarkFile(bytes)).toEqual({ watermark: { ...value, generation: newest }, torn: false });
        bytes[slotOffset(newest) + (bit >> 3)] = (bytes[slotOffset(newest) + (bit >> 3)] as number) ^ (1 << (bit & 7));
        expect(parseWatermarkFile(bytes)).toEqual({ watermark: value, torn: true });
        bytes[slotOffset(value.generation)] = 0;
        expect(parseWatermarkFile(bytes)).toBeUndefined();
      }),
    );
  });

  it('refuses slots that do not follow one another, a sequence that goes back, another length', () => {
    const value: Watermark = { generation: 4, sequence: 9, chain: new Uint8Array(32), segment: 2, firstSegment: 1, epoch: 3 };
    const withNext = (next: Partial<Watermark>): Uint8Array => {
      const bytes = encodeWatermarkFile(value);
      bytes.set(encodeSlot({ ...value, generation: 5, ...next }), slotOffset(5));
      return bytes;
    };
    expect(parseWatermarkFile(withNext({ sequence: 10 }))?.watermark.sequence).toBe(10);
    for (const next of [{ sequence: 8 }, { generation: 7 }, { segment: 1 }, { firstSegment: 0 }, { epoch: 4 }]) {
      const read = parseWatermarkFile(withNext(next));
      expect(read === undefined || read.torn, JSON.stringify(next)).toBe(true);
    }
    expect(parseWatermarkFile(encodeWatermarkFile(value).subarray(1))).toBeUndefined();
  });
});

describe('small files', () => {
  it('a cursor is read as it was written, and not with one bit changed', () => {
    fc.assert(
      fc.property(count, digest, fc.nat(CURSOR_BYTES * 8 - 1), (sequence, chain, bit) => {
        const bytes = encodeCursor({ sequence, chain });
        expect(parseCursor(bytes)).toEqual({ sequence, chain });
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(parseCursor(bytes)).toBeUndefined();
      }),
    );
  });

  it('an epoch is read as it was written; anything else is none', () => {
    const epoch = { epoch: 3, bootId: 'b', pid: 7, startTime: '99', token: 'aa' };
    expect(parseEpoch(ownPayload(epoch))).toEqual(epoch);
    for (const text of ['', '{}', '{"v":1}', '[1]', '{"v":2,"epoch":3,"bootId":"b","pid":7,"startTime":"99","token":"aa"}', `{"v":1,"x":"${'x'.repeat(5000)}"}`]) expect(parseEpoch(utf8(text))).toBeUndefined();
  });
});
