/** Audits evidence of this host or of another, offline, with the root keys the caller pins or this host trusts. */
import { existsSync } from 'node:fs';
import { bundleAt, folderBundle } from '../adapters/os/bundle-files.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, equalBytes } from '../base/bytes.ts';
import { CellError, ignore, isCellError } from '../base/errors.ts';
import { isJsonArray } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import { type AuditTrust, auditBundle, type BundleSource, readDocument } from '../core/evidence/audit.ts';
import { auditEnvelopes } from '../core/evidence/audit-envelopes.ts';
import type { AuditReport } from '../core/evidence/audit-report.ts';
import { auditTrail } from '../core/evidence/audit-trail.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import type { EnvelopeKeys } from '../core/signing/envelope.ts';
import { refuseTrust } from '../core/signing/keyset.ts';
import { bareSigners } from '../core/signing/key-trust.ts';
import { parseHmacKeys, parseVerifyKeys } from '../core/signing/verify-keys.ts';
import { compareHistories, type KeysetHistory, type TrustPin, verifyKeysetFile } from '../core/signing/keyset-chain.ts';
import { parsedFile } from './evidence.ts';
import { hasKeys, hostPin, trustedPins, trustFileAt, trustPins } from './host-keys.ts';

export interface Trust {
  readonly pins: readonly TrustPin[];
  /** kid → where it was taken from: `this host`, `cellos keys trust`, or a file. */
  readonly from: ReadonlyMap<string, string>;
  /** State folder to remember newer keysets in; undefined when the trust was given for this once. */
  readonly store?: string;
}

const namesOf = (pins: readonly TrustPin[], source: string): [string, string][] => pins.flatMap((pin) => [...pin.roots.keys()].map((kid): [string, string] => [kid, source]));

const sharesRoot = (a: TrustPin, b: TrustPin): boolean => [...a.roots.values()].some((key) => [...b.roots.values()].some((other) => equalBytes(key, other)));

/** Without the keysets, and with the epoch that has been seen: a file that is older than what this host knows is no ground to judge from. */
function held(pin: TrustPin, stored: readonly TrustPin[]): TrustPin {
  const seen = stored.find((one) => one.known !== undefined && sharesRoot(one, pin));
  if (seen?.known === undefined) return pin;
  const relation = pin.known === undefined ? 'older' : compareHistories(seen.known, pin.known);
  if (relation === 'forked') refuseTrust('fork', 'the history in the trust file is not the one that was seen: its roots have signed two');
  if (relation !== 'older') return pin;
  return { ...pin, epochSeen: seen.known.head.epoch };
}

/** The keys in `files` and no others; without files, those of this host and those it was told to trust. Makes no keys and, with files, no folder. */
export function trustOf(files: readonly string[], state: () => StateFolder, stateDir?: string): Trust {
  if (files.length > 0) {
    const stored = stateDir === undefined ? [] : trustedPins(stateDir);
    const read = files.map((file) => ({ file, pins: trustFileAt(file) }));
    return { pins: read.flatMap(({ pins }) => pins.map((pin) => held(pin, stored))), from: new Map(read.flatMap(({ file, pins }) => namesOf(pins, file))) };
  }
  const folder = state();
  const trusted = trustedPins(folder.path);
  const own = hasKeys(folder) ? [hostPin(folder)] : [];
  return { pins: [...trusted, ...own], from: new Map([...namesOf(trusted, 'cellos keys trust'), ...namesOf(own, 'this host')]), store: folder.path };
}

export interface Audited {
  readonly report: AuditReport;
  /** The trusted root key that the keyset is signed with; undefined when it is signed with none of them. */
  readonly root?: { readonly kid: string; readonly from: string };
  /** Newest keyset that was known or came with the bundle. */
  readonly epoch?: number;
}

interface Keyset {
  readonly history: KeysetHistory;
  readonly pin: TrustPin;
  readonly file: Bytes;
}

async function keysetOf(source: BundleSource, pins: readonly TrustPin[]): Promise<Keyset | undefined> {
  try {
    const file = await readDocument(source, BUNDLE.keyset);
    return { ...verifyKeysetFile(file, pins), file };
  } catch (error) {
    ignore(error, 'the report says what is wrong with the keyset');
    return undefined;
  }
}

/** Remembers keysets that are newer than those known of a root that this host was told to trust. */
async function remember({ history, pin, file }: Keyset, trust: Trust): Promise<void> {
  if (trust.store === undefined || [...pin.roots.keys()].some((kid) => trust.from.get(kid) !== 'cellos keys trust')) return;
  if (pin.known !== undefined && compareHistories(pin.known, history) !== 'newer') return;
  const roots = pin.known === undefined ? new Map([...pin.roots].filter(([, key]) => [...history.keys.values()].some((one) => one.purpose === 'root' && equalBytes(one.publicKey, key)))) : pin.roots;
  const chain = parseJson(file);
  try {
    await trustPins(trust.store, [{ roots, threshold: pin.threshold, known: history, chain: isJsonArray(chain) ? chain : [] }]);
  } catch (error) {
    if (!isCellError(error) || error.facts['reason'] !== 'rollback') throw error;
    ignore(error, 'another program has learned of newer keysets in between');
  }
}

export interface AuditOptions extends Pick<AuditTrust, 'epochMin' | 'at'> {
  /** Keys of bare events; default: what the pins say. */
  readonly bare?: EnvelopeKeys;
}

/** @throws CellError `run.unknown` when nothing is there */
export async function auditAt(path: string, trust: Trust, options: AuditOptions = {}): Promise<Audited> {
  const { bare, ...freshness } = options;
  const found = bundleAt(path);
  if (found.kind === 'bundle' && bare !== undefined) throw new CellError('usage.invalid', 'Cannot use --keys or --hmac-keys here: they are for JSON Lines of bare events, and a bundle brings its own keys, under the root that --trust names');
  if (found.kind !== 'bundle') {
    const keys = bare ?? { ed25519: bareSigners(trust.pins) };
    return { report: found.kind === 'trail' ? await auditTrail(found, keys) : await auditEnvelopes(found.chunks, keys) };
  }
  const report = await auditBundle(found.source, { roots: new Map(), pins: trust.pins, ...freshness });
  const keyset = await keysetOf(found.source, trust.pins);
  if (keyset === undefined) return { report };
  await remember(keyset, trust);
  const { head, keys } = keyset.history;
  const kid = head.signers[0] ?? '';
  // As the verifier calls it.
  const [name = kid] = [...keyset.pin.roots].find(([, key]) => equalBytes(key, keys.get(kid)?.publicKey ?? new Uint8Array())) ?? [];
  return { report, root: { kid: name, from: trust.from.get(name) ?? '?' }, epoch: Math.max(head.epoch, keyset.pin.known?.head.epoch ?? 0) };
}

export function isThere(path: string): boolean {
  return existsSync(path);
}

/** Audits a bundle of this host. @param roots kid → public key to trust; default: this host's own */
export function auditHere(state: StateFolder, path: string, roots?: ReadonlyMap<string, Bytes>): Promise<AuditReport> {
  return auditBundle(folderBundle(path), roots === undefined ? { roots: new Map(), pins: [hostPin(state)] } : { roots });
}

/** Keys for bare events: of verify-keys files, or else those the pins say; and of HMAC keys files. @returns undefined when no file is given. @throws CellError `usage.invalid` | `document.invalid` | `json.invalid` */
export function bareKeys(files: { readonly keys: readonly string[]; readonly hmac: readonly string[] }, pins: readonly TrustPin[]): EnvelopeKeys | undefined {
  if (files.keys.length === 0 && files.hmac.length === 0) return undefined;
  const ed25519 = files.keys.length === 0 ? bareSigners(pins) : new Map(files.keys.flatMap((path) => [...parsedFile(path, 'the keys', parseVerifyKeys)]));
  return { ed25519, hmac: new Map(files.hmac.flatMap((path) => [...parsedFile(path, 'the keys', parseHmacKeys)])) };
}
