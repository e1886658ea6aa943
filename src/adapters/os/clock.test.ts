import { describe, expect, it } from 'vitest';
import { clockContract } from '../../testing/contracts/clock.ts';
import { rfc3339, systemClock } from './clock.ts';

describe('systemClock keeps the contract of a clock', () => {
  for (const { name, run } of clockContract(() => ({ clock: systemClock, pass: async () => undefined }))) it(name, run);
});

describe('rfc3339()', () => {
  it('writes as many groups of three digits as the time has', () => {
    const second = 1_700_000_000_000_000_000n;
    expect([0n, 5_000_000n, 5_000n, 5n].map((nanos) => rfc3339(second + nanos).slice(19))).toEqual(['+00:00', '.005+00:00', '.000005+00:00', '.000000005+00:00']);
  });
});
