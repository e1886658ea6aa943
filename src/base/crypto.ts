/**
 * Hashes, signatures and MACs: the only door to `node:crypto` outside `adapters/signer` and `adapters/os/random`.
 *
 *   C1  Ed25519 verification is strict: A or R of small order or with y >= p, and S >= L, are refused (reference/02 §5.2);
 *   C2  keys are imported once and cached by their bytes: importing costs ten signatures;
 *   C3  an ECDSA signature has one form, strict DER with low s: what is signed cannot be given a second valid spelling.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type Hash,
  hash as nodeHash,
  type KeyObject,
  sign as nodeSign,
  timingSafeEqual,
  verify as nodeVerify,
} from 'node:crypto';
import { type Bytes, toHex } from './bytes.ts';
import { decodeDerSignature, encodeDerSignature, withLowS } from './ecdsa-der.ts';
import { isCanonicalPoint, isSmallOrderPoint } from './ed25519-point.ts';
import { CellError } from './errors.ts';

export function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(nodeHash('sha256', bytes, 'buffer'));
}

/** Writes the 32 bytes of the digest to `into` from `at` on. Half the time of `sha256` for a kilobyte: the digest gets no memory of its own. */
export function sha256Into(into: Bytes, at: number, bytes: Bytes): void {
  const digest = nodeHash('sha256', bytes, 'binary'); // a character a byte
  for (let i = 0; i < digest.length; i += 1) into[at + i] = digest.charCodeAt(i);
}

export function sha256Hex(bytes: Bytes): string {
  return nodeHash('sha256', bytes, 'hex');
}

/** `sha256:` and 64 lowercase hex digits. */
export type Digest = `sha256:${string}`;

export function digestOf(bytes: Bytes): Digest {
  return `sha256:${sha256Hex(bytes)}`;
}

/** Of the text in UTF-8. */
export function digestOfText(text: string): Digest {
  return `sha256:${nodeHash('sha256', text, 'hex')}`;
}

export interface StreamingHash {
  update(bytes: Bytes): void;
  digest(): Digest;
}

export function sha256Stream(): StreamingHash {
  // Made when there is something to hash: most streams of most runs are empty.
  let hash: Hash | undefined;
  return {
    update(bytes) {
      if (bytes.byteLength === 0) return;
      hash ??= createHash('sha256');
      hash.update(bytes);
    },
    digest: () => (hash === undefined ? digestOf(new Uint8Array(0)) : `sha256:${hash.digest('hex')}`),
  };
}

export function hmacSha256(key: Bytes, message: Bytes): Bytes {
  return new Uint8Array(createHmac('sha256', key).update(message).digest());
}

/** Constant-time for equal lengths. */
export function constantTimeEqual(a: Bytes, b: Bytes): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

const PKCS8_ED25519 = Uint8Array.from([0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]);
const SPKI_ED25519 = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

function wrap(prefix: Bytes, key: Bytes): Buffer {
  return Buffer.concat([prefix, key]);
}

/** An Ed25519 private key ready for use. Opaque: nothing outside this file sees the handle. */
export interface Ed25519SigningKey {
  readonly publicKey: Bytes;
  sign(message: Bytes): Bytes;
}

/** @param seed 32 bytes (RFC 8032 §5.1.5). @throws CellError `crypto.key` on another length. */
export function ed25519SigningKey(seed: Bytes): Ed25519SigningKey {
  if (seed.byteLength !== 32) {
    throw new CellError('crypto.key', `Cannot load Ed25519 seed: it has ${seed.byteLength} bytes, not 32`, { facts: { length: seed.byteLength } });
  }
  const key = createPrivateKey({ key: wrap(PKCS8_ED25519, seed), format: 'der', type: 'pkcs8' });
  let publicKey: Bytes | undefined;
  return {
    get publicKey() {
      publicKey ??= new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
      return publicKey;
    },
    sign: (message) => new Uint8Array(nodeSign(null, message, key)),
  };
}

const KEY_CACHE_MAX = 256;
const publicKeys = new Map<string, KeyObject>();

function importPublic(publicKey: Bytes): KeyObject {
  const id = toHex(publicKey);
  const cached = publicKeys.get(id);
  if (cached !== undefined) return cached;
  const key = createPublicKey({ key: wrap(SPKI_ED25519, publicKey), format: 'der', type: 'spki' });
  if (publicKeys.size >= KEY_CACHE_MAX) publicKeys.clear();
  publicKeys.set(id, key);
  return key;
}

/** Strict verification [C1]. @returns false on any malformed input, never throws. */
export function verifyEd25519(input: { publicKey: Bytes; message: Bytes; signature: Bytes }): boolean {
  const { publicKey, message, signature } = input;
  for (const bytes of [publicKey, message, signature]) if (!(bytes instanceof Uint8Array)) return false;
  if (publicKey.byteLength !== 32 || signature.byteLength !== 64) return false;
  for (const point of [publicKey, signature.subarray(0, 32)]) if (isSmallOrderPoint(point) || !isCanonicalPoint(point)) return false;
  try {
    return nodeVerify(null, message, importPublic(publicKey), signature); // OpenSSL refuses S >= L and compares R by its bytes
  } catch {
    return false;
  }
}

/** An ECDSA P-256 private key (PKCS#8 DER); signatures are over SHA-256, in the one form of ecdsa-der.ts. */
export interface P256SigningKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Bytes;
  sign(message: Bytes): Bytes;
}

export function p256SigningKey(pkcs8: Bytes): P256SigningKey {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CellError('crypto.key', 'Cannot load bundle key: it is not an ECDSA P-256 key');
  }
  let publicKey: Bytes | undefined;
  return {
    get publicKey() {
      publicKey ??= new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
      return publicKey;
    },
    sign: (message) => encodeDerSignature(withLowS(new Uint8Array(nodeSign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })))),
  };
}

/** Is this the SubjectPublicKeyInfo, in the DER that everybody writes, of an uncompressed point of P-256? */
export function isP256PublicKey(spki: Bytes): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' && key.export({ format: 'der', type: 'spki' }).equals(spki) && spki.byteLength === 91;
  } catch {
    return false;
  }
}

/** @param publicKey SubjectPublicKeyInfo, DER. @returns false on any malformed input, and on any form but the one of ecdsa-der.ts [C3] */
export function verifyP256(input: { publicKey: Bytes; message: Bytes; signature: Bytes }): boolean {
  const rs = decodeDerSignature(input.signature);
  if (rs === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(input.publicKey), format: 'der', type: 'spki' });
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
    return nodeVerify('sha256', input.message, { key, dsaEncoding: 'ieee-p1363' }, rs);
  } catch {
    return false;
  }
}
