/**
 * Signed event envelopes of the reference (reference/02 §5): the signature covers the canonical bytes of the event alone.
 *
 *   V1  checks run in the reference's order, so that the first refusal is the same rule;
 *   V2  an event is made canonical once to sign it, once to verify it.
 *
 * LIMIT: kid, algorithm and validity of an envelope are not covered by its signature (reference/02 §5.2).
 */
import { fromBase64Url, toBase64Url, utf8, type Bytes } from '../../base/bytes.ts';
import { stringText } from '../../base/canonical-json.ts';
import { constantTimeEqual, hmacSha256, verifyEd25519 } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseRfc3339 } from '../../base/rfc3339.ts';
import { EVENTS } from '../events/catalogue.ts';
import { canonicalEventText, eventText, eventToJson, parseCloudEvent } from '../events/envelope-codec.ts';
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

/** As it travels: members in declaration order, the event as {@link eventText} writes it. */
export function envelopeText(envelope: SignedEventEnvelope): string {
  let out = `{"event":${eventText(envelope.event)},"signerKid":${stringText(envelope.signerKid)},"algorithm":${stringText(envelope.algorithm)},"signature":${stringText(envelope.signature)}`;
  if (envelope.notBefore !== undefined) out += `,"notBefore":${stringText(envelope.notBefore)}`;
  if (envelope.notAfter !== undefined) out += `,"notAfter":${stringText(envelope.notAfter)}`;
  return `${out}}`;
}

/** Canonical text of an envelope without bounds, put together from its parts: members in sorted order are known here. @param eventText `canonicalEventText` of its event */
export function canonicalEnvelopeText(eventText: string, { signerKid, algorithm, signature }: Omit<SignedEventEnvelope, 'event'>): string {
  return `{"algorithm":${stringText(algorithm)},"event":${eventText},"signature":${stringText(signature)},"signerKid":${stringText(signerKid)}}`;
}

/** The transport event of a signed envelope (reference/02 §5.3). The cex attributes stay on the event inside. */
export function wrapEnvelope(envelope: SignedEventEnvelope): CloudEvent {
  const { id, time, traceparent } = envelope.event;
  return {
    specversion: '1.0',
    id,
    source: '/cellos-supervisor/event-signing',
    type: EVENTS.signedEnvelope.type,
    datacontenttype: 'application/json',
    data: envelopeToJson(envelope),
    ...(time === undefined ? {} : { time }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
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
  /** When given, ours: the validity of an envelope is enforced, and a validity nobody can read is refused. */
  readonly nowMs?: number;
}

function checkValidity(envelope: Omit<SignedEventEnvelope, 'event'>, nowMs: number): void {
  const { signerKid: kid, notBefore, notAfter } = envelope;
  const now = BigInt(Math.trunc(nowMs)) * 1_000_000n;
  const bound = (text: string | undefined): bigint | undefined => {
    if (text === undefined) return undefined;
    return parseRfc3339(text) ?? refuse('outside-validity', `its validity "${text}" is not a time`, kid);
  };
  const [from, to] = [bound(notBefore), bound(notAfter)];
  if ((from !== undefined && now < from) || (to !== undefined && now > to)) refuse('outside-validity', `it is valid from ${notBefore ?? 'ever'} to ${notAfter ?? 'ever'} only`, kid);
}

/** @returns the event. @throws CellError `signature.invalid` with fact `reason` */
export function verifyEnvelope(envelope: SignedEventEnvelope, keys: EnvelopeKeys): CloudEvent {
  verifyEventText(canonicalEventText(envelope.event), envelope, keys);
  return envelope.event;
}

/** The same for a caller who has the text at hand. @param eventText `canonicalEventText` of the event: what is verified is this text. @throws as {@link verifyEnvelope} */
export function verifyEventText(eventText: string, envelope: Omit<SignedEventEnvelope, 'event'>, keys: EnvelopeKeys): void {
  const { signerKid: kid, algorithm } = envelope;
  if (keys.revokedKids?.has(kid)) refuse('revoked-kid', `key "${kid}" is revoked`, kid);
  const message = utf8(eventText);
  const signature = fromBase64Url(envelope.signature.replace(/=+$/, ''));
  if (signature === undefined) refuse('bad-base64', 'the signature is not base64url', kid);
  if (algorithm !== 'ed25519' && algorithm !== 'hmac-sha256') refuse('unknown-algorithm', `algorithm "${algorithm}" is neither ed25519 nor hmac-sha256`, kid);
  const key = algorithm === 'ed25519' ? keys.ed25519.get(kid) : keys.hmac?.get(kid);
  if (key === undefined) refuse('unknown-kid', `no ${algorithm} key is named "${kid}"`, kid);
  const length = algorithm === 'ed25519' ? 64 : 32;
  if (signature.byteLength !== length) refuse('bad-length', `the signature has ${signature.byteLength} bytes, not ${length}`, kid);
  const good = algorithm === 'ed25519' ? verifyEd25519({ publicKey: key, message, signature }) : constantTimeEqual(hmacSha256(key, message), signature);
  if (!good) refuse('bad-signature', `the signature of "${kid}" does not fit the event`, kid);
  if (keys.nowMs !== undefined) checkValidity(envelope, keys.nowMs);
}
