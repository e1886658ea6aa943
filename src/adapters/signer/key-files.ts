/**
 * The online keys of this host, on disk: never shown, never sent. What a run reads of them.
 *
 *   F1  one file, 0600 in a 0700 folder; another owner, wider mode, link or shape refuses: nothing runs on doubtful keys;
 *   F2  private keys and keysets change in one step, so a run never signs with a key that its keyset does not name;
 *   F3  one key, one purpose: event signs events, checkpoint the heads of logs, bundle attestations. Root keys are in files of their own, which
 *       no run opens and which may lie elsewhere;
 *   F4  `keysets/` has each keyset that was ever made: keys that are older than it were put back, and are refused.
 */
import { existsSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import { ed25519SigningKey, p256SigningKey } from '../../base/crypto.ts';
import { privateFolder } from '../os/durable-file.ts';
import type { Signer } from '../../ports/signer.ts';
import { decodeKey, isStoredKey, kidOf, readPrivateFile, type StoredKey, unusable } from './private-file.ts';

export const KEY_FILE_VERSION = 2;

export interface KeyFile {
  readonly v: typeof KEY_FILE_VERSION;
  /** Of the newest keyset. */
  readonly epoch: number;
  /** How many roots have to sign a keyset. */
  readonly threshold: number;
  /** Public halves of the root keys, base64url. */
  readonly roots: readonly string[];
  /** Purpose → key id of the key that signs. */
  readonly active: { readonly event: string; readonly checkpoint: string; readonly bundle: string };
  /** Key id → key: those that sign and those that wait for it. */
  readonly keys: Readonly<Record<string, StoredKey>>;
  /** Base64url: all keysets, as `keyset.json` of a bundle. */
  readonly keyset: string;
}

export interface PublicHalf {
  readonly kid: string;
  readonly publicKey: Bytes;
}

export interface HostKeys {
  /** The first of the roots. */
  readonly root: PublicHalf;
  readonly roots: readonly PublicHalf[];
  readonly threshold: number;
  readonly event: Signer;
  readonly checkpoint: Signer;
  readonly bundle: Signer;
  /** All keysets, as `keyset.json` of a bundle. */
  readonly keyset: Bytes;
  readonly epoch: number;
}

export const keyFileIn = (folder: string): string => `${folder}/keys.json`;

/** Where the keyset of an epoch is kept. */
export const keysetPath = (folder: string, epoch: number): string => `${folder}/keysets/${String(epoch).padStart(6, '0')}.json`;

export function signerOf(path: string, algorithm: Signer['algorithm'], stored: StoredKey): Signer {
  const publicKey = decodeKey(path, stored.public);
  let key: { sign(message: Bytes): Bytes } | undefined;
  return {
    kid: kidOf(algorithm, publicKey),
    algorithm,
    publicKey,
    sign(message) {
      key ??= loaded(path, algorithm, stored);
      return key.sign(message);
    },
  };
}

function loaded(path: string, algorithm: Signer['algorithm'], stored: StoredKey): { sign(message: Bytes): Bytes } {
  try {
    const bytes = decodeKey(path, stored.private);
    return algorithm === 'ed25519' ? ed25519SigningKey(bytes) : p256SigningKey(bytes);
  } catch (error) {
    throw unusable(path, 'a key in it cannot be loaded', error);
  }
}

function isKeyFile(value: Readonly<Record<string, unknown>>): boolean {
  const { epoch, threshold, roots, active, keys, keyset } = value as Partial<KeyFile>;
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(threshold) || typeof keyset !== 'string' || !Array.isArray(roots) || roots.length === 0) return false;
  if (typeof keys !== 'object' || keys === null || typeof active !== 'object' || active === null) return false;
  return Object.values(keys).every(isStoredKey) && [active.event, active.checkpoint, active.bundle].every((kid) => typeof kid === 'string' && Object.hasOwn(keys, kid));
}

/** @throws CellError `signer.unavailable` [F1] [F4] */
export function readKeyFile(folder: string): KeyFile {
  const path = keyFileIn(folder);
  const value = readPrivateFile(path);
  if (typeof value['v'] === 'number' && value['v'] !== KEY_FILE_VERSION) throw unusable(path, `it is of version ${value['v']}, and this program writes ${KEY_FILE_VERSION}; move it away to get new keys, and give out the new root`);
  if (value['v'] !== KEY_FILE_VERSION || !isKeyFile(value)) throw unusable(path, 'it is damaged, or of another version');
  const file = value as unknown as KeyFile;
  if (existsSync(keysetPath(folder, file.epoch + 1))) throw unusable(path, `it is of keyset epoch ${file.epoch}, and ${keysetPath(folder, file.epoch + 1)} is newer: old keys were put back`);
  return file;
}

/** The keys that are there. @throws CellError `signer.unavailable` | `state.unusable` */
export function readKeys(folder: string): HostKeys {
  privateFolder(folder);
  const path = keyFileIn(folder);
  const file = readKeyFile(folder);
  const roots = file.roots.map((text) => decodeKey(path, text)).map((publicKey) => ({ kid: kidOf('ed25519', publicKey), publicKey }));
  const signer = (purpose: keyof KeyFile['active'], algorithm: Signer['algorithm']): Signer => signerOf(path, algorithm, file.keys[file.active[purpose]] as StoredKey);
  return {
    root: roots[0] as PublicHalf,
    roots,
    threshold: file.threshold,
    event: signer('event', 'ed25519'),
    checkpoint: signer('checkpoint', 'ed25519'),
    bundle: signer('bundle', 'ecdsa-p256-sha256'),
    keyset: decodeKey(path, file.keyset),
    epoch: file.epoch,
  };
}

export function hasKeyFile(folder: string): boolean {
  return existsSync(keyFileIn(folder));
}
