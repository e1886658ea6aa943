/** Randomness of the operating system. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../../ports/clock.ts';

export const systemRandom: Random = { bytes: (count) => new Uint8Array(randomBytes(count)) };
