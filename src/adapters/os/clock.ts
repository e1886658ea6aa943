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

/** Wall time of one moment of the monotonic clock, which gives the digits below a millisecond. (`performance` has both, and costs a start 3 ms to load.) */
let anchor = { wallNanos: 0n, monotonicNanos: 0n };
/** Further apart than this, and the wall clock was set: it is followed, though never backwards. */
const SKEW_NANOS_MAX = 50_000_000n;

let latest = 0n;

function wallNanos(): bigint {
  const now = anchoredNanos();
  if (now > latest) latest = now;
  return latest;
}

function anchoredNanos(): bigint {
  const monotonic = process.hrtime.bigint();
  const now = anchor.wallNanos + (monotonic - anchor.monotonicNanos);
  const coarse = BigInt(Date.now()) * 1_000_000n;
  const apart = now - coarse;
  if (apart < SKEW_NANOS_MAX && apart > -SKEW_NANOS_MAX) return now;
  anchor = { wallNanos: coarse, monotonicNanos: monotonic };
  return coarse;
}

export const systemClock: Clock = {
  nowMs: () => Date.now() as EpochMs,
  nowRfc3339: () => rfc3339(wallNanos()),
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  after,
};
