/**
 * Makes keys, and puts new ones in the place of old ones. No run with keys loads this.
 *
 *   M1  two programs that start at once end up with the same keys: `keys.json` is linked into place, and the loser takes its root keys back;
 *   M2  root keys are files of their own, `root-ID.json`, 0600, in a folder the caller chooses;
 *   M3  `keysets/` grows by one file a keyset, written once and never again: it is what a person can archive. `keys.json` comes first and
 *       decides, so a crash between the two is made good by the next command.
 */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type Bytes, equalBytes, toBase64Url, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey, p256SigningKey } from '../../base/crypto.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import type { Random } from '../../ports/clock.ts';
import type { Signer } from '../../ports/signer.ts';
import { privateFolder, temporaryOwner, writeFileAtomic } from '../os/durable-file.ts';
import { startTimeOf } from '../os/procfs.ts';
import { KEY_FILE_VERSION, type KeyFile, keyFileIn, keysetPath, signerOf } from './key-files.ts';
import { isStoredKey, kidOf, readPrivateFile, type StoredKey, unusable } from './private-file.ts';

export interface MadeKey {
  readonly kid: string;
  readonly publicKey: Bytes;
  readonly stored: StoredKey;
}

export function makeKey(algorithm: Signer['algorithm'], random: Random): MadeKey {
  const secret = algorithm === 'ed25519' ? random.bytes(32) : new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' }));
  const { publicKey } = algorithm === 'ed25519' ? ed25519SigningKey(secret) : p256SigningKey(secret);
  return { kid: kidOf(algorithm, publicKey), publicKey, stored: { private: toBase64Url(secret), public: toBase64Url(publicKey) } };
}

const rootFile = (folder: string, kid: string): string => `${folder}/root-${kid.replace(/^.*:/, '')}.json`;

function writeRoot(folder: string, key: MadeKey): string {
  const path = rootFile(folder, key.kid);
  writeFileAtomic(path, utf8(`${JSON.stringify({ v: 1, kid: key.kid, ...key.stored })}\n`), { mode: 0o600, exclusive: true });
  return path;
}

/** @throws CellError `signer.unavailable` */
export function readRoot(path: string): Signer {
  const value = readPrivateFile(path);
  if (value['v'] !== 1 || !isStoredKey(value)) throw unusable(path, 'it holds no root key');
  return signerOf(path, 'ed25519', value);
}

/** Files that root keys are in: those given, and those that lie in the folders given. @throws CellError `usage.invalid` */
export function rootFiles(places: readonly string[]): string[] {
  return places.flatMap((place) => {
    try {
      return statSync(place).isDirectory() ? readdirSync(place).filter((name) => /^root-[0-9a-f]{16}\.json$/.test(name)).sort().map((name) => `${place}/${name}`) : [place];
    } catch (error) {
      throw new CellError('usage.invalid', `Cannot look for root keys in ${place}: ${messageOf(error)}`, { cause: error, facts: { path: place } });
    }
  });
}

export interface FirstKeys {
  readonly roots: readonly Signer[];
  readonly event: Signer;
  readonly checkpoint: Signer;
  readonly bundle: Signer;
}

export interface FirstOptions {
  readonly random: Random;
  /** How many root keys are made, and how many of them have to sign. */
  readonly roots: number;
  readonly threshold: number;
  /** Where the root keys go; default: beside the online keys. */
  readonly rootFolder?: string;
  /** @returns the first keyset, signed */
  readonly makeKeyset: (keys: FirstKeys) => Bytes;
  readonly keysetFile: (envelopes: readonly Bytes[]) => Bytes;
}

/** @returns the files of the root keys; undefined when there were keys already, which stay. @throws CellError `state.unusable` | `signer.unavailable` */
export function makeKeys(folder: string, options: FirstOptions): readonly string[] | undefined {
  privateFolder(folder);
  const path = keyFileIn(folder);
  if (existsSync(path)) return undefined;
  const place = options.rootFolder ?? folder;
  privateFolder(place);
  const roots = Array.from({ length: options.roots }, () => makeKey('ed25519', options.random));
  const [event, checkpoint, bundle] = [makeKey('ed25519', options.random), makeKey('ed25519', options.random), makeKey('ecdsa-p256-sha256', options.random)];
  const signer = (key: MadeKey, algorithm: Signer['algorithm'] = 'ed25519'): Signer => signerOf(path, algorithm, key.stored);
  const envelope = options.makeKeyset({ roots: roots.map((key) => signer(key)), event: signer(event), checkpoint: signer(checkpoint), bundle: signer(bundle, 'ecdsa-p256-sha256') });
  const file: KeyFile = {
    v: KEY_FILE_VERSION,
    epoch: 1,
    threshold: options.threshold,
    roots: roots.map((key) => key.stored.public),
    active: { event: event.kid, checkpoint: checkpoint.kid, bundle: bundle.kid },
    keys: Object.fromEntries([event, checkpoint, bundle].map((key) => [key.kid, key.stored])),
    keyset: toBase64Url(options.keysetFile([envelope])),
  };
  const files = roots.map((key) => writeRoot(place, key));
  if (!writeFileAtomic(path, utf8(JSON.stringify(file)), { mode: 0o600, exclusive: true })) {
    for (const written of files) rmSync(written, { force: true }); // M1
    return undefined;
  }
  keepKeyset(folder, 1, envelope);
  return files;
}

/** [M3] Writes the keyset of an epoch, once. @throws CellError `signer.unavailable` when another one is there */
export function keepKeyset(folder: string, epoch: number, envelope: Bytes): void {
  const path = keysetPath(folder, epoch);
  if (!existsSync(path)) {
    mkdirSync(`${folder}/keysets`, { recursive: true, mode: 0o700 });
    writeFileAtomic(path, envelope, { mode: 0o644, exclusive: true });
  }
  if (!equalBytes(readFileSync(path), envelope)) throw unusable(keyFileIn(folder), `${path} is not the keyset of epoch ${epoch} in it`);
}

/** Private halves of keys that were asked for, and the digest of the payload that names them. */
export interface PendingKeys {
  readonly digest: string;
  readonly keys: Readonly<Record<string, StoredKey>>;
}

const pendingIn = (folder: string): string => `${folder}/pending.json`;

/** The last one counts. */
export function writePending(folder: string, pending: PendingKeys): void {
  writeFileAtomic(pendingIn(folder), utf8(JSON.stringify({ v: 1, ...pending })), { mode: 0o600 });
}

/** @throws CellError `signer.unavailable` when it is damaged */
export function readPending(folder: string): PendingKeys | undefined {
  const path = pendingIn(folder);
  if (!existsSync(path)) return undefined;
  const { v, digest, keys } = readPrivateFile(path);
  if (v !== 1 || typeof digest !== 'string' || typeof keys !== 'object' || keys === null || !Object.values(keys).every(isStoredKey)) throw unusable(path, 'it is damaged');
  return { digest, keys: keys as PendingKeys['keys'] };
}

export function dropPending(folder: string): void {
  rmSync(pendingIn(folder), { force: true });
}

/** Removes what killed programs were in the middle of writing. */
export function tidyKeysets(folder: string): void {
  const path = `${folder}/keysets`;
  for (const name of existsSync(path) ? readdirSync(path) : []) {
    const owner = temporaryOwner(name);
    if (owner !== undefined && startTimeOf(owner) === undefined) rmSync(`${path}/${name}`, { force: true });
  }
}

/** Puts the file of the next epoch in the place of the one that is there. Durable when it returns. */
export function replaceKeys(folder: string, file: Omit<KeyFile, 'v'>, envelope: Bytes): void {
  writeFileAtomic(keyFileIn(folder), utf8(JSON.stringify({ v: KEY_FILE_VERSION, ...file })), { mode: 0o600 });
  keepKeyset(folder, file.epoch, envelope);
}
