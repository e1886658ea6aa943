/** Time and randomness, so that tests drive both. */
import type { EpochMs } from '../base/ids.ts';

export interface Clock {
  nowMs(): EpochMs;
  /** RFC 3339 UTC with `+00:00` and nanoseconds where the host has them (reference/02 §2). */
  nowRfc3339(): string;
  /** Milliseconds of a clock that never jumps. */
  monotonicMs(): number;
  /** Calls back once, after `ms` of monotonic time, unless disposed before. */
  after(ms: number, callback: () => void): Disposable;
}

export interface Random {
  bytes(count: number): Uint8Array;
}
