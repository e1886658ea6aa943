/**
 * All keysets of a host, from the first on: what `keyset.json` of a bundle holds, and what a verifier remembers.
 *
 *   H1  epochs count from 1 without a gap, each names the digest of the one before, and time does not go back;
 *   H2  a key is named in every keyset until it is over; its bytes, algorithm and purpose never change, its state goes forward only;
 *   H3  the roots and their threshold are those of the first keyset;
 *   H4  whoever has seen a keyset takes no history that ends before it, and none that differs from it.
 */
import { type Bytes, concatBytes, equalBytes, fromBase64Url, toHex, utf8 } from '../../base/bytes.ts';
import { canonicalBytes } from '../../base/canonical-json.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { FIRST_STATES, isLegalMove, isOver } from './key-validity.ts';
import { type Keyset, type KeysetKey, refuseTrust, type RootPin, verifyKeyset } from './keyset.ts';

export interface KeysetHistory {
  /** Oldest first; never empty. */
  readonly keysets: readonly Keyset[];
  readonly head: Keyset;
  /** kid → key as the newest keyset that names it says. Those that are over are here too. */
  readonly keys: ReadonlyMap<string, KeysetKey>;
}

/** @param envelopes as `makeKeyset` makes them, oldest first. @returns the bytes of `keyset.json` */
export function keysetFile(envelopes: readonly Bytes[]): Bytes {
  return concatBytes([utf8('['), ...envelopes.flatMap((envelope, at) => (at === 0 ? [envelope] : [utf8(','), envelope])), utf8(']')]);
}

/** Those of `keyset.json`, each in its canonical form, unverified. @throws CellError `signature.invalid` | `json.invalid` */
export function envelopesOf(file: Bytes): Bytes[] {
  return itemsOf(parseJson(file)).map(canonicalBytes);
}

function itemsOf(value: JsonValue): readonly JsonValue[] {
  if (!isJsonArray(value) || value.length === 0) refuseTrust('malformed', 'it is not a list of keysets, oldest first');
  if (value.length > LIMITS.keysetEpochsMax) refuseTrust('malformed', `it has more than ${LIMITS.keysetEpochsMax} keysets`);
  return value;
}

/** [H2] [H3] */
function checkKeys(keyset: Keyset, known: ReadonlyMap<string, KeysetKey>, bytes: ReadonlyMap<string, string>): void {
  const named = new Set<string>();
  for (const key of keyset.keys) {
    named.add(key.kid);
    const before = known.get(key.kid);
    if (before === undefined) {
      if (known.size > 0 && key.purpose === 'root') refuseTrust('broken-chain', `epoch ${keyset.epoch} has the new root key ${key.kid}`);
      if (!FIRST_STATES.includes(key.state)) refuseTrust('broken-chain', `epoch ${keyset.epoch} names key ${key.kid} for the first time, as ${key.state}`);
      if (bytes.has(toHex(key.publicKey))) refuseTrust('broken-chain', `epoch ${keyset.epoch} gives key ${bytes.get(toHex(key.publicKey))} the second name ${key.kid}`);
      continue;
    }
    if (before.purpose !== key.purpose || !equalBytes(before.publicKey, key.publicKey)) refuseTrust('broken-chain', `epoch ${keyset.epoch} has another key as ${key.kid}`);
    if (!isLegalMove(before, key)) refuseTrust('broken-chain', `epoch ${keyset.epoch} makes key ${key.kid} ${key.state}, and it was ${before.state}`);
  }
  for (const key of known.values()) if (!isOver(key.state) && !named.has(key.kid)) refuseTrust('broken-chain', `epoch ${keyset.epoch} does not name key ${key.kid}`);
}

function checkLink(keyset: Keyset, before: Keyset | undefined, epoch: number): void {
  if (keyset.epoch !== epoch) refuseTrust('broken-chain', `epoch ${keyset.epoch} stands where epoch ${epoch} belongs`);
  if (before === undefined) return;
  if (keyset.previous !== before.digest) refuseTrust('broken-chain', `epoch ${keyset.epoch} does not follow the epoch before it`);
  if (keyset.keysetId !== before.keysetId) refuseTrust('broken-chain', `epoch ${keyset.epoch} is of another keyset`);
  if (keyset.threshold !== before.threshold) refuseTrust('broken-chain', `epoch ${keyset.epoch} has another threshold`);
  if (keyset.producedAt.slice(0, 19) < before.producedAt.slice(0, 19)) refuseTrust('broken-chain', `epoch ${keyset.epoch} is older than the epoch before it`);
}

/** [H1] [H2] [H3] The history with one keyset more. @throws CellError `signature.invalid` with the reason `broken-chain` */
export function followedBy(history: Omit<KeysetHistory, 'head'>, keyset: Keyset): KeysetHistory {
  const { keysets, keys } = history;
  const all = { keysets: [...keysets], keys: new Map(keys), bytes: new Map([...keys.values()].map((key) => [toHex(key.publicKey), key.kid])) };
  follow(all, keyset);
  return { keysets: all.keysets, head: keyset, keys: all.keys };
}

interface Growing {
  readonly keysets: Keyset[];
  readonly keys: Map<string, KeysetKey>;
  /** Hex of a public key → its kid. */
  readonly bytes: Map<string, string>;
}

function follow({ keysets, keys, bytes }: Growing, keyset: Keyset): void {
  checkLink(keyset, keysets.at(-1), keysets.length + 1);
  checkKeys(keyset, keys, bytes);
  for (const key of keyset.keys) {
    keys.set(key.kid, key);
    bytes.set(toHex(key.publicKey), key.kid);
  }
  keysets.push(keyset);
}

/** Verifies a whole chain against one pin. @throws CellError `signature.invalid` with the fact `reason` | `json.invalid` */
export function verifyHistory(value: JsonValue, pin: RootPin): KeysetHistory {
  const admitted = new Set<string>();
  const all: Growing = { keysets: [], keys: new Map(), bytes: new Map() };
  for (const item of itemsOf(value)) follow(all, verifyKeyset(item, pin, admitted));
  return { keysets: all.keysets, head: all.keysets.at(-1) as Keyset, keys: all.keys };
}

/** `older`: it ends before what is known; `forked`: somewhere it says something else. */
export type HistoryRelation = 'same' | 'newer' | 'older' | 'forked';

/** How a history stands to one that is known, by the digests of their payloads. */
export function compareHistories(known: KeysetHistory, offered: KeysetHistory): HistoryRelation {
  const both = Math.min(known.keysets.length, offered.keysets.length);
  // Each digest covers the one before, so the last common one decides.
  if (known.keysets[both - 1]?.digest !== offered.keysets[both - 1]?.digest) return 'forked';
  if (known.keysets.length === offered.keysets.length) return 'same';
  return offered.keysets.length > known.keysets.length ? 'newer' : 'older';
}

/** [H4] @returns the history to remember. @throws CellError `signature.invalid` with the reason `rollback` or `fork` */
export function advanceHistory(known: KeysetHistory | undefined, offered: KeysetHistory): KeysetHistory {
  const relation = known === undefined ? 'newer' : compareHistories(known, offered);
  if (relation === 'older') refuseTrust('rollback', `it ends with epoch ${offered.head.epoch}, and epoch ${known?.head.epoch} was seen`);
  if (relation === 'forked') refuseTrust('fork', 'its history is not the one that was seen: its roots have signed two');
  return offered;
}

/** A pin with what was seen of its keysets. */
export interface TrustPin extends RootPin {
  readonly known?: KeysetHistory;
  /** The known chain as it was signed, oldest first. */
  readonly chain?: readonly JsonValue[];
  /** Newest epoch seen, where its keysets are not at hand: what is known of an earlier one is stale. */
  readonly epochSeen?: number;
}

/** Root keys of the first keyset, in hex, as it says itself: they choose the pin, and prove nothing. */
function claimedRoots(value: JsonValue): Set<string> {
  const first = itemsOf(value)[0];
  const payload = isJsonObject(first) && typeof first['payload'] === 'string' ? fromBase64Url(first['payload']) : undefined;
  const roots = new Set<string>();
  if (payload === undefined) return roots;
  let body: JsonValue;
  try {
    body = parseJson(payload);
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    return roots; // the verification says what is wrong with it
  }
  const keys = isJsonObject(body) ? body['keys'] : undefined;
  for (const key of isJsonArray(keys) ? keys : []) {
    const bytes = isJsonObject(key) && key['purpose'] === 'root' && typeof key['publicKey'] === 'string' ? fromBase64Url(key['publicKey']) : undefined;
    if (bytes !== undefined) roots.add(toHex(bytes));
  }
  return roots;
}

export interface VerifiedFile {
  readonly history: KeysetHistory;
  readonly pin: TrustPin;
}

/**
 * Verifies `keyset.json` against the pin that is about its roots; without one, against none.
 *
 * @throws CellError `signature.invalid` with the fact `reason` | `json.invalid`
 */
export function verifyKeysetFile(file: Bytes, pins: readonly TrustPin[]): VerifiedFile {
  const value = parseJson(file);
  if (!equalBytes(canonicalBytes(value), file)) refuseTrust('malformed', 'it is not in canonical form'); // Y3
  const roots = claimedRoots(value);
  const fitting = pins.filter((pin) => [...pin.roots.values()].some((key) => roots.has(toHex(key))));
  // Of pins with a common root the strictest decides: the one that demands most, then the one that has seen most.
  const order = (pin: TrustPin): number => pin.threshold * (LIMITS.keysetEpochsMax + 1) + (pin.known?.keysets.length ?? 0);
  const pin = fitting.reduce<TrustPin | undefined>((best, one) => (best === undefined || order(one) > order(best) ? one : best), undefined) ?? { roots: new Map(), threshold: 1 };
  return { history: verifyHistory(value, pin), pin };
}
