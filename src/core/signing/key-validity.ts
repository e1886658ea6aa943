/**
 * The life of a key, and up to where what it signed counts.
 *
 *   L1  states only go forward: next → accepted → active → retiring → retired; `compromised` from any of them, and from it nowhere;
 *   L2  a bound stands with the key that is over: the position of the first record that does not count. Position first: the run and the number
 *       of the record in it; wall clock second, for who knows no run;
 *   L3  what cannot be placed does not count.
 *
 * LIMIT: run ids begin with a time that the host states. Who holds a stolen key can state an earlier one; only a head that somebody noted
 * elsewhere, or a log that others keep, shows that such a run was not there at its time.
 */
import { ulidTimeMs } from '../../base/ids.ts';
import { parseRfc3339 } from '../../base/rfc3339.ts';

/**
 * `next`: announced, does not count yet. `accepted`: counts, is not used yet. `active`: counts, signs. `retiring`: counts, signs no more.
 * `retired`, `compromised`: what it signed counts up to its bound.
 */
export const KEY_STATES = ['next', 'accepted', 'active', 'retiring', 'retired', 'compromised'] as const;
export type KeyState = (typeof KEY_STATES)[number];

export function isKeyState(text: string): text is KeyState {
  return (KEY_STATES as readonly string[]).includes(text);
}

/** The first position that does not count any more. */
export type KeyBound =
  | { readonly kind: 'run'; /** Run id, 26 characters in lower case. */ readonly run: string; /** Number of the record in it. */ readonly seq: number }
  | { readonly kind: 'time'; /** RFC 3339 in UTC. */ readonly time: string };

/** Where a record stands. */
export interface RecordPosition {
  readonly run: string;
  readonly seq: number;
  /** Of its event, as it says itself. */
  readonly time: string | undefined;
}

const MOVES: Readonly<Record<KeyState, readonly KeyState[]>> = {
  next: ['next', 'accepted', 'active', 'retired', 'compromised'],
  accepted: ['accepted', 'active', 'retired', 'compromised'],
  active: ['active', 'retiring', 'retired', 'compromised'],
  retiring: ['retiring', 'retired', 'compromised'],
  retired: ['retired', 'compromised'],
  compromised: ['compromised'],
};

/** States a key may be in when a keyset names it for the first time; `active`: the first one, or in place of one that was compromised. */
export const FIRST_STATES: readonly KeyState[] = ['next', 'active'];

/** Nothing it signs from here on counts. */
export function isOver(state: KeyState): boolean {
  return state === 'retired' || state === 'compromised';
}

/** What a key of this state signs counts today. */
export function isUsable(state: KeyState): boolean {
  return state === 'accepted' || state === 'active' || state === 'retiring';
}

export function isRunId(text: string): boolean {
  return ulidTimeMs(text) !== undefined && text === text.toLowerCase();
}

/** Is `moved` not later than `bound`? Bounds of two kinds cannot be compared. */
function isNotLater(moved: KeyBound, bound: KeyBound): boolean {
  if (moved.kind === 'run') return bound.kind === 'run' && (moved.run < bound.run || (moved.run === bound.run && moved.seq <= bound.seq));
  if (bound.kind === 'run') return false;
  const [to, from] = [parseRfc3339(moved.time), parseRfc3339(bound.time)];
  return to !== undefined && from !== undefined && to <= from;
}

interface Phase {
  readonly state: KeyState;
  readonly until?: KeyBound;
}

/** [L1] May a key go from here to there? The bound of a key that is over only moves back, or changes when the key turns out to be compromised. */
export function isLegalMove(from: Phase, to: Phase): boolean {
  if (!MOVES[from.state].includes(to.state)) return false;
  if (from.until === undefined || to.until === undefined || from.state !== to.state) return true;
  return isNotLater(to.until, from.until);
}

/** [L2] [L3] */
export function isBefore(position: RecordPosition, bound: KeyBound): boolean {
  const startedMs = ulidTimeMs(position.run);
  if (startedMs === undefined || !isRunId(position.run)) return false;
  if (bound.kind === 'run') return position.run < bound.run || (position.run === bound.run && position.seq < bound.seq);
  const [at, end] = [position.time === undefined ? undefined : parseRfc3339(position.time), parseRfc3339(bound.time)];
  return at !== undefined && end !== undefined && at < end && BigInt(startedMs) * 1_000_000n < end;
}

export function boundText(bound: KeyBound): string {
  return bound.kind === 'time' ? bound.time : `record ${bound.seq} of run ${bound.run}`;
}
