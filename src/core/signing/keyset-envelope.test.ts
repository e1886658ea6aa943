import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8 } from '../../base/bytes.ts';
import { digestOf, ed25519SigningKey } from '../../base/crypto.ts';
import { type KeysetEnvelope, PAYLOAD_TYPES, parseKeysetEnvelopeText, verifyKeysetChain, verifyKeysetEnvelope, verifyRevocations } from './keyset-envelope.ts';

const [a, b] = [1, 2].map((n) => ed25519SigningKey(new Uint8Array(32).fill(n))) as [ReturnType<typeof ed25519SigningKey>, ReturnType<typeof ed25519SigningKey>];
const keys = new Map([['a', a.publicKey], ['alias', a.publicKey], ['b', b.publicKey]]);
const nowNs = 1_772_600_000n * 1_000_000_000n;
const signers = { a, alias: a, b };

function envelopeOf(payload: string, kids: readonly (keyof typeof signers)[], extra: Partial<KeysetEnvelope> = {}): KeysetEnvelope {
  const bytes = utf8(payload);
  return {
    schemaVersion: '1.0.0',
    payloadType: PAYLOAD_TYPES.keyset,
    payload: toBase64Url(bytes),
    payloadDigest: digestOf(bytes),
    producedAt: '2026-01-01T00:00:00Z',
    signatures: kids.map((signerKid) => ({ signerKid, algorithm: 'ed25519', signature: toBase64Url(signers[signerKid].sign(bytes)) })),
    ...extra,
  };
}

const refusal = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason } });

describe('verifyKeysetEnvelope() with a policy', () => {
  const policy = { payloadType: PAYLOAD_TYPES.keyset, signersMin: 2 };

  it('counts public keys, not names [T2]', () => {
    const twice = envelopeOf('{}', ['a', 'alias']);
    expect(verifyKeysetEnvelope({ ...twice, requiredSignerCount: 2 }, { keys, nowNs }).signers).toEqual(['a', 'alias']);
    expect(() => verifyKeysetEnvelope(twice, { keys, nowNs, policy })).toThrow(refusal('too-few-signers'));
    expect(verifyKeysetEnvelope(envelopeOf('{}', ['a', 'b']), { keys, nowNs, policy }).signers).toEqual(['a', 'b']);
  });

  it('keeps its threshold whatever the envelope says, and raises it where the envelope does [T2]', () => {
    expect(() => verifyKeysetEnvelope(envelopeOf('{}', ['a'], { requiredSignerCount: 1 }), { keys, nowNs, policy })).toThrow(refusal('too-few-signers'));
    expect(() => verifyKeysetEnvelope(envelopeOf('{}', ['a', 'b'], { requiredSignerCount: 3 }), { keys, nowNs, policy })).toThrow(refusal('too-few-signers'));
  });

  it('accepts the type it expects alone, so that one cannot be relabelled as another [T2]', () => {
    const relabelled = envelopeOf('{}', ['a', 'b'], { payloadType: PAYLOAD_TYPES.ceiling });
    expect(verifyKeysetEnvelope(relabelled, { keys, nowNs }).signers).toEqual(['a', 'b']);
    expect(() => verifyKeysetEnvelope(relabelled, { keys, nowNs, policy })).toThrow(refusal('payload-type'));
  });
});

describe('verifyKeysetChain()', () => {
  const first = envelopeOf('{"n":0}', ['a']);
  const second = envelopeOf('{"n":1}', ['b'], { replacesEnvelopeDigest: first.payloadDigest });

  it('returns the head of a chain in which each names the one before [T1]', () => {
    expect(verifyKeysetChain([first, second], { keys, nowNs }).digest).toBe(second.payloadDigest);
    expect(() => verifyKeysetChain([], { keys, nowNs })).toThrow(refusal('empty-chain'));
    expect(() => verifyKeysetChain([second, first], { keys, nowNs })).toThrow(refusal('link-missing'));
    expect(() => verifyKeysetChain([first, { ...second, replacesEnvelopeDigest: second.payloadDigest }], { keys, nowNs })).toThrow(refusal('link-mismatch'));
    expect(() => verifyKeysetChain([first, { ...second, signatures: first.signatures }], { keys, nowNs })).toThrow(refusal('chain-envelope'));
  });
});

describe('verifyRevocations()', () => {
  it('reads epoch and key ids of a list, and nothing of another shape', () => {
    const list = (payload: string) => envelopeOf(payload, ['a'], { payloadType: PAYLOAD_TYPES.revocation });
    const good = '{"schemaVersion":"1.0.0","revocationEpoch":18446744073709551615,"revocations":[{"kid":"x","revokedAt":"t","reason":""}]}';
    expect(verifyRevocations(list(good), { keys, nowNs })).toEqual({ epoch: 18446744073709551615n, kids: new Set(['x']) });
    for (const bad of ['[]', '["1.0.0",1,[]]', good.replace('"revokedAt":"t",', ''), good.replace('"reason":""', '"reason":"","kid":1')]) expect(() => verifyRevocations(list(bad), { keys, nowNs }), bad).toThrow(refusal('revocation-shape'));
  });
});

describe('parseKeysetEnvelopeText()', () => {
  it('refuses a member that stands twice', () => {
    const text = JSON.stringify(envelopeOf('{}', ['a']));
    expect(parseKeysetEnvelopeText(text).signatures).toHaveLength(1);
    expect(() => parseKeysetEnvelopeText(text.replace('{', '{"payloadType":"x",'))).toThrow(expect.objectContaining({ code: 'json.invalid' }));
  });
});
