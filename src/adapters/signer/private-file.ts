/** A file with private keys: JSON, 0600, its user's own. Another owner, wider mode, link or shape refuses: nothing is signed with doubtful keys. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type Bytes, fromBase64Url } from '../../base/bytes.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import type { Signer } from '../../ports/signer.ts';

/** Base64url. The public half is kept beside the private one: deriving it costs more than a signature. */
export interface StoredKey {
  /** Ed25519 seed, or PKCS#8 of the P-256 key. */
  readonly private: string;
  /** Raw Ed25519 key, or SubjectPublicKeyInfo of the P-256 key. */
  readonly public: string;
}

export function unusable(path: string, why: string, cause?: unknown): CellError {
  return new CellError('signer.unavailable', `Cannot use the keys in ${path}: ${why}`, { facts: { path }, ...(cause === undefined ? {} : { cause }) });
}

export function kidOf(algorithm: Signer['algorithm'], publicKey: Bytes): string {
  return `${algorithm === 'ed25519' ? 'ed25519' : 'p256'}:${sha256Hex(publicKey).slice(0, 16)}`;
}

export function decodeKey(path: string, text: unknown): Bytes {
  const bytes = typeof text === 'string' ? fromBase64Url(text) : undefined;
  if (bytes === undefined) throw unusable(path, 'it is damaged');
  return bytes;
}

export function isStoredKey(value: unknown): value is StoredKey {
  const key = value as Partial<StoredKey> | null | undefined;
  return typeof key?.private === 'string' && typeof key.public === 'string';
}

/** @returns the members of the object in it, unchecked. @throws CellError `signer.unavailable` */
export function readPrivateFile(path: string): Readonly<Record<string, unknown>> {
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
    const value = JSON.parse(readFileSync(fd, 'utf8')) as unknown;
    if (typeof value !== 'object' || value === null) throw unusable(path, 'it is damaged');
    return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) throw unusable(path, 'it is damaged', error);
    throw error;
  } finally {
    closeSync(fd);
  }
}
