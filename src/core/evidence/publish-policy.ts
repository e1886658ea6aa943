/**
 * When a checkpoint of the host log is due. Pure: the time is given.
 *
 *   B1  a log is at most 256 leaves, or one second, behind what was appended; a seal, and an export that waits for its proof, are published at once;
 *   B2  nothing new, nothing published.
 */
import { LIMITS } from '../../base/limits.ts';

export interface Unpublished {
  /** Leaves that no checkpoint has yet. */
  readonly leaves: number;
  /** When the oldest of them was appended, on a clock that never jumps, ms. */
  readonly sinceMs: number;
  /** One of them is the seal of a run. */
  readonly sealed: boolean;
  /** Somebody may go on only when they are in a checkpoint: the export of an artifact. */
  readonly awaited: boolean;
}

export type PublishDecision =
  | { readonly kind: 'now'; readonly why: 'seal' | 'awaited' | 'leaves' | 'age' }
  /** Ask again after this time, or when more is appended. */
  | { readonly kind: 'later'; readonly inMs: number }
  | { readonly kind: 'nothing' };

/** @param nowMs of the clock of `sinceMs` */
export function decidePublish({ leaves, sinceMs, sealed, awaited }: Unpublished, nowMs: number): PublishDecision {
  if (leaves <= 0) return { kind: 'nothing' }; // B2
  if (sealed) return { kind: 'now', why: 'seal' };
  if (awaited) return { kind: 'now', why: 'awaited' };
  if (leaves >= LIMITS.logBehindLeavesMax) return { kind: 'now', why: 'leaves' };
  const waitMs = sinceMs + LIMITS.logBehindMsMax - nowMs;
  // Not a number, or a clock that went back: what cannot be waited out is due.
  return waitMs > 0 && waitMs <= LIMITS.logBehindMsMax ? { kind: 'later', inMs: waitMs } : { kind: 'now', why: 'age' };
}
