/** The root keys of other hosts that this one trusts: one public file beside the keys, in the form of a trust file. */
import { existsSync, readFileSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import { parseTrustFile, trustFileBytes } from '../../core/signing/keyset.ts';
import { writeFileAtomic } from '../os/durable-file.ts';

const fileIn = (folder: string): string => `${folder}/trusted-roots.json`;

/** @throws CellError `document.invalid` | `crypto.key` | `json.invalid`: a damaged file is not an empty one */
export function readTrusted(folder: string): Map<string, Bytes> {
  return existsSync(fileIn(folder)) ? parseTrustFile(readFileSync(fileIn(folder))) : new Map();
}

export function writeTrusted(folder: string, keys: ReadonlyMap<string, Bytes>): void {
  writeFileAtomic(fileIn(folder), trustFileBytes(keys));
}
