/** Keys that everybody knows and chains of keysets made with them: for tests, never for evidence. */
import { type Bytes, fromBase64Url } from '../base/bytes.ts';
import { type Digest, digestOf, ed25519SigningKey, p256SigningKey } from '../base/crypto.ts';
import { isJsonObject, type JsonValue } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import type { EventSigner } from '../core/signing/envelope.ts';
import type { KeyBound, KeyState } from '../core/signing/key-validity.ts';
import { ALGORITHM_OF, type KeyPurpose, type KeysetKey, makeKeyset } from '../core/signing/keyset.ts';
import { type KeysetHistory, keysetFile, verifyHistory } from '../core/signing/keyset-chain.ts';

/** PKCS#8 of P-256 up to the scalar. */
const P256_PREFIX = fromBase64Url('MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCA') as Bytes;

export interface SampleKey extends KeysetKey, EventSigner {}

/** @param n 1..255: another key for each */
export function sampleKey(purpose: KeyPurpose, n: number, state: KeyState = 'active', until?: KeyBound): SampleKey {
  const scalar = new Uint8Array(32).fill(n);
  const key = ALGORITHM_OF[purpose] === 'ed25519' ? ed25519SigningKey(scalar) : p256SigningKey(Uint8Array.from([...P256_PREFIX, ...scalar]));
  return { kid: `${purpose}-${n}`, algorithm: ALGORITHM_OF[purpose], purpose, publicKey: key.publicKey, sign: key.sign, state, ...(until === undefined ? {} : { until }) };
}

export const SAMPLE_ROOT = sampleKey('root', 201);

export interface SampleChain {
  /** Roots, all of which sign; default: one. */
  readonly roots?: readonly SampleKey[];
  readonly threshold?: number;
  readonly notAfter?: string;
  readonly keysetId?: string;
}

const keyOf = ({ kid, algorithm, purpose, publicKey, state, until }: KeysetKey): KeysetKey => ({ kid, algorithm, purpose, publicKey, state, ...(until === undefined ? {} : { until }) });

export function payloadDigestOf(envelope: Bytes): Digest {
  const value = parseJson(envelope);
  const payload = isJsonObject(value) ? value['payload'] : undefined;
  return digestOf(fromBase64Url(typeof payload === 'string' ? payload : '') ?? new Uint8Array());
}

/** Signed envelopes, one for each list of keys; the roots are added to each. */
export function sampleEnvelopes(lists: readonly (readonly KeysetKey[])[], options: SampleChain = {}): Bytes[] {
  const { roots = [SAMPLE_ROOT], threshold = 1, keysetId = 'sample', notAfter } = options;
  const envelopes: Bytes[] = [];
  for (const [at, keys] of lists.entries()) {
    const before = envelopes.at(-1);
    envelopes.push(
      makeKeyset({
        keysetId,
        epoch: at + 1,
        ...(before === undefined ? {} : { previous: payloadDigestOf(before) }),
        producedAt: `2026-01-${String(at + 1).padStart(2, '0')}T00:00:00Z`,
        ...(notAfter === undefined ? {} : { notAfter }),
        threshold,
        keys: [...roots, ...keys].map(keyOf),
        signers: roots,
      }),
    );
  }
  return envelopes;
}

export function sampleFile(lists: readonly (readonly KeysetKey[])[], options: SampleChain = {}): Bytes {
  return keysetFile(sampleEnvelopes(lists, options));
}

export function rootMap(roots: readonly KeysetKey[] = [SAMPLE_ROOT]): Map<string, Bytes> {
  return new Map(roots.map((root) => [root.kid, root.publicKey]));
}

export function sampleHistory(lists: readonly (readonly KeysetKey[])[], options: SampleChain = {}): KeysetHistory {
  return verifyHistory(sampleValue(lists, options), { roots: rootMap(options.roots), threshold: options.threshold ?? 1 });
}

/** The chain as JSON. */
export function sampleValue(lists: readonly (readonly KeysetKey[])[], options: SampleChain = {}): JsonValue {
  return parseJson(sampleFile(lists, options));
}
