/**
 * One keyset: which keys speak for what, inside the reference's signed keyset envelope (reference/02 §6.2), signed by root keys.
 *
 *   Y1  everything that matters stands inside the signed payload, its type included; the members outside, which the reference reads, repeat it;
 *   Y2  one key, one algorithm, one purpose; small-order, non-canonical and repeated keys are refused when they are named;
 *   Y3  an envelope is exactly its canonical form, its signatures in the order of their key ids: there is no second spelling to hide a change in;
 *   Y4  the verifier says how many roots it wants; the payload can only ask for more. Keys are counted, each once, by their bytes;
 *   Y5  every signature has to fit, whether it is counted or not.
 */
import { type Bytes, equalBytes, fromBase64Url, toBase64Url, toHex } from '../../base/bytes.ts';
import { canonicalBytes, compareCodePoints } from '../../base/canonical-json.ts';
import { type Digest, digestOf, isP256PublicKey, verifyEd25519 } from '../../base/crypto.ts';
import { isAdmissiblePoint } from '../../base/ed25519-point.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { parseRfc3339 } from '../../base/rfc3339.ts';
import type { EventSigner } from './envelope.ts';
import { isKeyState, isOver, isRunId, type KeyBound, type KeyState } from './key-validity.ts';
import { PAYLOAD_TYPES } from './keyset-envelope.ts';

export type KeyAlgorithm = 'ed25519' | 'ecdsa-p256-sha256';
export type KeyPurpose = 'root' | 'event' | 'checkpoint' | 'bundle';

/** [Y2] What a key of a purpose signs with. */
export const ALGORITHM_OF: Readonly<Record<KeyPurpose, KeyAlgorithm>> = { root: 'ed25519', event: 'ed25519', checkpoint: 'ed25519', bundle: 'ecdsa-p256-sha256' };

export interface KeysetKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly purpose: KeyPurpose;
  /** Raw 32 bytes, or SubjectPublicKeyInfo in DER for P-256. */
  readonly publicKey: Bytes;
  /** A root key is `active`, always. */
  readonly state: KeyState;
  /** There exactly when the state is `retired` or `compromised`. */
  readonly until?: KeyBound;
}

export interface KeysetContent {
  readonly keysetId: string;
  /** From 1, without a gap. */
  readonly epoch: number;
  /** Digest of the payload of the keyset before; absent in epoch 1 alone. */
  readonly previous?: Digest;
  readonly producedAt: string;
  /** RFC 3339 in UTC: nothing signed later counts, and an audit after it says `stale-trust`. Absent: no end. */
  readonly notAfter?: string;
  /** How many different root keys have to sign. */
  readonly threshold: number;
  /** Those that are not over, the roots among them, and those whose end this keyset tells. */
  readonly keys: readonly KeysetKey[];
}

export interface Keyset extends KeysetContent {
  /** Of the payload: what the next keyset names as `previous`. */
  readonly digest: Digest;
  /** Root keys that signed it and are pinned, in the order of their ids. */
  readonly signers: readonly string[];
}

/** What a verifier relies on. */
export interface RootPin {
  /** kid → raw Ed25519 public key. */
  readonly roots: ReadonlyMap<string, Bytes>;
  /** How many different ones of them have to have signed, whatever a keyset says. */
  readonly threshold: number;
}

/** Version of the payload. That of the envelope around it is the reference's. */
const SCHEMA = '2.0.0';
const ENVELOPE_SCHEMA = '1.0.0';

/** RFC 3339 with the offset of UTC: two of these compare as text, to the second. */
export function isUtcTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|\+00:00)$/.test(text) && parseRfc3339(text) !== undefined;
}

function boundToJson(bound: KeyBound | undefined): JsonObject | undefined {
  if (bound === undefined) return undefined;
  return bound.kind === 'time' ? jsonObject({ time: bound.time }) : jsonObject({ run: bound.run, seq: bound.seq });
}

/** What root keys sign. */
export function keysetPayload(input: KeysetContent): Bytes {
  const { keysetId, epoch, previous, producedAt, notAfter, threshold } = input;
  const keys = input.keys.map(({ kid, algorithm, purpose, publicKey, state, until }) => jsonObject({ kid, algorithm, purpose, publicKey: toBase64Url(publicKey), state, until: boundToJson(until) }));
  return canonicalBytes(jsonObject({ schemaVersion: SCHEMA, payloadType: PAYLOAD_TYPES.keyset, keysetId, epoch, previous, producedAt, notAfter, threshold, keys }));
}

export interface KeysetSigned {
  readonly signerKid: string;
  readonly signature: Bytes;
}

/** @param signatures in any order. @returns the signed envelope, in canonical form */
export function keysetEnvelope(payload: Bytes, { producedAt, previous, threshold }: Pick<KeysetContent, 'producedAt' | 'previous' | 'threshold'>, signatures: readonly KeysetSigned[]): Bytes {
  const sorted = [...signatures].sort((a, b) => compareCodePoints(a.signerKid, b.signerKid));
  return canonicalBytes(
    jsonObject({
      schemaVersion: ENVELOPE_SCHEMA,
      payloadType: PAYLOAD_TYPES.keyset,
      payload: toBase64Url(payload),
      payloadDigest: digestOf(payload),
      producedAt,
      replacesEnvelopeDigest: previous,
      requiredSignerCount: threshold,
      signatures: sorted.map(({ signerKid, signature }) => jsonObject({ signerKid, algorithm: 'ed25519', signature: toBase64Url(signature) })),
    }),
  );
}

/** @param input.signers root keys, in any order. @returns the signed envelope, in canonical form */
export function makeKeyset(input: KeysetContent & { readonly signers: readonly EventSigner[] }): Bytes {
  const payload = keysetPayload(input);
  return keysetEnvelope(payload, input, input.signers.map((signer) => ({ signerKid: signer.kid, signature: signer.sign(payload) })));
}

/**
 * `untrusted`: well formed, but not signed by enough of the pinned roots. `broken-chain`: it does not follow the one before. `rollback`,
 * `fork`: not the history that was seen.
 */
export type KeysetRefusal = 'malformed' | 'untrusted' | 'bad-signature' | 'broken-chain' | 'rollback' | 'fork';

export function refuseTrust(reason: KeysetRefusal, message: string): never {
  throw new CellError('signature.invalid', `Cannot use the keyset: ${message}`, { facts: { reason } });
}

function objectOf(value: JsonValue | undefined, what: string, keys: readonly string[], optional: readonly string[] = []): JsonObject {
  if (!isJsonObject(value)) refuseTrust('malformed', `${what} is not an object`);
  for (const key of Object.keys(value)) if (!keys.includes(key) && !optional.includes(key)) refuseTrust('malformed', `${what} has the unknown member ${key}`);
  for (const key of keys) if (value[key] === undefined) refuseTrust('malformed', `${what} has no ${key}`);
  return value;
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') refuseTrust('malformed', `${key} is not a string`);
  return value;
}

function countOf(object: JsonObject, key: string, from: number): number {
  const value = object[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < from) refuseTrust('malformed', `${key} is not a whole number from ${from}`);
  return value;
}

function timeOf(object: JsonObject, key: string): string {
  const time = textOf(object, key);
  if (!isUtcTime(time)) refuseTrust('malformed', `${key} is not a time in UTC`);
  return time;
}

function bytesOf(object: JsonObject, key: string): Bytes {
  return fromBase64Url(textOf(object, key)) ?? refuseTrust('malformed', `${key} is not base64url`);
}

function boundOf(value: JsonValue): KeyBound {
  if (isJsonObject(value) && value['time'] !== undefined) return { kind: 'time', time: timeOf(objectOf(value, 'until', ['time']), 'time') };
  const object = objectOf(value, 'until', ['run', 'seq']);
  const run = textOf(object, 'run');
  if (!isRunId(run)) refuseTrust('malformed', 'until names no run');
  return { kind: 'run', run, seq: countOf(object, 'seq', 0) };
}

/** Public keys that were found usable already: a point is decompressed once for a whole chain. */
export type Admitted = Set<string>;

function admit(key: { algorithm: KeyAlgorithm; kid: string; publicKey: Bytes }, admitted: Admitted): void {
  const id = `${key.algorithm} ${toHex(key.publicKey)}`;
  if (admitted.has(id)) return;
  if (key.algorithm === 'ed25519' ? !isAdmissiblePoint(key.publicKey) : !isP256PublicKey(key.publicKey)) refuseTrust('malformed', `key ${key.kid} is no usable ${key.algorithm} key`);
  admitted.add(id);
}

function keyOf(item: JsonValue, admitted: Admitted): KeysetKey {
  const object = objectOf(item, 'a key', ['kid', 'algorithm', 'purpose', 'publicKey', 'state'], ['until']);
  const [kid, algorithm, purpose, state] = [textOf(object, 'kid'), textOf(object, 'algorithm'), textOf(object, 'purpose'), textOf(object, 'state')];
  if (!(Object.hasOwn(ALGORITHM_OF, purpose) && ALGORITHM_OF[purpose as KeyPurpose] === algorithm)) refuseTrust('malformed', `key ${kid} is ${algorithm} for ${purpose}`);
  if (!isKeyState(state)) refuseTrust('malformed', `key ${kid} has the unknown state ${state}`);
  if (purpose === 'root' && state !== 'active') refuseTrust('malformed', `root key ${kid} is ${state}`);
  const until = object['until'] === undefined ? undefined : boundOf(object['until']);
  if (isOver(state) !== (until !== undefined)) refuseTrust('malformed', `key ${kid} is ${state} ${until === undefined ? 'from no position on' : 'and has a bound'}`);
  const key = { kid, algorithm: ALGORITHM_OF[purpose as KeyPurpose], purpose: purpose as KeyPurpose, publicKey: bytesOf(object, 'publicKey'), state, ...(until === undefined ? {} : { until }) };
  admit(key, admitted);
  return key;
}

function keysOf(value: JsonValue | undefined, admitted: Admitted): KeysetKey[] {
  if (!isJsonArray(value)) refuseTrust('malformed', 'keys is not a list');
  if (value.length > LIMITS.keysetKeysMax) refuseTrust('malformed', `it has more than ${LIMITS.keysetKeysMax} keys`);
  const seen = new Set<string>();
  return value.map((item) => {
    const key = keyOf(item, admitted);
    const once = [`kid ${key.kid}`, `key ${toHex(key.publicKey)}`];
    if (key.state === 'active' && key.purpose !== 'root') once.push(`an active key for ${key.purpose}`);
    for (const id of once) {
      if (seen.has(id)) refuseTrust('malformed', `${id} stands twice`); // Y2
      seen.add(id);
    }
    return key;
  });
}

/** Reads a payload, whoever signed it. @throws CellError `signature.invalid` with the reason `malformed` | `json.invalid` */
export function parseKeysetPayload(payload: Bytes, admitted: Admitted = new Set()): KeysetContent {
  const value = parseJson(payload);
  if (!equalBytes(canonicalBytes(value), payload)) refuseTrust('malformed', 'the payload is not in canonical form'); // Y3
  const body = objectOf(value, 'the payload', ['schemaVersion', 'payloadType', 'keysetId', 'epoch', 'producedAt', 'threshold', 'keys'], ['previous', 'notAfter']);
  if (textOf(body, 'schemaVersion') !== SCHEMA) refuseTrust('malformed', `its payload is of version ${textOf(body, 'schemaVersion')}, not ${SCHEMA}`);
  if (textOf(body, 'payloadType') !== PAYLOAD_TYPES.keyset) refuseTrust('malformed', 'its payload is not a keyset');
  const epoch = countOf(body, 'epoch', 1);
  const previous = body['previous'] === undefined ? undefined : textOf(body, 'previous');
  if ((epoch === 1) !== (previous === undefined)) refuseTrust('malformed', `epoch ${epoch} ${previous === undefined ? 'does not say what it follows' : 'follows another'}`);
  const keys = keysOf(body['keys'], admitted);
  const threshold = countOf(body, 'threshold', 1);
  if (threshold > keys.filter((key) => key.purpose === 'root').length) refuseTrust('malformed', 'its threshold is above the number of its root keys');
  return {
    keysetId: textOf(body, 'keysetId'),
    epoch,
    ...(previous === undefined ? {} : { previous: previous as Digest }),
    producedAt: timeOf(body, 'producedAt'),
    ...(body['notAfter'] === undefined ? {} : { notAfter: timeOf(body, 'notAfter') }),
    threshold,
    keys,
  };
}

function signaturesOf(value: JsonValue | undefined): KeysetSigned[] {
  if (!isJsonArray(value) || value.length === 0) refuseTrust('malformed', 'it has no signatures');
  const signatures = value.map((item) => {
    const object = objectOf(item, 'a signature', ['signerKid', 'algorithm', 'signature']);
    if (textOf(object, 'algorithm') !== 'ed25519') refuseTrust('malformed', 'a signature is not of Ed25519');
    return { signerKid: textOf(object, 'signerKid'), signature: bytesOf(object, 'signature') };
  });
  for (const [at, { signerKid }] of signatures.entries()) {
    const before = signatures[at - 1];
    if (before !== undefined && compareCodePoints(before.signerKid, signerKid) >= 0) refuseTrust('malformed', 'its signatures are not in the order of their key ids, each once'); // Y3
  }
  return signatures;
}

/** [Y4] [Y5] @returns key ids of the pinned roots that signed */
function signersOf(payload: Bytes, signatures: readonly KeysetSigned[], content: KeysetContent, pin: RootPin): string[] {
  const roots = new Map(content.keys.filter((key) => key.purpose === 'root').map((key) => [key.kid, key.publicKey]));
  const pinned = new Set([...pin.roots.values()].map(toHex));
  const online = content.keys.find((key) => key.purpose !== 'root' && pinned.has(toHex(key.publicKey)));
  if (online !== undefined) refuseTrust('malformed', `key ${online.kid} is for ${online.purpose}, and is pinned as a root`); // Y2
  const signers: string[] = [];
  for (const { signerKid, signature } of signatures) {
    const publicKey = roots.get(signerKid) ?? refuseTrust('malformed', `it is signed by "${signerKid}", which is no root key of it`);
    if (!verifyEd25519({ publicKey, message: payload, signature })) refuseTrust('bad-signature', `the signature of "${signerKid}" does not fit`);
    if (pinned.has(toHex(publicKey))) signers.push(signerKid);
  }
  const required = Math.max(1, pin.threshold, content.threshold);
  if (signers.length < required) refuseTrust('untrusted', `it is signed by ${signatures.map(({ signerKid }) => `"${signerKid}"`).join(', ')}, and ${signers.length} of the trusted root keys; ${required} are needed`);
  return signers;
}

/** @param value one envelope as it was parsed, from a text in canonical form [Y3]. @throws CellError `signature.invalid` with the fact `reason` | `json.invalid` */
export function verifyKeyset(value: JsonValue, pin: RootPin, admitted: Admitted = new Set()): Keyset {
  const envelope = objectOf(value, 'the envelope', ['schemaVersion', 'payloadType', 'payload', 'payloadDigest', 'producedAt', 'requiredSignerCount', 'signatures'], ['replacesEnvelopeDigest']);
  if (textOf(envelope, 'schemaVersion') !== ENVELOPE_SCHEMA) refuseTrust('malformed', `its schema version is not ${ENVELOPE_SCHEMA}`);
  if (textOf(envelope, 'payloadType') !== PAYLOAD_TYPES.keyset) refuseTrust('malformed', 'it is not a keyset');
  const payload = bytesOf(envelope, 'payload');
  const digest = digestOf(payload);
  if (textOf(envelope, 'payloadDigest') !== digest) refuseTrust('malformed', 'the payload is not what its digest says');
  const content = parseKeysetPayload(payload, admitted);
  const { producedAt, previous, threshold } = content;
  // Y1
  if (producedAt !== envelope['producedAt'] || previous !== envelope['replacesEnvelopeDigest'] || threshold !== envelope['requiredSignerCount']) refuseTrust('malformed', 'it says other things outside than inside');
  return { ...content, digest, signers: signersOf(payload, signaturesOf(envelope['signatures']), content, pin) };
}
