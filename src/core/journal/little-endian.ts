/** Unsigned integers of the journal's files: least significant byte first. */
import type { Bytes } from '../../base/bytes.ts';

export function putU16(into: Bytes, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
}

export function putU32(into: Bytes, at: number, value: number): void {
  putU16(into, at, value);
  putU16(into, at + 2, value >>> 16);
}

/** @param value 0 … 2⁵³ − 1 */
export function putU64(into: Bytes, at: number, value: number): void {
  putU32(into, at, value >>> 0);
  putU32(into, at + 4, Math.floor(value / 2 ** 32));
}

export function u16(bytes: Bytes, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

export function u32(bytes: Bytes, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}

/** @returns undefined above 2⁵³ − 1: no journal gets there */
export function u64(bytes: Bytes, at: number): number | undefined {
  const value = u32(bytes, at + 4) * 2 ** 32 + u32(bytes, at);
  return Number.isSafeInteger(value) ? value : undefined;
}

export function isZero(bytes: Bytes, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
