/**
 * Signed event envelopes of the reference (reference/02 §5): the signature covers the canonical bytes of the event alone.
 *
 *   V1  the algorithm is the one the key was given for: a sender does not choose it;
 *   V2  checks run in the reference's order, so that the first refusal is the same rule.
 */
import { fromBase64Url, toBase64Url, utf8, type Bytes } from '../../base/bytes.ts';
import { constantTimeEqual, hmacSha256, verifyEd25519 } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { canonicalEventText, eventToJson, parseCloudEvent } from '../events/envelope-codec.ts';
import type { CloudEvent, SignedEventEnvelope } from '../events/envelope.ts';

/** Anything that signs with one Ed25519 key. */
export interface EventSigner {
  readonly kid: string;
  sign(message: Bytes): Bytes;
}

export function signEvent(event: CloudEvent, signer: EventSigner): SignedEventEnvelope {
  return { event, signerKid: signer.kid, algorithm: 'ed25519', signature: toBase64Url(signer.sign(utf8(canonicalEventText(event)))) };
}

export function signEventHmac(event: CloudEvent, key: { kid: string; key: Bytes }): SignedEventEnvelope {
  return { event, signerKid: key.kid, algorithm: 'hmac-sha256', signature: toBase64Url(hmacSha256(key.key, utf8(canonicalEventText(event)))) };
}

export function envelopeToJson(envelope: SignedEventEnvelope): JsonObject {
  const { event, signerKid, algorithm, signature, notBefore, notAfter } = envelope;
  return jsonObject({ event: eventToJson(event), signerKid, algorithm, signature, notBefore, notAfter });
}

/** @throws CellError `event.invalid` */
export function parseEnvelope(value: JsonValue): SignedEventEnvelope {
  if (!isJsonObject(value)) throw new CellError('event.invalid', 'Cannot read a signed envelope: it is not an object');
  const text = (key: string): string => {
    const member = value[key];
    if (typeof member !== 'string') throw new CellError('event.invalid', `Cannot read a signed envelope: its ${key} is ${member === undefined ? 'missing' : 'not a string'}`, { facts: { key } });
    return member;
  };
  const optional = (key: string): string | undefined => (value[key] === undefined || value[key] === null ? undefined : text(key));
  const notBefore = optional('notBefore');
  const notAfter = optional('notAfter');
  return {
    event: parseCloudEvent(value['event'] ?? null),
    signerKid: text('signerKid'),
    algorithm: text('algorithm'),
    signature: text('signature'),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

/** Why an envelope was refused: closed, in the order of the checks. */
export type EnvelopeRefusal = 'revoked-kid' | 'bad-base64' | 'unknown-algorithm' | 'unknown-kid' | 'bad-length' | 'bad-signature' | 'outside-validity';

function refuse(reason: EnvelopeRefusal, message: string, kid: string): never {
  throw new CellError('signature.invalid', `Cannot accept a signed event: ${message}`, { facts: { reason, kid } });
}

export interface EnvelopeKeys {
  readonly ed25519: ReadonlyMap<string, Bytes>;
  readonly hmac?: ReadonlyMap<string, Bytes>;
  readonly revokedKids?: ReadonlySet<string>;
}

/** @returns the event. @throws CellError `signature.invalid` with fact `reason` */
export function verifyEnvelope(envelope: SignedEventEnvelope, keys: EnvelopeKeys): CloudEvent {
  const { signerKid: kid, algorithm } = envelope;
  if (keys.revokedKids?.has(kid)) refuse('revoked-kid', `key "${kid}" is revoked`, kid);
  const message = utf8(canonicalEventText(envelope.event));
  const signature = fromBase64Url(envelope.signature.replace(/=+$/, ''));
  if (signature === undefined) refuse('bad-base64', 'the signature is not base64url', kid);
  if (algorithm !== 'ed25519' && algorithm !== 'hmac-sha256') refuse('unknown-algorithm', `algorithm "${algorithm}" is neither ed25519 nor hmac-sha256`, kid);
  const key = algorithm === 'ed25519' ? keys.ed25519.get(kid) : keys.hmac?.get(kid);
  if (key === undefined) refuse('unknown-kid', `no ${algorithm} key is named "${kid}"`, kid);
  const length = algorithm === 'ed25519' ? 64 : 32;
  if (signature.byteLength !== length) refuse('bad-length', `the signature has ${signature.byteLength} bytes, not ${length}`, kid);
  const good = algorithm === 'ed25519' ? verifyEd25519({ publicKey: key, message, signature }) : constantTimeEqual(hmacSha256(key, message), signature);
  if (!good) refuse('bad-signature', `the signature of "${kid}" does not fit the event`, kid);
  return envelope.event;
}
