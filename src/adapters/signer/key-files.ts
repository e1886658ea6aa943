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
  /** Base64url: Ed25519 seeds, PKCS#8 of the P-256 key, the keyset as made. */
  readonly root: string;
  readonly event: string;
  readonly bundle: string;
  readonly keyset: string;
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

function edSigner(seed: Bytes): Signer {
  const key = ed25519SigningKey(seed);
  return { kid: `ed25519:${sha256Hex(key.publicKey).slice(0, 16)}`, algorithm: 'ed25519', publicKey: key.publicKey, sign: key.sign };
}

function p256Signer(pkcs8: Bytes): Signer {
  const key = p256SigningKey(pkcs8);
  let kid: string | undefined;
  return {
    get kid() {
      kid ??= `p256:${sha256Hex(key.publicKey).slice(0, 16)}`;
      return kid;
    },
    algorithm: 'ecdsa-p256-sha256',
    get publicKey() {
      return key.publicKey;
    },
    sign: key.sign,
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
    if (parsed.v !== 1 || [parsed.root, parsed.event, parsed.bundle, parsed.keyset].some((text) => typeof text !== 'string')) throw unusable(path, 'it is damaged, or of another version');
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

function makeKeyFile(random: Random, makeKeyset: KeysetMaker): KeyFile {
  const root = random.bytes(32);
  const event = random.bytes(32);
  const bundle = new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' }));
  const keyset = makeKeyset({ root: edSigner(root), event: edSigner(event), bundle: p256Signer(bundle) });
  return { v: 1, root: toBase64Url(root), event: toBase64Url(event), bundle: toBase64Url(bundle), keyset: toBase64Url(keyset) };
}

/** @throws CellError `signer.unavailable` | `state.unusable` */
export function loadOrCreateKeys(folder: string, options: { random: Random; makeKeyset: KeysetMaker }): HostKeys {
  privateFolder(folder);
  const path = `${folder}/keys.json`;
  if (!existsSync(path)) {
    const made = makeKeyFile(options.random, options.makeKeyset);
    writeFileAtomic(path, utf8(JSON.stringify(made)), { mode: 0o600, exclusive: true }); // F2: whoever was first has won
  }
  const file = readKeyFile(path);
  let event: Signer;
  let root: Signer | undefined;
  try {
    event = edSigner(decode(path, file.event));
  } catch (error) {
    throw unusable(path, 'a key in it cannot be loaded', error);
  }
  return {
    event,
    get root() {
      root ??= edSigner(decode(path, file.root));
      return root;
    },
    bundle: p256Signer(decode(path, file.bundle)),
    keyset: decode(path, file.keyset),
  };
}
