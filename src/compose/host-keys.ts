/** The keys of this host, and the root keys of others that it trusts. Loads nothing that could start a cell. */
import { existsSync, readFileSync } from 'node:fs';
import { systemClock } from '../adapters/os/clock.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { type HostKeys, loadOrCreateKeys } from '../adapters/signer/key-files.ts';
import { readTrusted, writeTrusted } from '../adapters/signer/trust-store.ts';
import { writeFileAtomic } from '../adapters/os/durable-file.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, equalBytes } from '../base/bytes.ts';
import { CellError, messageOf } from '../base/errors.ts';
import { makeKeyset, parseTrustFile } from '../core/signing/keyset.ts';

export function openKeys(state: StateFolder): HostKeys {
  return loadOrCreateKeys(state.keys, {
    random: systemRandom,
    makeKeyset: ({ root, event, bundle }) =>
      makeKeyset({
        keysetId: `host:${root.kid}`,
        epoch: 1,
        producedAt: systemClock.nowRfc3339(),
        keys: [
          { kid: event.kid, algorithm: 'ed25519', purpose: 'event', publicKey: event.publicKey },
          { kid: bundle.kid, algorithm: 'ecdsa-p256-sha256', purpose: 'bundle', publicKey: bundle.publicKey },
        ],
        root,
      }),
  });
}

export function hasKeys(state: StateFolder): boolean {
  return existsSync(`${state.keys}/keys.json`);
}

/** kid → root key of other hosts, as given with `cellos keys trust`. @throws CellError `document.invalid` */
export function trustedKeys(state: StateFolder): Map<string, Bytes> {
  return readTrusted(state.path);
}

/** @throws CellError `usage.invalid` when it cannot be read | `document.invalid` | `crypto.key` */
export function trustFileAt(path: string): Map<string, Bytes> {
  let bytes: Bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CellError('usage.invalid', `Cannot read the trust file ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
  return parseTrustFile(bytes);
}

/** Adds root keys to the trusted ones. @returns the kids that were new. @throws CellError `document.invalid` for another key under a known kid */
export function trustKeys(state: StateFolder, added: ReadonlyMap<string, Bytes>): string[] {
  const keys = trustedKeys(state);
  const fresh: string[] = [];
  for (const [kid, key] of added) {
    const known = keys.get(kid);
    if (known !== undefined && !equalBytes(known, key)) throw new CellError('document.invalid', `Cannot trust "${kid}": another key of that name is trusted already; cellos keys untrust ${kid} takes it away`, { facts: { kid } });
    if (known === undefined) fresh.push(kid);
    keys.set(kid, key);
  }
  if (fresh.length > 0) writeTrusted(state.path, keys);
  return fresh;
}

/** @returns false when it was not trusted */
export function untrustKey(state: StateFolder, kid: string): boolean {
  const keys = trustedKeys(state);
  const known = keys.delete(kid);
  if (known) writeTrusted(state.path, keys);
  return known;
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
