/** CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4): finds damage, proves nothing about who wrote. Pure. */
import type { Bytes } from './bytes.ts';

const STEP = 16;

/** One table for each byte of a step: what that byte, so many bytes before the end of the step, does to the remainder. */
function makeTable(): Int32Array {
  const table = new Int32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at += 1) {
    const crc = table[at - 256] as number;
    table[at] = (table[crc & 0xff] as number) ^ (crc >>> 8);
  }
  return table;
}

const TABLE = makeTable();

/** What four bytes do, the first of which is `back` bytes before the end of the step. */
function four(word: number, back: number): number {
  return (
    (TABLE[back * 256 + (word & 0xff)] as number) ^ (TABLE[(back - 1) * 256 + ((word >>> 8) & 0xff)] as number) ^
    (TABLE[(back - 2) * 256 + ((word >>> 16) & 0xff)] as number) ^ (TABLE[(back - 3) * 256 + (word >>> 24)] as number)
  );
}

/**
 * @param range bytes from `start` up to, not including, `end`; all of them when not given
 * @param before the CRC of what stands before these bytes: `crc32c(b, {}, crc32c(a))` is the CRC of a ‖ b
 * @returns an unsigned 32-bit number
 */
export function crc32c(bytes: Bytes, range: { readonly start?: number; readonly end?: number } = {}, before = 0): number {
  const { start = 0, end = bytes.byteLength } = range;
  let crc = ~before;
  let at = start;
  if (at + STEP <= end) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + STEP <= end; at += STEP) {
      crc = four(crc ^ view.getInt32(at, true), 15) ^ four(view.getInt32(at + 4, true), 11) ^ four(view.getInt32(at + 8, true), 7) ^ four(view.getInt32(at + 12, true), 3);
    }
  }
  for (; at < end; at += 1) crc = (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
