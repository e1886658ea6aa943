/** Randomness of the operating system. */
import { randomFillSync } from 'node:crypto';
import type { Random } from '../../ports/clock.ts';

/** Taken from the system this much at once: a call costs more than the bytes, and every event takes two small pieces. */
const POOL_BYTES = 4096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

function bytes(count: number): Uint8Array {
  if (count > POOL_BYTES / 4) return randomFillSync(new Uint8Array(count));
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const piece = pool.slice(used, used + count);
  pool.fill(0, used, used + count); // given once, and kept nowhere
  used += count;
  return piece;
}

export const systemRandom: Random = { bytes };
