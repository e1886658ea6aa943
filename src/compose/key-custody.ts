/**
 * Changes of the keys of this host: rotation and revocation. Each is one new keyset, signed by the root keys that were brought.
 *
 *   KC1  one at a time: two at once would sign two histories;
 *   KC2  what is there is verified before it is changed, and the new history before it is written;
 *   KC3  private keys go when they sign no more: those that retire, are retired or compromised are not in the file any more.
 */
import { withLock } from '../adapters/os/named-lock.ts';
import { systemClock } from '../adapters/os/clock.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { type KeyFile, readKeyFile } from '../adapters/signer/key-files.ts';
import { keepKeyset, makeKey, readRoot, replaceKeys, rootFiles, tidyKeysets } from '../adapters/signer/key-making.ts';
import type { StoredKey } from '../adapters/signer/private-file.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, equalBytes, fromBase64Url, toBase64Url } from '../base/bytes.ts';
import { CellError } from '../base/errors.ts';
import { ulid, ulidTimeMs } from '../base/ids.ts';
import { parseJson } from '../base/json-parse.ts';
import type { Signer } from '../ports/signer.ts';
import type { KeyBound, KeyState } from '../core/signing/key-validity.ts';
import { ALGORITHM_OF, type KeysetKey, makeKeyset } from '../core/signing/keyset.ts';
import { envelopesOf, type KeysetHistory, keysetFile, verifyHistory } from '../core/signing/keyset-chain.ts';
import { activeKey, nextStep, ONLINE_PURPOSES, type OnlinePurpose, revokedKeys, type RotationStep, rotatedKeys } from '../core/signing/rotation.ts';
import { hostPin, lockName } from './host-keys.ts';

export interface KeyChange {
  readonly epoch: number;
  /** Keys whose state the new keyset changes, the new ones among them. */
  readonly changed: readonly KeysetKey[];
  readonly next: RotationStep;
}

/** Root keys of this host that lie in `places`. @throws CellError `signer.unavailable` when they are too few | `usage.invalid` */
function rootSigners(state: StateFolder, history: KeysetHistory, places: readonly string[]): Signer[] {
  const roots = new Map<string, Signer>();
  for (const path of rootFiles(places.length === 0 ? [state.keys] : places)) {
    const root = readRoot(path);
    const own = history.keys.get(root.kid);
    if (own?.purpose === 'root' && equalBytes(own.publicKey, root.publicKey)) roots.set(root.kid, root);
  }
  const { threshold } = history.head;
  if (roots.size < threshold) {
    throw new CellError('signer.unavailable', `Cannot sign a new keyset: ${roots.size} of the ${threshold} root keys that have to sign are in ${places.length === 0 ? state.keys : places.join(', ')}; bring ${threshold === 1 ? 'it' : 'them'} and say where with --root PATH`, { facts: { threshold, found: roots.size } });
  }
  return [...roots.values()];
}

/** Makes keys, and keeps their private halves. */
class FreshKeys {
  readonly stored = new Map<string, StoredKey>();

  readonly make = (purpose: OnlinePurpose, state: KeyState): KeysetKey => {
    const algorithm = ALGORITHM_OF[purpose];
    const { kid, publicKey, stored } = makeKey(algorithm, systemRandom);
    this.stored.set(kid, stored);
    return { kid, algorithm, purpose, publicKey, state };
  };
}

/** A clock that was set back does not make a keyset older than the one before it. */
function producedAfter(before: string): string {
  const now = systemClock.nowRfc3339();
  return now.slice(0, 19) < before.slice(0, 19) ? before : now;
}

function commit(state: StateFolder, history: KeysetHistory, listed: readonly KeysetKey[], given: { file: KeyFile; signers: readonly Signer[]; fresh: FreshKeys }): KeyChange {
  const { head } = history;
  const { file, signers, fresh } = given;
  const epoch = head.epoch + 1;
  const envelope = makeKeyset({ keysetId: head.keysetId, epoch, previous: head.digest, producedAt: producedAfter(head.producedAt), ...(head.notAfter === undefined ? {} : { notAfter: head.notAfter }), threshold: head.threshold, keys: listed, signers });
  const chain = keysetFile([...chainOf(state, file), envelope]);
  const roots = new Map(listed.filter((key) => key.purpose === 'root').map((key) => [key.kid, key.publicKey]));
  const now = verifyHistory(parseJson(chain), { roots, threshold: file.threshold }); // KC2
  const kept = [...now.keys.values()].filter((key) => key.purpose !== 'root' && ['next', 'accepted', 'active'].includes(key.state)); // KC3
  const active = Object.fromEntries(ONLINE_PURPOSES.map((purpose) => [purpose, activeKey(now, purpose)?.kid ?? ''])) as KeyFile['active'];
  const keys = Object.fromEntries(kept.map(({ kid }) => [kid, fresh.stored.get(kid) ?? file.keys[kid]]).filter(([, stored]) => stored !== undefined)) as KeyFile['keys'];
  replaceKeys(state.keys, { epoch, threshold: file.threshold, roots: file.roots, active, keys, keyset: toBase64Url(chain) }, envelope);
  return { epoch, changed: [...now.head.keys].filter((key) => history.keys.get(key.kid)?.state !== key.state), next: nextStep(now) };
}

function chainOf(state: StateFolder, file: KeyFile): Bytes[] {
  const envelopes = envelopesOf(fromBase64Url(file.keyset) ?? new Uint8Array());
  for (const [at, envelope] of envelopes.entries()) keepKeyset(state.keys, at + 1, envelope);
  return envelopes;
}

function ownHistory(state: StateFolder): KeysetHistory {
  const { known } = hostPin(state);
  if (known === undefined) throw new CellError('signer.unavailable', `Cannot use the keys in ${state.keys}: they have no keysets`);
  return known;
}

/** The first position that comes after every run so far. */
function nowBound(state: StateFolder): KeyBound {
  const newestMs = ulidTimeMs(state.ids()[0] ?? '') ?? 0;
  return { kind: 'run', run: ulid(Math.max(systemClock.nowMs(), newestMs) + 1, new Uint8Array(10)).toLowerCase(), seq: 0 };
}

function change(state: StateFolder, rootPlaces: readonly string[], list: (history: KeysetHistory, fresh: FreshKeys) => readonly KeysetKey[]): Promise<KeyChange> {
  return withLock(lockName('keys', state.path), { looks: 1, what: `the keys in ${state.keys}` }, () => { // KC1
    tidyKeysets(state.keys);
    const history = ownHistory(state);
    const file = readKeyFile(state.keys);
    const signers = rootSigners(state, history, rootPlaces);
    const fresh = new FreshKeys();
    return commit(state, history, list(history, fresh), { file, signers, fresh });
  });
}

/** Goes one step on with the rotation. @param rootPlaces files or folders of root keys; default: beside the online keys. @throws CellError `signer.unavailable` | `usage.invalid` | `state.unusable` */
export async function rotateKeys(state: StateFolder, rootPlaces: readonly string[]): Promise<KeyChange & { readonly step: RotationStep }> {
  let step: RotationStep = 'announce';
  const done = await change(state, rootPlaces, (history, fresh) => {
    step = nextStep(history);
    return rotatedKeys(history, step, { fresh: fresh.make, until: nowBound(state) });
  });
  return { ...done, step };
}

/** @param until default: from now on. @throws as {@link rotateKeys} */
export function revokeKey(state: StateFolder, rootPlaces: readonly string[], revoke: { kids: readonly string[]; state: 'retired' | 'compromised'; until?: KeyBound }): Promise<KeyChange> {
  return change(state, rootPlaces, (history, fresh) => revokedKeys(history, revoke.kids, { state: revoke.state, until: revoke.until ?? nowBound(state) }, fresh.make));
}

/** Keys of this host as the newest keyset that names them says, and how far their rotation is. */
export function ownKeys(state: StateFolder): { readonly history: KeysetHistory; readonly next: RotationStep } {
  const history = ownHistory(state);
  return { history, next: nextStep(history) };
}
