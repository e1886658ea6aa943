/**
 * The keyset of a bundle: which keys speak for what, inside the reference's signed keyset envelope (reference/02 §6.2), signed by a root key.
 *
 *   Y1  everything that matters stands inside the signed payload: the reference signs only that;
 *   Y2  one key, one algorithm, one purpose; small-order and repeated keys are refused;
 *   Y3  the file is exactly its canonical form: there is no second spelling to hide a change in.
 */
import { type Bytes, equalBytes, fromBase64Url, toBase64Url, utf8 } from '../../base/bytes.ts';
import { canonicalBytes } from '../../base/canonical-json.ts';
import { digestOf, verifyEd25519 } from '../../base/crypto.ts';
import { isSmallOrderPoint } from '../../base/ed25519-point.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import type { EventSigner } from './envelope.ts';
import { PAYLOAD_TYPES } from './keyset-envelope.ts';

export type KeyAlgorithm = 'ed25519' | 'ecdsa-p256-sha256';
export type KeyPurpose = 'event' | 'bundle';

export interface KeysetKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly purpose: KeyPurpose;
  readonly publicKey: Bytes;
}

export interface Keyset {
  readonly keysetId: string;
  readonly epoch: number;
  readonly producedAt: string;
  /** RFC 3339 in UTC: nothing signed later counts, and an audit after it says `stale-trust`. Absent: no end. */
  readonly notAfter?: string;
  readonly keys: readonly KeysetKey[];
  readonly rootKid: string;
}

const SCHEMA = '1.0.0';

/** RFC 3339 with the offset of UTC: two of these compare as text, to the second. */
export function isUtcTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|\+00:00)$/.test(text);
}

export function makeKeyset(input: { keysetId: string; epoch: number; producedAt: string; notAfter?: string; keys: readonly KeysetKey[]; root: EventSigner }): Bytes {
  const payload = canonicalBytes(
    jsonObject({
      schemaVersion: SCHEMA,
      keysetId: input.keysetId,
      epoch: input.epoch,
      producedAt: input.producedAt,
      notAfter: input.notAfter,
      keys: input.keys.map(({ kid, algorithm, purpose, publicKey }) => jsonObject({ kid, algorithm, purpose, publicKey: toBase64Url(publicKey) })),
    }),
  );
  return canonicalBytes(
    jsonObject({
      schemaVersion: SCHEMA,
      payloadType: PAYLOAD_TYPES.keyset,
      payload: toBase64Url(payload),
      payloadDigest: digestOf(payload),
      producedAt: input.producedAt,
      signatures: [jsonObject({ signerKid: input.root.kid, algorithm: 'ed25519', signature: toBase64Url(input.root.sign(payload)) })],
    }),
  );
}

/** `untrusted`: well formed, but no root we pin has signed it. */
export type KeysetRefusal = 'malformed' | 'untrusted' | 'bad-signature';

function refuse(reason: KeysetRefusal, message: string): never {
  throw new CellError('signature.invalid', `Cannot use the keyset: ${message}`, { facts: { reason } });
}

function objectOf(value: JsonValue | undefined, keys: readonly string[], what: string, optional?: string): JsonObject {
  if (!isJsonObject(value)) refuse('malformed', `${what} is not an object`);
  for (const key of Object.keys(value)) if (!keys.includes(key) && key !== optional) refuse('malformed', `${what} has the unknown member ${key}`);
  for (const key of keys) if (value[key] === undefined) refuse('malformed', `${what} has no ${key}`);
  return value;
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') refuse('malformed', `${key} is not a string`);
  return value;
}

function canonicalObject(bytes: Bytes, what: string): JsonValue {
  const value = parseJson(bytes);
  if (!equalBytes(canonicalBytes(value), bytes)) refuse('malformed', `${what} is not in canonical form`); // Y3
  return value;
}

function keysOf(value: JsonValue | undefined): KeysetKey[] {
  if (!isJsonArray(value)) refuse('malformed', 'keys is not a list');
  const seen = new Set<string>();
  return value.map((item) => {
    const object = objectOf(item, ['kid', 'algorithm', 'purpose', 'publicKey'], 'a key');
    const [kid, algorithm, purpose] = [textOf(object, 'kid'), textOf(object, 'algorithm'), textOf(object, 'purpose')];
    const publicKey = fromBase64Url(textOf(object, 'publicKey'));
    if (publicKey === undefined) refuse('malformed', `key ${kid} is not base64url`);
    if (!((algorithm === 'ed25519' && purpose === 'event') || (algorithm === 'ecdsa-p256-sha256' && purpose === 'bundle'))) refuse('malformed', `key ${kid} is ${algorithm} for ${purpose}`);
    if (algorithm === 'ed25519' && (publicKey.byteLength !== 32 || isSmallOrderPoint(publicKey))) refuse('malformed', `key ${kid} is no usable Ed25519 key`);
    for (const id of [`kid ${kid}`, `key ${textOf(object, 'publicKey')}`]) {
      if (seen.has(id)) refuse('malformed', `${id} stands twice`); // Y2
      seen.add(id);
    }
    return { kid, algorithm, purpose, publicKey };
  });
}

/** @param roots kid → raw Ed25519 public key the verifier pins. @throws CellError `signature.invalid` | `json.invalid` */
export function verifyKeyset(bytes: Bytes, roots: ReadonlyMap<string, Bytes>): Keyset {
  const envelope = objectOf(canonicalObject(bytes, 'the envelope'), ['schemaVersion', 'payloadType', 'payload', 'payloadDigest', 'producedAt', 'signatures'], 'the envelope');
  if (textOf(envelope, 'schemaVersion') !== SCHEMA) refuse('malformed', 'its schema version is not 1.0.0');
  if (textOf(envelope, 'payloadType') !== PAYLOAD_TYPES.keyset) refuse('malformed', 'it is not a keyset');
  const payload = fromBase64Url(textOf(envelope, 'payload'));
  if (payload === undefined || textOf(envelope, 'payloadDigest') !== digestOf(payload)) refuse('malformed', 'the payload is not what its digest says');
  const signatures = envelope['signatures'];
  if (!isJsonArray(signatures) || signatures.length !== 1) refuse('malformed', 'it has not exactly one signature');
  const signed = objectOf(signatures[0], ['signerKid', 'algorithm', 'signature'], 'the signature');
  const rootKid = textOf(signed, 'signerKid');
  const signature = fromBase64Url(textOf(signed, 'signature'));
  if (textOf(signed, 'algorithm') !== 'ed25519' || signature === undefined) refuse('malformed', 'its signature is malformed');
  const body = objectOf(canonicalObject(payload, 'the payload'), ['schemaVersion', 'keysetId', 'epoch', 'producedAt', 'keys'], 'the payload', 'notAfter');
  const { epoch } = body;
  if (typeof epoch !== 'number' || epoch < 1) refuse('malformed', 'epoch is not a positive integer');
  if (textOf(body, 'producedAt') !== textOf(envelope, 'producedAt')) refuse('malformed', 'producedAt differs inside and outside');
  const notAfter = body['notAfter'] === undefined ? undefined : textOf(body, 'notAfter');
  if (notAfter !== undefined && !isUtcTime(notAfter)) refuse('malformed', 'notAfter is not a time in UTC');
  const keys = keysOf(body['keys']);
  const root = roots.get(rootKid);
  if (root === undefined) refuse('untrusted', `it is signed by "${rootKid}", which is not among the trusted root keys`);
  if (!verifyEd25519({ publicKey: root, message: payload, signature })) refuse('bad-signature', `the signature of "${rootKid}" does not fit`);
  return { keysetId: textOf(body, 'keysetId'), epoch, producedAt: textOf(body, 'producedAt'), ...(notAfter === undefined ? {} : { notAfter }), keys, rootKid };
}

/** A trust file: JSON object kid → base64url Ed25519 public key (reference/02 §6.1). @throws CellError `document.invalid` | `json.invalid` */
export function parseTrustFile(bytes: Bytes): Map<string, Bytes> {
  const value = parseJson(bytes);
  const keys = new Map<string, Bytes>();
  if (!isJsonObject(value)) throw new CellError('document.invalid', 'Cannot read the trust file: it is not an object of key ids and public keys');
  for (const [kid, text] of Object.entries(value)) {
    const key = typeof text === 'string' ? fromBase64Url(text.replace(/=+$/, '')) : undefined;
    if (key === undefined || key.byteLength !== 32) throw new CellError('document.invalid', `Cannot read the trust file: the value of "${kid}" is not a base64url Ed25519 public key`, { facts: { kid } });
    if (isSmallOrderPoint(key)) throw new CellError('crypto.key', `Cannot read the trust file: the key "${kid}" has small order`, { facts: { kid } });
    keys.set(kid, key);
  }
  return keys;
}

export function trustFileBytes(keys: ReadonlyMap<string, Bytes>): Bytes {
  return utf8(`${JSON.stringify(Object.fromEntries([...keys].map(([kid, key]) => [kid, toBase64Url(key)])), undefined, 2)}\n`);
}
