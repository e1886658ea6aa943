/** How far somebody has read: a sequence and the chain digest there, so that a journal that went another way since is noticed. 64 bytes. */
import { type Bytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { isZero, putU32, putU64, u32, u64 } from './little-endian.ts';
import { CHAIN_BYTES } from './segment-header.ts';

const MAGIC = utf8('cellosc\n');
const VERSION = 1;
const AT = { version: 8, sequence: 16, zeros: 24, crc: 28, chain: 32 } as const;
export const CURSOR_BYTES = 64;

export interface CursorPosition {
  /** Last record that was dealt with; 0 before the first. */
  readonly sequence: number;
  /** Its chain digest. */
  readonly chain: Bytes;
}

function cursorCrc(bytes: Bytes): number {
  return crc32c(bytes, { start: AT.chain }, crc32c(bytes, { end: AT.crc }));
}

export function encodeCursor(position: CursorPosition): Bytes {
  const bytes = new Uint8Array(CURSOR_BYTES);
  bytes.set(MAGIC);
  putU32(bytes, AT.version, VERSION);
  putU64(bytes, AT.sequence, position.sequence);
  bytes.set(position.chain, AT.chain);
  putU32(bytes, AT.crc, cursorCrc(bytes));
  return bytes;
}

/** @returns undefined when the bytes are not exactly a cursor of this version */
export function parseCursor(bytes: Bytes): CursorPosition | undefined {
  if (bytes.byteLength !== CURSOR_BYTES || !equalBytes(bytes.subarray(0, MAGIC.byteLength), MAGIC)) return undefined;
  if (u32(bytes, AT.crc) !== cursorCrc(bytes) || u32(bytes, AT.version) !== VERSION) return undefined;
  if (!isZero(bytes, AT.version + 4, AT.sequence) || !isZero(bytes, AT.zeros, AT.crc)) return undefined;
  const sequence = u64(bytes, AT.sequence);
  return sequence === undefined ? undefined : { sequence, chain: bytes.slice(AT.chain, AT.chain + CHAIN_BYTES) };
}
