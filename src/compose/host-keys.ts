/** The keys of this host, and the root keys of others that it trusts. Loads nothing that could start a cell. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { withLock } from '../adapters/os/named-lock.ts';
import { writeFileAtomic } from '../adapters/os/durable-file.ts';
import { hasKeyFile, type HostKeys, readKeys } from '../adapters/signer/key-files.ts';
import { readTrusted, writeTrusted } from '../adapters/signer/trust-store.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, utf8 } from '../base/bytes.ts';
import { sha256Hex } from '../base/crypto.ts';
import { CellError, messageOf } from '../base/errors.ts';
import { isJsonArray } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import { type TrustPin, verifyHistory } from '../core/signing/keyset-chain.ts';
import { mergePins, parseTrustDocument, withoutRoot } from '../core/signing/trust-document.ts';
import { parsedFile } from './evidence.ts';
import { initKeys } from './first-keys.ts';

/** The keys of this host; made when there are none, with one root key beside them. @throws CellError `signer.unavailable` | `state.unusable` */
export function openKeys(state: StateFolder): HostKeys {
  if (!hasKeys(state)) initKeys(state, { roots: 1, threshold: 1 });
  return readKeys(state.keys);
}

export function hasKeys(state: StateFolder): boolean {
  return hasKeyFile(state.keys);
}

/** What this host gives to auditors: its roots, and every keyset so far. */
export function hostPin(state: StateFolder): TrustPin {
  const { roots, threshold, keyset } = openKeys(state);
  const chain = parseJson(keyset);
  const pin = { roots: new Map(roots.map(({ kid, publicKey }) => [kid, publicKey])), threshold };
  return { ...pin, known: verifyHistory(chain, pin), chain: isJsonArray(chain) ? chain : [] };
}

/** Pins of other hosts, as given with `cellos keys trust`, each with the newest keysets seen of it. @param folder the state folder, which need not exist. @throws CellError `document.invalid` */
export function trustedPins(folder: string): TrustPin[] {
  return readTrusted(folder);
}

/** @throws CellError `usage.invalid` when it cannot be read | `document.invalid` | `crypto.key` | `signature.invalid` */
export const trustFileAt = (path: string): TrustPin[] => parsedFile(path, 'the trust file', parseTrustDocument);

/** A lock on one folder. */
export function lockName(what: 'keys' | 'trust', folder: string): string {
  return `${what}/${sha256Hex(utf8(resolve(folder))).slice(0, 32)}`;
}

/** Reads, changes and writes what is trusted: what another program learned in between is not lost. */
function changeTrusted<T>(folder: string, work: (pins: readonly TrustPin[]) => { readonly pins: readonly TrustPin[]; readonly result: T }): Promise<T> {
  return withLock(lockName('trust', folder), { looks: 250, what: `what is trusted in ${folder}` }, () => {
    const { pins, result } = work(trustedPins(folder));
    writeTrusted(folder, pins);
    return result;
  });
}

/** Adds to what is trusted, and remembers newer keysets. @returns the kids that were new. @throws CellError `document.invalid` for another key under a known kid | `signature.invalid` for an older or another history */
export function trustPins(folder: string, added: readonly TrustPin[]): Promise<readonly string[]> {
  return changeTrusted(folder, (known) => {
    const { pins, fresh } = mergePins(known, added);
    return { pins, result: fresh };
  });
}

/** @returns false when it was not trusted */
export function untrustKey(folder: string, kid: string): Promise<boolean> {
  return changeTrusted(folder, (pins) => ({ pins: withoutRoot(pins, kid), result: pins.some((pin) => pin.roots.has(kid)) }));
}

/** Public bytes that somebody brought. @throws CellError `usage.invalid` when they cannot be read */
export function publicFileAt(path: string): Bytes {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CellError('usage.invalid', `Cannot read ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
}

/** Writes public bytes to a new file. @throws CellError `usage.invalid` when it is there already */
export function writePublicFile(path: string, bytes: Bytes): void {
  let written: boolean;
  try {
    written = writeFileAtomic(path, bytes, { mode: 0o644, exclusive: true });
  } catch (error) {
    throw new CellError('usage.invalid', `Cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (!written) throw new CellError('usage.invalid', `Cannot write ${path}: it exists already`);
}
