/** CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4): finds damage, proves nothing about who wrote. Pure. */
import type { Bytes } from './bytes.ts';

/** Eight tables: eight bytes a step. */
function makeTables(): readonly Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  const first = tables[0] as Uint32Array;
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = first[byte] as number;
    for (const table of tables.slice(1)) {
      crc = ((first[crc & 0xff] as number) ^ (crc >>> 8)) >>> 0;
      table[byte] = crc;
    }
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = makeTables() as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];

/**
 * @param range bytes from `start` up to, not including, `end`; all of them when not given
 * @param before the CRC of what stands before these bytes: `crc32c(b, {}, crc32c(a))` is the CRC of a ‖ b
 * @returns an unsigned 32-bit number
 */
export function crc32c(bytes: Bytes, range: { readonly start?: number; readonly end?: number } = {}, before = 0): number {
  const { start = 0, end = bytes.byteLength } = range;
  let crc = ~before;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24));
    crc =
      (T7[low & 0xff] as number) ^ (T6[(low >>> 8) & 0xff] as number) ^ (T5[(low >>> 16) & 0xff] as number) ^ (T4[low >>> 24] as number) ^
      (T3[bytes[at + 4] as number] as number) ^ (T2[bytes[at + 5] as number] as number) ^ (T1[bytes[at + 6] as number] as number) ^ (T0[bytes[at + 7] as number] as number);
  }
  for (; at < end; at += 1) crc = (T0[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
