/** BLAKE3, which node:crypto does not have. */
import { blake3 } from '@noble/hashes/blake3.js';
import { type Bytes, toHex } from './bytes.ts';

/** The plain hash of 256 bits, in lower case hex. */
export function blake3Hex(bytes: Bytes): string {
  return toHex(blake3(bytes));
}
