/**
 * The steps from one keyset to the next. Pure: the new keys come from outside, the result is what the next keyset lists.
 *
 *   R1  a rotation is announce → accept → switch → retire, a keyset each: a verifier that follows late meets no signature it cannot place;
 *   R2  the step that is next is read off the keys themselves: there is no second record of how far a rotation is;
 *   R3  a purpose never loses its active key without another one in its place.
 */
import { CellError } from '../../base/errors.ts';
import type { KeysetHistory } from './keyset-chain.ts';
import type { KeyPurpose, KeysetKey } from './keyset.ts';
import { isLegalMove, isOver, type KeyBound, type KeyState } from './key-validity.ts';

export const ROTATION_STEPS = ['announce', 'accept', 'switch', 'retire'] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

/** Purposes of the keys that lie on the host and rotate. */
export const ONLINE_PURPOSES = ['event', 'checkpoint', 'bundle'] as const satisfies readonly KeyPurpose[];
export type OnlinePurpose = (typeof ONLINE_PURPOSES)[number];

type Keys = Pick<KeysetHistory, 'keys'>;

/** Those a keyset has to list: all that are not over. */
export function livingKeys({ keys }: Keys): KeysetKey[] {
  return [...keys.values()].filter((key) => !isOver(key.state));
}

/** [R2] */
export function nextStep(history: Keys): RotationStep {
  const states = new Set(livingKeys(history).map((key) => key.state));
  return states.has('next') ? 'accept' : states.has('accepted') ? 'switch' : states.has('retiring') ? 'retire' : 'announce';
}

/** Key that signs for a purpose. */
export function activeKey(history: Keys, purpose: KeyPurpose): KeysetKey | undefined {
  return livingKeys(history).find((key) => key.purpose === purpose && key.state === 'active');
}

const inState = ({ kid, algorithm, purpose, publicKey }: KeysetKey, state: KeyState, until?: KeyBound): KeysetKey => ({ kid, algorithm, purpose, publicKey, state, ...(until === undefined ? {} : { until }) });

const MOVES: Readonly<Record<Exclude<RotationStep, 'announce' | 'switch'>, readonly [KeyState, KeyState]>> = { accept: ['next', 'accepted'], retire: ['retiring', 'retired'] };

function switched(keys: readonly KeysetKey[]): KeysetKey[] {
  const ready = new Set(keys.filter((key) => key.state === 'accepted').map((key) => key.purpose));
  return keys.map((key) => (key.state === 'accepted' ? inState(key, 'active') : key.state === 'active' && ready.has(key.purpose) ? inState(key, 'retiring') : key));
}

/**
 * What the next keyset lists when a rotation goes one step on. [R1]
 *
 * @param fresh makes a key of a purpose; called by `announce` alone
 * @param until the first position that a retired key cannot have signed
 */
export function rotatedKeys(history: Keys, step: RotationStep, given: { fresh: (purpose: OnlinePurpose, state: KeyState) => KeysetKey; until: KeyBound }): KeysetKey[] {
  const keys = livingKeys(history);
  if (step === 'announce') return [...keys, ...ONLINE_PURPOSES.map((purpose) => given.fresh(purpose, 'next'))];
  if (step === 'switch') return switched(keys);
  const [from, to] = MOVES[step];
  return keys.map((key) => (key.state === from ? inState(key, to, to === 'retired' ? given.until : undefined) : key));
}

function refuse(message: string, kid: string): never {
  throw new CellError('usage.invalid', `Cannot revoke "${kid}": ${message}`, { facts: { kid } });
}

/** Another key of the same purpose takes the place of the active one: the one that waits, else a fresh one. [R3] */
function replaced(keys: readonly KeysetKey[], purpose: OnlinePurpose, fresh: (purpose: OnlinePurpose, state: KeyState) => KeysetKey): KeysetKey[] {
  const waiting = keys.find((key) => key.purpose === purpose && (key.state === 'accepted' || key.state === 'next'));
  return waiting === undefined ? [...keys, fresh(purpose, 'active')] : keys.map((key) => (key === waiting ? inState(key, 'active') : key));
}

export interface Revocation {
  readonly state: 'retired' | 'compromised';
  readonly until: KeyBound;
}

/** What the next keyset lists when keys are revoked. @throws CellError `usage.invalid` when one cannot be */
export function revokedKeys(history: Keys, kids: readonly string[], revocation: Revocation, fresh: (purpose: OnlinePurpose, state: KeyState) => KeysetKey): KeysetKey[] {
  let keys = history.keys;
  for (const kid of kids) keys = new Map([...keys, ...withoutKey({ keys }, kid, revocation, fresh).map((key) => [key.kid, key] as const)]);
  return [...livingKeys({ keys }), ...kids.flatMap((kid) => keys.get(kid) ?? [])];
}

function withoutKey(history: Keys, kid: string, { state, until }: Revocation, fresh: (purpose: OnlinePurpose, state: KeyState) => KeysetKey): KeysetKey[] {
  const key = history.keys.get(kid);
  if (key === undefined) refuse('there is no key of that name; cellos keys list --all shows them', kid);
  if (key.purpose === 'root') refuse('it is a root key, which no keyset can revoke: make new keys, and give out the new root', kid);
  if (!isLegalMove(key, { state, until }) || (key.state === 'retired' && state === 'retired')) refuse(`it is ${key.state} already${key.state === state ? ', from an earlier position or from one of another kind' : ''}`, kid);
  const over = inState(key, state, until);
  const others = livingKeys(history).filter((one) => one.kid !== kid);
  return [over, ...(key.state === 'active' ? replaced(others, key.purpose, fresh) : others)];
}
