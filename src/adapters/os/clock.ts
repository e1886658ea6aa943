/** The host's clocks. */
import type { EpochMs } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';

/** setTimeout takes at most this many milliseconds; longer waits are made of several. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** RFC 3339 UTC with `+00:00`, and nanoseconds as far as the clock has them; whole groups of three zeros are left out (reference/02 §2). */
export function rfc3339(epochNanos: bigint): string {
  const seconds = new Date(Number(epochNanos / 1_000_000n)).toISOString().slice(0, 19);
  let fraction = (epochNanos % 1_000_000_000n).toString().padStart(9, '0');
  while (fraction.endsWith('000')) fraction = fraction.slice(0, -3);
  return fraction === '' ? `${seconds}+00:00` : `${seconds}.${fraction}+00:00`;
}

function after(ms: number, callback: () => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const arm = (left: number): void => {
    const now = Math.min(left, TIMEOUT_MAX_MS);
    timer = setTimeout(() => (left > now ? arm(left - now) : callback()), now);
  };
  arm(Math.max(0, ms));
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

export const systemClock: Clock = {
  nowMs: () => Date.now() as EpochMs,
  nowRfc3339: () => rfc3339(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n),
  monotonicMs: () => performance.now(),
  after,
};
