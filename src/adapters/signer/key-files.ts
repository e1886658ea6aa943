/**
 * The keys of this host, on disk: made at first use, never shown, never sent.
 *
 *   F1  one file, 0600 in a 0700 folder; another owner, wider mode, link or shape refuses: nothing runs on doubtful keys;
 *   F2  two programs that start at once end up with the same keys: the file is linked into place, and the loser reads the winner's;
 *   F3  one key, one purpose: root signs keysets, event signs events, bundle signs attestations.
 */
import { generateKeyPairSync } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey, p256SigningKey, sha256Hex } from '../../base/crypto.ts';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import type { Random } from '../../ports/clock.ts';
import type { Signer } from '../../ports/signer.ts';
import { privateFolder, writeFileAtomic } from '../os/durable-file.ts';

interface KeyFile {
  readonly v: 1;
  readonly root: StoredKey;
  readonly event: StoredKey;
  readonly bundle: StoredKey;
  /** Base64url: the keyset as made. */
  readonly keyset: string;
}

/** Base64url. The public half is kept beside the private one: deriving it costs more than a signature. */
interface StoredKey {
  /** Ed25519 seed, or PKCS#8 of the P-256 key. */
  readonly private: string;
  /** Raw Ed25519 key, or SubjectPublicKeyInfo of the P-256 key. */
  readonly public: string;
}

export interface HostKeys {
  readonly root: Signer;
  readonly event: Signer;
  readonly bundle: Signer;
  readonly keyset: Bytes;
}

export type KeysetMaker = (keys: { root: Signer; event: Signer; bundle: Signer }) => Bytes;

function unusable(path: string, why: string, cause?: unknown): CellError {
  return new CellError('signer.unavailable', `Cannot use the keys in ${path}: ${why}`, { facts: { path }, ...(cause === undefined ? {} : { cause }) });
}

function signerOf(algorithm: Signer['algorithm'], publicKey: Bytes, load: () => { sign(message: Bytes): Bytes }): Signer {
  let key: { sign(message: Bytes): Bytes } | undefined;
  return {
    kid: `${algorithm === 'ed25519' ? 'ed25519' : 'p256'}:${sha256Hex(publicKey).slice(0, 16)}`,
    algorithm,
    publicKey,
    sign(message) {
      key ??= load();
      return key.sign(message);
    },
  };
}

function readKeyFile(path: string): KeyFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw unusable(path, errnoOf(error) === 'ELOOP' ? 'it is a symlink' : messageOf(error), error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unusable(path, 'it is not a file');
    if (stat.uid !== process.geteuid?.()) throw unusable(path, `it belongs to user ${stat.uid}`);
    if ((stat.mode & 0o077) !== 0) throw unusable(path, `others can read it (mode ${(stat.mode & 0o777).toString(8)}); chmod 600 it, and make new keys if they may be known`);
    const parsed = JSON.parse(readFileSync(fd, 'utf8')) as Partial<KeyFile>;
    const stored = [parsed.root, parsed.event, parsed.bundle].flatMap((key) => [key?.private, key?.public]);
    if (parsed.v !== 1 || [...stored, parsed.keyset].some((text) => typeof text !== 'string')) throw unusable(path, 'it is damaged, or of another version');
    return parsed as KeyFile;
  } catch (error) {
    if (error instanceof SyntaxError) throw unusable(path, 'it is damaged', error);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function decode(path: string, text: string): Bytes {
  const bytes = fromBase64Url(text);
  if (bytes === undefined) throw unusable(path, 'it is damaged');
  return bytes;
}

/** @throws CellError `signer.unavailable` */
function signers(path: string, file: Pick<KeyFile, 'root' | 'event' | 'bundle'>): { root: Signer; event: Signer; bundle: Signer } {
  const load = (stored: StoredKey, algorithm: Signer['algorithm']): Signer =>
    signerOf(algorithm, decode(path, stored.public), () => {
      try {
        return algorithm === 'ed25519' ? ed25519SigningKey(decode(path, stored.private)) : p256SigningKey(decode(path, stored.private));
      } catch (error) {
        throw unusable(path, 'a key in it cannot be loaded', error);
      }
    });
  return { root: load(file.root, 'ed25519'), event: load(file.event, 'ed25519'), bundle: load(file.bundle, 'ecdsa-p256-sha256') };
}

function makeKeyFile(path: string, random: Random, makeKeyset: KeysetMaker): KeyFile {
  const edKey = (): StoredKey => {
    const seed = random.bytes(32);
    return { private: toBase64Url(seed), public: toBase64Url(ed25519SigningKey(seed).publicKey) };
  };
  const pkcs8 = new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' }));
  const keys = { root: edKey(), event: edKey(), bundle: { private: toBase64Url(pkcs8), public: toBase64Url(p256SigningKey(pkcs8).publicKey) } };
  return { v: 1, ...keys, keyset: toBase64Url(makeKeyset(signers(path, keys))) };
}

/** @throws CellError `signer.unavailable` | `state.unusable` */
export function loadOrCreateKeys(folder: string, options: { random: Random; makeKeyset: KeysetMaker }): HostKeys {
  privateFolder(folder);
  const path = `${folder}/keys.json`;
  if (!existsSync(path)) {
    const made = makeKeyFile(path, options.random, options.makeKeyset);
    writeFileAtomic(path, utf8(JSON.stringify(made)), { mode: 0o600, exclusive: true }); // F2: whoever was first has won
  }
  const file = readKeyFile(path);
  return { ...signers(path, file), keyset: decode(path, file.keyset) };
}
