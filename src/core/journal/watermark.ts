/**
 * The watermark: what is durable, said outside of the segments. A file of two slots of 4096 bytes, written in turns (docs/evidence-format.md,
 * "Journal"). A slot that is being written may be torn by a crash; the other one then stands, and says what was durable before.
 *
 *   W1  a slot is written after the sync of the records it claims, and nothing is acknowledged before the slot itself is durable;
 *   W2  records of the next group are written only after that: so at most one group is beyond the newest slot, and when a slot is
 *       torn, exactly one.
 */
import { type Bytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { assert } from '../../base/errors.ts';
import { isZero, putU32, putU64, u32, u64 } from './little-endian.ts';
import { CHAIN_BYTES } from './segment-header.ts';

export const SLOT_BYTES = 4096;
export const WATERMARK_FILE_BYTES = 2 * SLOT_BYTES;
/** The part of a slot that is not always zero: within one sector. */
export const SLOT_CONTENT_BYTES = 96;

const MAGIC = utf8('cellosw\n');
const VERSION = 1;
const AT = { version: 8, generation: 16, sequence: 24, segment: 32, firstSegment: 40, epoch: 48, zeros: 56, crc: 60, chain: 64 } as const;

export interface Watermark {
  /** Counts the writes; even ones stand in the first slot. */
  readonly generation: number;
  /** Last durable record; 0 before the first. */
  readonly sequence: number;
  /** Its chain digest; the genesis before the first. */
  readonly chain: Bytes;
  /** Segment it is in; 0 before the first. */
  readonly segment: number;
  /** Oldest segment that retention has not dropped. */
  readonly firstSegment: number;
  /** Of the writer. */
  readonly epoch: number;
}

function slotCrc(bytes: Bytes): number {
  return crc32c(bytes, { start: AT.chain, end: SLOT_CONTENT_BYTES }, crc32c(bytes, { end: AT.crc }));
}

/** Offset of the slot a generation is written to. */
export function slotOffset(generation: number): number {
  return (generation % 2) * SLOT_BYTES;
}

/** @returns the 96 bytes at the beginning of a slot */
export function encodeSlot(watermark: Watermark): Bytes {
  assert(watermark.chain.byteLength === CHAIN_BYTES, 'a chain digest has 32 bytes');
  const bytes = new Uint8Array(SLOT_CONTENT_BYTES);
  bytes.set(MAGIC);
  putU32(bytes, AT.version, VERSION);
  putU64(bytes, AT.generation, watermark.generation);
  putU64(bytes, AT.sequence, watermark.sequence);
  putU64(bytes, AT.segment, watermark.segment);
  putU64(bytes, AT.firstSegment, watermark.firstSegment);
  putU64(bytes, AT.epoch, watermark.epoch);
  bytes.set(watermark.chain, AT.chain);
  putU32(bytes, AT.crc, slotCrc(bytes));
  return bytes;
}

function parseSlot(bytes: Bytes, parity: number): Watermark | undefined {
  if (!equalBytes(bytes.subarray(0, MAGIC.byteLength), MAGIC) || u32(bytes, AT.crc) !== slotCrc(bytes) || u32(bytes, AT.version) !== VERSION) return undefined;
  if (!isZero(bytes, AT.version + 4, AT.generation) || !isZero(bytes, AT.zeros, AT.crc) || !isZero(bytes, SLOT_CONTENT_BYTES, SLOT_BYTES)) return undefined;
  const [generation, sequence, segment, firstSegment, epoch] = [AT.generation, AT.sequence, AT.segment, AT.firstSegment, AT.epoch].map((at) => u64(bytes, at));
  if (generation === undefined || sequence === undefined || segment === undefined || !firstSegment || !epoch || generation % 2 !== parity) return undefined;
  if ((sequence === 0) !== (segment === 0)) return undefined;
  return { generation, sequence, chain: bytes.slice(AT.chain, SLOT_CONTENT_BYTES), segment, firstSegment, epoch };
}

/** The file as it is made anew: the same in both slots, `generation` and the one after. @returns 8192 bytes */
export function encodeWatermarkFile(watermark: Watermark): Bytes {
  const bytes = new Uint8Array(WATERMARK_FILE_BYTES);
  for (const generation of [watermark.generation, watermark.generation + 1]) bytes.set(encodeSlot({ ...watermark, generation }), slotOffset(generation));
  return bytes;
}

export interface ReadWatermark {
  readonly watermark: Watermark;
  /** One slot does not hold: it was being written, and then exactly one group is beyond the other [W2]. */
  readonly torn: boolean;
}

/** @returns undefined when neither slot holds, or they do not follow one another: the watermark was altered */
export function parseWatermarkFile(bytes: Bytes): ReadWatermark | undefined {
  if (bytes.byteLength !== WATERMARK_FILE_BYTES) return undefined;
  const [even, odd] = [parseSlot(bytes.subarray(0, SLOT_BYTES), 0), parseSlot(bytes.subarray(SLOT_BYTES), 1)];
  if (even === undefined || odd === undefined) {
    const watermark = even ?? odd;
    return watermark && { watermark, torn: true };
  }
  const [older, newer] = even.generation < odd.generation ? [even, odd] : [odd, even];
  const follows = newer.generation === older.generation + 1 && newer.sequence >= older.sequence && newer.segment >= older.segment && newer.firstSegment >= older.firstSegment && newer.epoch === older.epoch;
  return follows ? { watermark: newer, torn: false } : undefined;
}
