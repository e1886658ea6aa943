/** Whom this host trusts, and the newest keysets it has seen of them: one public file beside the keys, in the form of a trust file. */
import { existsSync, readFileSync } from 'node:fs';
import { CellError, messageOf } from '../../base/errors.ts';
import type { TrustPin } from '../../core/signing/keyset-chain.ts';
import { parseTrustDocument, trustDocument } from '../../core/signing/trust-document.ts';
import { writeFileAtomic } from '../os/durable-file.ts';

const fileIn = (folder: string): string => `${folder}/trusted-roots.json`;

/** @throws CellError `document.invalid` | `crypto.key` | `json.invalid` | `signature.invalid`: a damaged file is not an empty one */
export function readTrusted(folder: string): TrustPin[] {
  return existsSync(fileIn(folder)) ? parseTrustDocument(readFileSync(fileIn(folder))) : [];
}

/** Durable when it returns: what was seen once is never unseen. @throws CellError `state.unusable` */
export function writeTrusted(folder: string, pins: readonly TrustPin[]): void {
  try {
    writeFileAtomic(fileIn(folder), trustDocument(pins));
  } catch (error) {
    throw new CellError('state.unusable', `Cannot remember in ${fileIn(folder)} which keysets were seen: ${messageOf(error)}`, { cause: error });
  }
}
