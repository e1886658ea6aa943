/**
 * Changes of the keys of this host: rotation and revocation. Each is one new keyset, signed by the root keys that were brought, or by those who
 * hold them elsewhere and answer a request.
 *
 *   KC1  one at a time: two at once would sign two histories;
 *   KC2  what is there is verified before it is changed, and the new history before it is written;
 *   KC3  private keys go when they sign no more: those that retire, are retired or compromised are not in the file any more;
 *   KC4  private halves of keys that were asked for wait in a file of their own, bound to the payload: no other answer is taken.
 */
import { withLock } from '../adapters/os/named-lock.ts';
import { systemClock } from '../adapters/os/clock.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { type KeyFile, readKeyFile } from '../adapters/signer/key-files.ts';
import { dropPending, keepKeyset, makeKey, readPending, readRoot, replaceKeys, rootFiles, tidyKeysets, writePending } from '../adapters/signer/key-making.ts';
import type { StoredKey } from '../adapters/signer/private-file.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, equalBytes, fromBase64Url, toBase64Url } from '../base/bytes.ts';
import { digestOf } from '../base/crypto.ts';
import { CellError } from '../base/errors.ts';
import { ulid, ulidTimeMs } from '../base/ids.ts';
import { parseJson } from '../base/json-parse.ts';
import type { Signer } from '../ports/signer.ts';
import type { KeyBound, KeyState } from '../core/signing/key-validity.ts';
import { ALGORITHM_OF, type KeysetContent, type KeysetKey, keysetPayload, makeKeyset } from '../core/signing/keyset.ts';
import { envelopesOf, type KeysetHistory, keysetFile, verifyHistory } from '../core/signing/keyset-chain.ts';
import { answeredKeyset, checkKeysetRequest, keysetRequestFile, parseKeysetRequest, rootsOfRequest, signKeysetRequest } from '../core/signing/keyset-request.ts';
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

interface Planned {
  readonly file: KeyFile;
  readonly history: KeysetHistory;
  readonly content: KeysetContent;
  /** Private halves of keys that are new in it. */
  readonly stored: ReadonlyMap<string, StoredKey>;
}

type Listing = (history: KeysetHistory, fresh: FreshKeys) => readonly KeysetKey[];

/** The keyset that comes next; nothing is changed. */
function plan(state: StateFolder, list: Listing): Planned {
  const history = ownHistory(state);
  const { keysetId, digest, epoch, producedAt, notAfter, threshold } = history.head;
  const fresh = new FreshKeys();
  const keys = list(history, fresh);
  return { file: readKeyFile(state.keys), history, content: { keysetId, epoch: epoch + 1, previous: digest, producedAt: producedAfter(producedAt), ...(notAfter === undefined ? {} : { notAfter }), threshold, keys }, stored: fresh.stored };
}

const changedKeys = (history: KeysetHistory, keys: readonly KeysetKey[]): KeysetKey[] => keys.filter((key) => history.keys.get(key.kid)?.state !== key.state);

function commit(state: StateFolder, { file, history, stored }: Pick<Planned, 'file' | 'history' | 'stored'>, envelope: Bytes): KeyChange {
  const chain = keysetFile([...chainOf(state, file), envelope]);
  const now = verifyHistory(parseJson(chain), hostPin(state)); // KC2
  const kept = [...now.keys.values()].filter((key) => key.purpose !== 'root' && ['next', 'accepted', 'active'].includes(key.state)); // KC3
  const active = Object.fromEntries(ONLINE_PURPOSES.map((purpose) => [purpose, activeKey(now, purpose)?.kid ?? ''])) as KeyFile['active'];
  const keys = Object.fromEntries(kept.map(({ kid }) => [kid, stored.get(kid) ?? file.keys[kid]]).filter(([, key]) => key !== undefined)) as KeyFile['keys'];
  const { epoch } = now.head;
  replaceKeys(state.keys, { epoch, threshold: file.threshold, roots: file.roots, active, keys, keyset: toBase64Url(chain) }, envelope);
  return { epoch, changed: changedKeys(history, now.head.keys), next: nextStep(now) };
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

/** [KC1] */
function alone<T>(state: StateFolder, work: () => T): Promise<T> {
  return withLock(lockName('keys', state.path), { looks: 1, what: `the keys in ${state.keys}` }, () => {
    tidyKeysets(state.keys);
    return work();
  });
}

/** Where the signatures come from: root keys at hand, in files or folders; default: beside the online keys. Or a request, written to a file. */
export type Signing = { readonly roots: readonly string[] } | { readonly ask: (request: Bytes) => void };

/** With a request the change is the one that is asked for. */
function change(state: StateFolder, signing: Signing, list: Listing): Promise<KeyChange> {
  return alone(state, () => {
    if ('roots' in signing) {
      const signers = rootSigners(state, ownHistory(state), signing.roots);
      const planned = plan(state, list);
      const done = commit(state, planned, makeKeyset({ ...planned.content, signers }));
      dropPending(state.keys); // what was asked for follows no more
      return done;
    }
    const { file, history, content, stored } = plan(state, list);
    const payload = keysetPayload(content);
    signing.ask(keysetRequestFile({ chain: chainOf(state, file).map((envelope) => parseJson(envelope)), payload, signatures: [] }));
    writePending(state.keys, { digest: digestOf(payload), keys: Object.fromEntries(stored) }); // KC4
    return { epoch: content.epoch, changed: changedKeys(history, content.keys), next: nextStep(history) };
  });
}

/** Brings the answer to the last request into force. @throws CellError `document.invalid` when it is the answer to another one | `signature.invalid` when too few have signed, or it follows no more */
export function applyAnswer(state: StateFolder, answer: Bytes): Promise<KeyChange> {
  return alone(state, () => {
    const request = parseKeysetRequest(answer);
    const pending = readPending(state.keys);
    if (pending?.digest !== digestOf(request.payload)) throw new CellError('document.invalid', `Cannot bring this keyset into force: ${pending === undefined ? 'this host has asked for none' : 'it is not the one this host asked for last'}`);
    const done = commit(state, { file: readKeyFile(state.keys), history: ownHistory(state), stored: new Map(Object.entries(pending.keys)) }, answeredKeyset(request));
    dropPending(state.keys);
    return done;
  });
}

export interface Signed {
  readonly epoch: number;
  readonly keysetId: string;
  readonly changed: readonly KeysetKey[];
  readonly signers: readonly string[];
  readonly threshold: number;
  readonly file: Bytes;
}

/** Signs a request with the root keys in `places`. Needs no state folder. @throws CellError `signer.unavailable` when none of them is a root of it | `signature.invalid` when it does not follow its chain */
export function signRequest(bytes: Bytes, places: readonly string[]): Signed {
  const request = parseKeysetRequest(bytes);
  const roots = rootsOfRequest(request);
  const { content, changed } = checkKeysetRequest(request, roots);
  const signers = rootFiles(places).map(readRoot).filter((root) => equalBytes(roots.get(root.kid) ?? new Uint8Array(), root.publicKey));
  if (signers.length === 0) throw new CellError('signer.unavailable', `Cannot sign the keyset: none of its root keys (${[...roots.keys()].join(', ')}) is in ${places.join(', ')}`);
  const signed = signKeysetRequest(request, signers);
  return { epoch: content.epoch, keysetId: content.keysetId, changed, threshold: content.threshold, signers: signed.signatures.map(({ signerKid }) => signerKid), file: keysetRequestFile(signed) };
}

/** Goes one step on with the rotation. @throws CellError `signer.unavailable` | `usage.invalid` | `state.unusable` */
export async function rotateKeys(state: StateFolder, signing: Signing): Promise<KeyChange & { readonly step: RotationStep }> {
  let step: RotationStep = 'announce';
  const done = await change(state, signing, (history, fresh) => {
    step = nextStep(history);
    return rotatedKeys(history, step, { fresh: fresh.make, until: nowBound(state) });
  });
  return { ...done, step };
}

/** @param until default: from now on. @throws as {@link rotateKeys} */
export function revokeKey(state: StateFolder, signing: Signing, revoke: { kids: readonly string[]; state: 'retired' | 'compromised'; until?: KeyBound }): Promise<KeyChange> {
  return change(state, signing, (history, fresh) => {
    const busy = revoke.kids.find((kid) => history.keys.get(kid)?.state === 'active');
    if ('ask' in signing && revoke.state === 'retired' && busy !== undefined) throw new CellError('usage.invalid', `Cannot ask to retire "${busy}": it signs until the answer comes, and nothing says up to where; rotate, and it retires in its turn`);
    return revokedKeys(history, revoke.kids, { state: revoke.state, until: revoke.until ?? nowBound(state) }, fresh.make);
  });
}

/** Keys of this host as the newest keyset that names them says, and how far their rotation is. */
export function ownKeys(state: StateFolder): { readonly history: KeysetHistory; readonly next: RotationStep } {
  const history = ownHistory(state);
  return { history, next: nextStep(history) };
}
