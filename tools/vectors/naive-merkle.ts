/** RFC 6962 §2.1 word for word, over whole lists of entries, by `node:crypto` alone: what the trees of src/core are held against, and what makes vectors. */
import { createHash } from 'node:crypto';

type Bytes = Uint8Array;

const hash = (...parts: readonly Bytes[]): Bytes => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

/** Largest power of two below n. */
function k(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** Merkle tree hash. */
export function MTH(d: readonly Bytes[]): Bytes {
  if (d.length === 0) return hash();
  if (d.length === 1) return hash(Uint8Array.of(0), d[0] as Bytes);
  return hash(Uint8Array.of(1), MTH(d.slice(0, k(d.length))), MTH(d.slice(k(d.length))));
}

/** Audit path of entry m. */
export function PATH(m: number, d: readonly Bytes[]): Bytes[] {
  const n = d.length;
  if (n === 1) return [];
  return m < k(n) ? [...PATH(m, d.slice(0, k(n))), MTH(d.slice(k(n)))] : [...PATH(m - k(n), d.slice(k(n))), MTH(d.slice(0, k(n)))];
}

function SUBPROOF(m: number, d: readonly Bytes[], b: boolean): Bytes[] {
  const n = d.length;
  if (m === n) return b ? [] : [MTH(d)];
  return m <= k(n) ? [...SUBPROOF(m, d.slice(0, k(n)), b), MTH(d.slice(k(n)))] : [...SUBPROOF(m - k(n), d.slice(k(n)), false), MTH(d.slice(0, k(n)))];
}

/** Consistency proof of the first m entries. @param m at least 1 */
export const PROOF = (m: number, d: readonly Bytes[]): Bytes[] => SUBPROOF(m, d, true);
