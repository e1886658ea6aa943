/**
 * A keyset that waits for its signatures: what a host asks, and what those who hold root keys elsewhere answer.
 *
 *   N1  the request brings the chain it follows: who signs sees what changes, and signs nothing that does not follow;
 *   N2  a signature is given by a root of that chain alone, and holds for these bytes alone; several holders sign one after the other;
 *   N3  the answer adds signatures and changes nothing: the host that asked takes the payload it asked for, or none.
 *
 * LIMIT: who signs takes the chain as the newest there is. A host that asks twice for one epoch is noticed by those who have seen the other one.
 */
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { digestOf } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import type { EventSigner } from './envelope.ts';
import { keysetEnvelope, type KeysetContent, type KeysetKey, type KeysetSigned, parseKeysetPayload } from './keyset.ts';
import { followedBy, type KeysetHistory, verifyHistory } from './keyset-chain.ts';

export interface KeysetRequest {
  /** Signed keysets, oldest first, as they stand in `keyset.json`. */
  readonly chain: readonly JsonValue[];
  /** Of the keyset that is asked for. */
  readonly payload: Bytes;
  readonly signatures: readonly KeysetSigned[];
}

function malformed(what: string): never {
  throw new CellError('document.invalid', `Cannot read the request for a keyset: ${what}`);
}

/** @throws CellError `document.invalid` | `json.invalid` */
export function parseKeysetRequest(bytes: Bytes): KeysetRequest {
  const value = parseJson(bytes);
  if (!isJsonObject(value) || value['v'] !== 1 || Object.keys(value).length !== 4) malformed('it is not an object with v, chain, payload and signatures');
  const { chain, payload, signatures } = value;
  const asked = typeof payload === 'string' ? fromBase64Url(payload) : undefined;
  if (!isJsonArray(chain) || asked === undefined || !isJsonArray(signatures)) malformed('its chain, payload or signatures are not what they have to be');
  return { chain, payload: asked, signatures: signatures.map(signedOf) };
}

function signedOf(value: JsonValue): KeysetSigned {
  const [signerKid, text] = isJsonObject(value) ? [value['signerKid'], value['signature']] : [];
  const signature = typeof text === 'string' ? fromBase64Url(text) : undefined;
  if (typeof signerKid !== 'string' || signature === undefined) malformed('a signature of it is malformed');
  return { signerKid, signature };
}

export function keysetRequestFile({ chain, payload, signatures }: KeysetRequest): Bytes {
  const signed = signatures.map(({ signerKid, signature }) => jsonObject({ signerKid, signature: toBase64Url(signature) }));
  return utf8(`${canonicalText(jsonObject({ v: 1, chain, payload: toBase64Url(payload), signatures: signed }))}\n`);
}

export interface Asked {
  readonly before: KeysetHistory;
  readonly content: KeysetContent;
  /** Keys whose state the new keyset changes, the new ones among them. */
  readonly changed: readonly KeysetKey[];
}

/** [N1] @param roots kid → root key the chain has to be signed with. @throws CellError `signature.invalid` | `json.invalid` */
export function checkKeysetRequest(request: KeysetRequest, roots: ReadonlyMap<string, Bytes>): Asked {
  const before = verifyHistory(request.chain, { roots, threshold: 1 });
  const content = parseKeysetPayload(request.payload);
  followedBy(before, { ...content, digest: digestOf(request.payload), signers: [] });
  return { before, content, changed: content.keys.filter((key) => before.keys.get(key.kid)?.state !== key.state) };
}

/** Root keys of the chain as it says itself: for who has no other list, and signs with one of them. */
export function rootsOfRequest({ chain }: KeysetRequest): Map<string, Bytes> {
  const first = chain[0];
  const payload = isJsonObject(first) && typeof first['payload'] === 'string' ? fromBase64Url(first['payload']) : undefined;
  if (payload === undefined) malformed('its chain is empty, or no chain of keysets');
  return new Map(parseKeysetPayload(payload).keys.filter((key) => key.purpose === 'root').map((key) => [key.kid, key.publicKey]));
}

/** [N2] @returns the request with these signatures, in the place of older ones of the same keys */
export function signKeysetRequest(request: KeysetRequest, signers: readonly EventSigner[]): KeysetRequest {
  const fresh = new Map(signers.map((signer) => [signer.kid, { signerKid: signer.kid, signature: signer.sign(request.payload) }]));
  return { ...request, signatures: [...request.signatures.filter(({ signerKid }) => !fresh.has(signerKid)), ...fresh.values()] };
}

/** The keyset as it was answered; whether enough have signed, the verification says. @throws CellError `signature.invalid` | `json.invalid` */
export function answeredKeyset({ payload, signatures }: Pick<KeysetRequest, 'payload' | 'signatures'>): Bytes {
  return keysetEnvelope(payload, parseKeysetPayload(payload), signatures);
}
