/**
 * DSSE envelopes (secure-systems-lab/dsse, protocol and envelope 1.0): signatures over a payload and what it is. Pure.
 *
 *   S1  what is signed says the type of the payload and both lengths, so that no payload passes as one of another type;
 *   S2  a key id is nobody's word: it says which key to try first, and decides nothing;
 *   S3  signatures are counted by key, and keys by their bytes: one key never counts twice, whatever it is called;
 *   S4  the payload is handed out after enough keys have signed it, never before.
 *
 * LIMIT: a DSSE signature has several spellings (base64 of two alphabets, ECDSA of two forms and signs). Where an envelope has to be one string of
 * bytes, as the attestation of a bundle has, its reader says so (evidence/bundle.ts).
 */
import { type Bytes, concatBytes, fromBase64Url, toHex, utf8 } from '../../base/bytes.ts';
import { verifyEd25519, verifyP256 } from '../../base/crypto.ts';
import { decodeDerSignature, encodeDerSignature, withLowS } from '../../base/ecdsa-der.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';

/** Pre-authentication encoding: what is signed [S1]. */
export function preAuthEncoding(payloadType: string, payload: Bytes): Bytes {
  const type = utf8(payloadType);
  return concatBytes([utf8(`DSSEv1 ${type.byteLength} `), type, utf8(` ${payload.byteLength} `), payload]);
}

export interface DsseKey {
  /** What envelopes may call it. */
  readonly keyid?: string;
  /** Default `ed25519`. */
  readonly algorithm?: 'ed25519' | 'ecdsa-p256-sha256';
  /** Raw 32 bytes of Ed25519; SubjectPublicKeyInfo in DER of P-256. */
  readonly publicKey: Bytes;
}

export interface DsseVerifiers {
  /** 1..32. */
  readonly keys: readonly DsseKey[];
  /** How many different keys have to have signed, from 1; default 1. */
  readonly threshold?: number;
  /** Types that are taken. Without it any is, but the empty one, and the caller looks at `payloadType`. */
  readonly payloadTypes?: readonly string[];
}

export interface VerifiedDsse {
  readonly payloadType: string;
  readonly payload: Bytes;
  /** Those that signed, each once, in the order of the signatures. */
  readonly keys: readonly DsseKey[];
}

/** Why an envelope was refused: closed. */
export type DsseRefusal = 'malformed' | 'payload-type' | 'untrusted';

function refuse(reason: DsseRefusal, why: string): never {
  throw new CellError('signature.invalid', `Cannot accept a DSSE envelope: ${why}`, { facts: { reason } });
}

/** Base64 of either alphabet, padded wholly or not at all, without loose bits. @returns undefined for anything else, a mixture of alphabets too */
function fromAnyBase64(text: string): Bytes | undefined {
  if (/[-_]/.test(text) && /[+/]/.test(text)) return undefined;
  const padded = /={1,2}$/.test(text);
  if (padded && text.length % 4 !== 0) return undefined;
  return fromBase64Url(text.replace(/={1,2}$/, '').replaceAll('+', '-').replaceAll('/', '_'));
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key] ?? ''; // "Empty fields may be omitted" (DSSE envelope)
  return typeof value === 'string' && value.isWellFormed() ? value : refuse('malformed', `its ${key} is not a text`);
}

function bytesOf(object: JsonObject, key: string): Bytes {
  return fromAnyBase64(textOf(object, key)) ?? refuse('malformed', `its ${key} is not base64`);
}

interface Envelope {
  readonly payloadType: string;
  readonly payload: Bytes;
  readonly signatures: readonly { readonly keyid: string; readonly sig: Bytes }[];
}

function readEnvelope(value: JsonValue): Envelope {
  if (!isJsonObject(value)) refuse('malformed', 'it is not an object');
  const { signatures } = value;
  if (!isJsonArray(signatures) || signatures.length === 0) refuse('malformed', 'it has no signatures');
  if (signatures.length > LIMITS.dsseSignaturesMax) refuse('malformed', `it has more than ${LIMITS.dsseSignaturesMax} signatures`);
  return {
    payloadType: textOf(value, 'payloadType'),
    payload: bytesOf(value, 'payload'),
    signatures: signatures.map((item) => (isJsonObject(item) ? { keyid: textOf(item, 'keyid'), sig: bytesOf(item, 'sig') } : refuse('malformed', 'a signature is not an object'))),
  };
}

/** ECDSA signatures of others come in DER or as r ‖ s, and with either of s and n − s: all are brought to the one form that is verified. */
function oneForm(signature: Bytes): Bytes {
  const rs = decodeDerSignature(signature, { lowS: false }) ?? (signature.byteLength === 64 ? signature : undefined);
  return rs === undefined ? signature : encodeDerSignature(withLowS(rs));
}

function fits({ algorithm, publicKey }: DsseKey, message: Bytes, sig: Bytes): boolean {
  return algorithm === 'ecdsa-p256-sha256' ? verifyP256({ publicKey, message, signature: oneForm(sig) }) : verifyEd25519({ publicKey, message, signature: sig });
}

/** Keys by their bytes, and how many are needed [S3]. */
function checkVerifiers({ keys, threshold = 1 }: DsseVerifiers): { distinct: ReadonlyMap<string, DsseKey>; needed: number } {
  const wrong = (why: string): never => {
    throw new CellError('crypto.key', `Cannot verify a DSSE envelope: ${why}`);
  };
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > LIMITS.dsseSignaturesMax) wrong(`it takes 1 to ${LIMITS.dsseSignaturesMax} keys`);
  const distinct = new Map<string, DsseKey>();
  for (const key of keys) {
    const { algorithm = 'ed25519', publicKey } = key;
    if (!(publicKey instanceof Uint8Array) || (algorithm !== 'ed25519' && algorithm !== 'ecdsa-p256-sha256')) wrong('a key has no bytes, or is neither of ed25519 nor of ecdsa-p256-sha256');
    const id = `${algorithm} ${toHex(publicKey)}`;
    if (!distinct.has(id)) distinct.set(id, key);
  }
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > distinct.size) wrong(`a threshold of ${threshold} cannot be met by ${distinct.size} different keys`);
  return { distinct, needed: threshold };
}

/**
 * Verifies an envelope [S1] [S2] [S3] [S4]. A signature that fits no key is passed over, as the protocol has it.
 *
 * @param envelope its JSON, or what was parsed from it; members that DSSE does not know are not looked at
 * @param verifiers keys, threshold and types; a bare list of keys asks for one of them
 * @throws CellError `signature.invalid` with the fact `reason` ({@link DsseRefusal}) | `json.invalid`; `crypto.key` for verifiers that nothing could satisfy
 */
export function verifyDsse(envelope: Bytes | string | JsonObject, verifiers: DsseVerifiers | readonly DsseKey[]): VerifiedDsse {
  const asked: DsseVerifiers = Array.isArray(verifiers) ? { keys: verifiers as readonly DsseKey[] } : (verifiers as DsseVerifiers);
  const { distinct, needed } = checkVerifiers(asked);
  const parsed = readEnvelope(typeof envelope === 'string' || envelope instanceof Uint8Array ? parseJson(envelope) : envelope);
  const { payloadType, payload, signatures } = parsed;
  if (payloadType === '' || asked.payloadTypes?.includes(payloadType) === false) refuse('payload-type', `its payload is of the type "${payloadType}", which is not taken here`);
  const message = preAuthEncoding(payloadType, payload);
  const waiting = new Map(distinct);
  const signed: DsseKey[] = [];
  for (const { keyid, sig } of signatures) {
    const likely = [...waiting].sort(([, a], [, b]) => Number(b.keyid === keyid) - Number(a.keyid === keyid)); // S2
    const found = likely.find(([, key]) => fits(key, message, sig));
    if (found === undefined) continue;
    waiting.delete(found[0]); // S3
    signed.push(found[1]);
  }
  if (signed.length < needed) refuse('untrusted', `${signed.length} of the ${distinct.size} known keys have signed it, and ${needed} are needed`);
  return { payloadType, payload, keys: signed };
}
