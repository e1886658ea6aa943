/**
 * The reference's signed envelope of keysets, ceilings and revocation lists, and chains of them (reference/02 §6.2, §6.3).
 *
 *   T1  `verifyKeysetEnvelope` and `verifyKeysetChain` give the reference's verdict, its checks in its order;
 *   T2  `policy` is what a verifier of ours adds, because none of it is inside the signed bytes: the type it expects, the signers it
 *       demands, and that one public key under two names counts once.
 *
 * LIMIT: nothing but the payload is signed. Threshold, windows, type and links are what whoever holds the file wrote there.
 */
import { type Bytes, fromBase64Url, toHex } from '../../base/bytes.ts';
import { type Digest, digestOf, verifyEd25519 } from '../../base/crypto.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { isJsonArray, isJsonInteger, isJsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseRfc3339 } from '../../base/rfc3339.ts';
import { parseTypedJson } from '../../base/typed-json.ts';

export const PAYLOAD_TYPES = {
  keyset: 'application/vnd.cellos.trust-keyset-v1+json',
  ceiling: 'application/vnd.cellos.authority-ceiling-v1+json',
  revocation: 'application/vnd.cellos.trust-revocation-v1+json',
} as const;
export type PayloadType = (typeof PAYLOAD_TYPES)[keyof typeof PAYLOAD_TYPES];

export interface KeysetSignature {
  readonly signerKid: string;
  readonly algorithm: string;
  readonly signature: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

export interface KeysetEnvelope {
  readonly schemaVersion: string;
  readonly payloadType: string;
  /** Base64url of the signed bytes. */
  readonly payload: string;
  readonly signatures: readonly KeysetSignature[];
  readonly payloadDigest: string;
  readonly producedAt: string;
  readonly replacesEnvelopeDigest?: string;
  readonly requiredSignerCount?: number;
}

/** Why an envelope or a chain was refused: closed, in the order of the checks. */
export type KeysetEnvelopeRefusal =
  | ('payload-type' | 'payload-base64' | 'payload-digest' | 'no-signatures' | 'bad-window' | 'no-signature-verified' | 'too-few-signers')
  | ('empty-chain' | 'chain-envelope' | 'link-missing' | 'link-mismatch')
  | ('not-a-revocation' | 'revocation-shape');

export function refuseKeyset(reason: KeysetEnvelopeRefusal, message: string, cause?: unknown): never {
  throw new CellError('signature.invalid', `Cannot accept a signed trust document: ${message}`, { facts: { reason }, ...(cause === undefined ? {} : { cause }) });
}

function malformed(what: string): never {
  throw new CellError('document.invalid', `Cannot read a signed trust document: ${what}`, { facts: { reason: 'malformed' } });
}

/** A string member of a document of this family. @throws CellError `document.invalid` */
export function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : malformed(`its ${key} is ${value === undefined ? 'missing' : 'not a string'}`);
}

const optionalTextOf = (object: JsonObject, key: string): string | undefined => (object[key] === undefined || object[key] === null ? undefined : textOf(object, key));

function signatureOf(value: JsonValue): KeysetSignature {
  if (!isJsonObject(value)) malformed('a signature is not an object');
  const [notBefore, notAfter] = [optionalTextOf(value, 'notBefore'), optionalTextOf(value, 'notAfter')];
  return {
    signerKid: textOf(value, 'signerKid'),
    algorithm: textOf(value, 'algorithm'),
    signature: textOf(value, 'signature'),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

/** Unknown members are dropped, as the reference drops them. @throws CellError `document.invalid` */
export function parseKeysetEnvelope(value: JsonValue): KeysetEnvelope {
  if (!isJsonObject(value)) malformed('it is not an object');
  const { signatures, requiredSignerCount } = value;
  if (!isJsonArray(signatures)) malformed(`its signatures are ${signatures === undefined ? 'missing' : 'not a list'}`);
  const counted = requiredSignerCount !== undefined && requiredSignerCount !== null;
  if (counted && !(isJsonInteger(requiredSignerCount) && requiredSignerCount >= 0 && requiredSignerCount <= 0xffff_ffff)) malformed('its requiredSignerCount is not an integer within u32');
  const replaces = optionalTextOf(value, 'replacesEnvelopeDigest');
  return {
    schemaVersion: textOf(value, 'schemaVersion'),
    payloadType: textOf(value, 'payloadType'),
    payload: textOf(value, 'payload'),
    signatures: signatures.map(signatureOf),
    payloadDigest: textOf(value, 'payloadDigest'),
    producedAt: textOf(value, 'producedAt'),
    ...(replaces === undefined ? {} : { replacesEnvelopeDigest: replaces }),
    ...(counted ? { requiredSignerCount: Number(requiredSignerCount) } : {}),
  };
}

const MEMBERS = { own: new Set(['schemaVersion', 'payloadType', 'payload', 'signatures', 'payloadDigest', 'producedAt', 'replacesEnvelopeDigest', 'requiredSignerCount']) };

/** @throws CellError `json.invalid` | `document.invalid` */
export function parseKeysetEnvelopeText(input: Bytes | string): KeysetEnvelope {
  return parseKeysetEnvelope(parseTypedJson(input, MEMBERS));
}

export interface KeysetPolicy {
  /** The one payload type that will do. */
  readonly payloadType: PayloadType;
  /** How many different public keys have to have signed, whatever the envelope says. */
  readonly signersMin: number;
}

export interface KeysetVerification {
  readonly payload: Bytes;
  readonly digest: Digest;
  /** Key ids that count, in the order of the signatures. */
  readonly signers: readonly string[];
}

/** @returns whether the signature is in its window; a window that is not a time makes the whole envelope fail, as in the reference */
function inWindow(signature: KeysetSignature, nowNs: bigint): boolean {
  const bound = (text: string, what: string): bigint => parseRfc3339(text) ?? refuseKeyset('bad-window', `${what} "${text}" of "${signature.signerKid}" is not an RFC 3339 time`);
  if (signature.notBefore !== undefined && nowNs < bound(signature.notBefore, 'notBefore')) return false;
  return signature.notAfter === undefined || nowNs <= bound(signature.notAfter, 'notAfter');
}

function isGood(signature: KeysetSignature, publicKey: Bytes, payload: Bytes): boolean {
  const bytes = fromBase64Url(signature.signature.replace(/=+$/, ''));
  return bytes !== undefined && verifyEd25519({ publicKey, message: payload, signature: bytes });
}

/** The signers that count, each once. */
function signersOf(envelope: KeysetEnvelope, context: { keys: ReadonlyMap<string, Bytes>; payload: Bytes; nowNs: bigint; byKey: boolean }): string[] {
  const counted = new Set<string>();
  const signers: string[] = [];
  for (const signature of envelope.signatures) {
    const key = context.keys.get(signature.signerKid);
    if (signature.algorithm !== 'ed25519' || key === undefined || signers.includes(signature.signerKid)) continue;
    if (context.byKey && counted.has(toHex(key))) continue; // T2
    if (!inWindow(signature, context.nowNs) || !isGood(signature, key, context.payload)) continue;
    counted.add(toHex(key));
    signers.push(signature.signerKid);
  }
  return signers;
}

export interface KeysetVerifier {
  /** kid → raw Ed25519 public key the verifier pins. */
  readonly keys: ReadonlyMap<string, Bytes>;
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly nowNs: bigint;
  readonly policy?: KeysetPolicy;
}

/** @throws CellError `signature.invalid` with the fact `reason` */
export function verifyKeysetEnvelope(envelope: KeysetEnvelope, verifier: KeysetVerifier): KeysetVerification {
  const { policy } = verifier;
  const accepted: readonly string[] = policy === undefined ? Object.values(PAYLOAD_TYPES) : [policy.payloadType];
  if (!accepted.includes(envelope.payloadType)) refuseKeyset('payload-type', `its payload type "${envelope.payloadType}" is not ${accepted.join(' or ')}`);
  const payload = fromBase64Url(envelope.payload.replace(/=+$/, ''));
  if (payload === undefined) refuseKeyset('payload-base64', 'its payload is not base64url');
  const digest = digestOf(payload);
  if (digest !== envelope.payloadDigest) refuseKeyset('payload-digest', `its payload has the digest ${digest}, and it declares ${envelope.payloadDigest}`);
  if (envelope.signatures.length === 0) refuseKeyset('no-signatures', 'it has no signatures');
  const required = Math.max(1, envelope.requiredSignerCount ?? 1, policy?.signersMin ?? 1);
  const signers = signersOf(envelope, { keys: verifier.keys, payload, nowNs: verifier.nowNs, byKey: policy !== undefined });
  if (signers.length < required) {
    if (required === 1) refuseKeyset('no-signature-verified', 'none of its signatures is a valid one of a key we trust');
    refuseKeyset('too-few-signers', `${signers.length} signers count, ${required} are needed`);
  }
  return { payload, digest, signers };
}

/**
 * Oldest first. Every envelope is verified with the same keys and the same time, each has to name the payload before it.
 *
 * @returns the verification of the head. @throws CellError `signature.invalid`
 */
export function verifyKeysetChain(chain: readonly KeysetEnvelope[], verifier: KeysetVerifier): KeysetVerification {
  let head: KeysetVerification | undefined;
  for (const [index, envelope] of chain.entries()) {
    let next: KeysetVerification;
    try {
      next = verifyKeysetEnvelope(envelope, verifier);
    } catch (error) {
      refuseKeyset('chain-envelope', `envelope ${index} of the chain does not verify: ${messageOf(error)}`, error);
    }
    if (head !== undefined) {
      const declared = envelope.replacesEnvelopeDigest;
      if (declared === undefined) refuseKeyset('link-missing', `envelope ${index} of the chain does not say which one it replaces`);
      if (declared !== head.digest) refuseKeyset('link-mismatch', `envelope ${index} of the chain replaces ${declared}, and the one before it is ${head.digest}`);
    }
    head = next;
  }
  return head ?? refuseKeyset('empty-chain', 'the chain is empty');
}

export interface Revocations {
  /** Rises with every list. The reference never compares it: whoever keeps lists has to refuse a lower one. */
  readonly epoch: bigint;
  readonly kids: ReadonlySet<string>;
}

/** @throws CellError `signature.invalid` */
export function verifyRevocations(envelope: KeysetEnvelope, verifier: KeysetVerifier): Revocations {
  const { payload } = verifyKeysetEnvelope(envelope, verifier);
  if (envelope.payloadType !== PAYLOAD_TYPES.revocation) refuseKeyset('not-a-revocation', `its payload type is ${envelope.payloadType}, not the one of a revocation list`);
  try {
    const list = parseTypedJson(payload, { own: new Set(['schemaVersion', 'revocationEpoch', 'revocations']) });
    if (!isJsonObject(list)) malformed('the list is not an object');
    textOf(list, 'schemaVersion');
    const { revocationEpoch: epoch, revocations } = list;
    if (!isJsonInteger(epoch) || epoch < 0) malformed('its revocationEpoch is not an integer within u64');
    if (!isJsonArray(revocations)) malformed('its revocations are not a list');
    const kids = revocations.map((entry) => {
      if (!isJsonObject(entry)) malformed('a revocation is not an object');
      for (const key of ['revokedAt', 'reason']) textOf(entry, key);
      return textOf(entry, 'kid');
    });
    return { epoch: BigInt(epoch), kids: new Set(kids) };
  } catch (error) {
    refuseKeyset('revocation-shape', `its payload is not a revocation list: ${messageOf(error)}`, error);
  }
}
