/**
 * Whether a key may speak for a record: by the keyset its run began under, and by the newest one that the verifier knows.
 *
 *   J1  a run is judged by its own keyset, as its genesis binds it: a key that was not accepted yet, or was over, does not count;
 *   J2  what became known later counts too: a bound of the newest keyset cuts what stands at it or after it, and leaves what stands before.
 */
import type { Bytes } from '../../base/bytes.ts';
import { boundText, isBefore, isOver, isUsable, type RecordPosition } from './key-validity.ts';
import { compareHistories, type KeysetHistory, type TrustPin } from './keyset-chain.ts';
import { type KeyPurpose, refuseTrust } from './keyset.ts';

export class KeyTrust {
  readonly own: KeysetHistory;
  /** The longer one of what the run brings and what the verifier knows. */
  readonly newest: KeysetHistory;
  /** Newest epoch the verifier has seen, whether or not it has the keysets. */
  readonly epochSeen: number | undefined;

  /** @param own chain of the run. @param pin what the verifier knows. @throws CellError `signature.invalid` with the reason `fork` when it is not the one that is known */
  constructor(own: KeysetHistory, { known, epochSeen }: Pick<TrustPin, 'known' | 'epochSeen'>) {
    const relation = known === undefined ? 'newer' : compareHistories(known, own);
    if (relation === 'forked') refuseTrust('fork', 'its history is not the one that was seen: its roots have signed two');
    this.own = own;
    this.epochSeen = epochSeen;
    this.newest = known === undefined || relation === 'newer' ? own : known;
  }

  /** kid → public key of all keys of a purpose, those that do not count too: {@link refusalOf} says why. */
  keysFor(purpose: KeyPurpose): Map<string, Bytes> {
    return new Map([...this.own.keys.values()].filter((key) => key.purpose === purpose).map((key) => [key.kid, key.publicKey]));
  }

  /** @returns why what this key signed at this position does not count; undefined when it does */
  refusalOf(kid: string, position: RecordPosition): string | undefined {
    const key = this.own.keys.get(kid);
    if (key === undefined) return `key "${kid}" is in no keyset`;
    if (!isUsable(key.state)) return `key "${kid}" ${key.state === 'next' ? 'was announced only' : `was ${key.state}`} when the run began`; // J1
    const now = this.newest.keys.get(kid) ?? key;
    if (!isOver(now.state) || now.until === undefined || isBefore(position, now.until)) return undefined;
    return `key "${kid}" is ${now.state}: from ${boundText(now.until)} on, nothing it signed counts`; // J2
  }
}

/** kid → key that may sign bare events, which have no position: the event keys that count today, and roots that were pinned without a keyset. */
export function bareSigners(pins: readonly TrustPin[]): Map<string, Bytes> {
  return new Map(pins.flatMap((pin) => (pin.known === undefined ? [...pin.roots] : usableKeys(pin.known, 'event'))));
}

/** Those of a purpose that count today, in the order of the keysets. */
export function usableKeys(history: Pick<KeysetHistory, 'keys'>, purpose: KeyPurpose): [string, Bytes][] {
  return [...history.keys.values()].filter((key) => key.purpose === purpose && isUsable(key.state)).map((key) => [key.kid, key.publicKey]);
}
