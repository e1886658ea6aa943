import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8 } from '../../base/bytes.ts';
import { digestOf, ed25519SigningKey } from '../../base/crypto.ts';
import { type KeysetEnvelope, type KeysetSignature, type KeysetVerifier, PAYLOAD_TYPES, parseKeysetEnvelopeText, verifyKeysetChain, verifyKeysetEnvelope, verifyRevocations } from './keyset-envelope.ts';

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
    const messages = [[], [second, first], [first, { ...second, replacesEnvelopeDigest: 'x' }], [first, { ...second, signatures: [] }]].map((chain) => {
      try {
        verifyKeysetChain(chain, { keys, nowNs });
      } catch (error) {
        return error instanceof Error ? [error.message, (error.cause as Error | undefined)?.message] : [];
      }
      return [];
    });
    const no = 'Cannot accept a signed trust document: ';
    expect(messages).toEqual([
      [`${no}the chain is empty`, undefined],
      [`${no}envelope 1 of the chain does not say which one it replaces`, undefined],
      [`${no}envelope 1 of the chain replaces x, and the one before it is ${first.payloadDigest}`, undefined],
      [`${no}envelope 1 of the chain does not verify: ${no}it has no signatures`, `${no}it has no signatures`],
    ]);
    // The link of the first is not looked at.
    expect(verifyKeysetChain([second], { keys, nowNs }).signers).toEqual(['b']);
  });
});

describe('verifyKeysetEnvelope() as the reference does [T1]', () => {
  const verifier = { keys, nowNs };
  const no = (reason: string, what: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason }, message: `Cannot accept a signed trust document: ${what}` });
  const verify = (envelope: KeysetEnvelope, by: Partial<KeysetVerifier> = {}) => () => verifyKeysetEnvelope(envelope, { ...verifier, ...by });
  const good = envelopeOf('{}', ['a', 'b']);
  const [first, second] = good.signatures as [KeysetSignature, KeysetSignature];
  const windows = (window: Partial<KeysetSignature>, other: Partial<KeysetSignature> = {}) => ({ ...good, signatures: [{ ...first, ...window }, { ...second, ...other }] });

  it('gives payload, digest and signers', () => {
    expect(verify(good)()).toEqual({ payload: utf8('{}'), digest: digestOf(utf8('{}')), signers: ['a', 'b'] });
    expect(verify({ ...good, payload: `${good.payload}==`, signatures: [{ ...first, signature: `${first.signature}==` }] })().signers).toEqual(['a']);
    for (const payloadType of Object.values(PAYLOAD_TYPES)) expect(verify({ ...good, payloadType })().signers).toHaveLength(2);
    expect(Object.values(PAYLOAD_TYPES)).toEqual(['keyset', 'ceiling', 'revocation'].map((kind) => `application/vnd.cellos.${kind === 'ceiling' ? 'authority' : 'trust'}-${kind}-v1+json`));
  });

  it('refuses in its order, and says why', () => {
    expect(verify({ ...good, payloadType: 'x', payload: '*' })).toThrow(no('payload-type', `its payload type "x" is not ${Object.values(PAYLOAD_TYPES).join(' or ')}`));
    expect(verify({ ...good, payload: '*', payloadDigest: '' })).toThrow(no('payload-base64', 'its payload is not base64url'));
    expect(verify({ ...good, payload: `=${good.payload}` })).toThrow(no('payload-base64', 'its payload is not base64url'));
    expect(verify({ ...good, payloadDigest: 'd', signatures: [] })).toThrow(no('payload-digest', `its payload has the digest ${digestOf(utf8('{}'))}, and it declares d`));
    expect(verify({ ...good, signatures: [] })).toThrow(no('no-signatures', 'it has no signatures'));
    expect(verify({ ...good, signatures: [{ ...first, algorithm: 'Ed25519' }] })).toThrow(no('no-signature-verified', 'none of its signatures is a valid one of a key we trust'));
    expect(verify({ ...good, requiredSignerCount: 3 })).toThrow(no('too-few-signers', '2 signers count, 3 are needed'));
    expect(verify({ ...good, requiredSignerCount: 0, signatures: [first] })().signers).toEqual(['a']);
    expect(verify({ ...good, requiredSignerCount: 0, signatures: [{ ...first, signerKid: 'x' }] })).toThrow(no('no-signature-verified', 'none of its signatures is a valid one of a key we trust'));
  });

  it('passes over signatures that do not count: unknown, forged, of another length, once more', () => {
    const others = [{ ...first, signerKid: 'nobody' }, { ...first, signature: second.signature }, { ...first, signature: '*' }, { ...first, signature: first.signature.slice(2) }, { ...first, signature: `=${first.signature}` }];
    expect(verify({ ...good, signatures: [...others, second, second] })().signers).toEqual(['b']);
  });

  it('holds a window against the time, ends included, and fails for one that is none', () => {
    const at = (second: number) => new Date((1_772_600_000 + second) * 1000).toISOString();
    expect(verify(windows({ notBefore: at(0), notAfter: at(0) }))().signers).toEqual(['a', 'b']);
    expect(verify(windows({ notBefore: at(1) }))().signers).toEqual(['b']);
    expect(verify(windows({ notAfter: at(-1) }))().signers).toEqual(['b']);
    expect(verify(windows({ notBefore: 'soon' }))).toThrow(no('bad-window', 'notBefore "soon" of "a" is not an RFC 3339 time'));
    expect(verify(windows({}, { notAfter: '' }))).toThrow(no('bad-window', 'notAfter "" of "b" is not an RFC 3339 time'));
    // Not yet valid: its end is not looked at.
    expect(verify(windows({ notBefore: at(1), notAfter: 'never' }))().signers).toEqual(['b']);
    expect(verify(windows({ notBefore: at(1) }), { nowNs: nowNs + 1_000_000_000n })().signers).toEqual(['a', 'b']);
  });
});

describe('parseKeysetEnvelopeText()', () => {
  const good = { ...envelopeOf('{}', ['a']), replacesEnvelopeDigest: 'd', requiredSignerCount: 2 };
  const parse = (change: object) => () => parseKeysetEnvelopeText(JSON.stringify({ ...good, ...change }));
  const no = (what: string) => expect.objectContaining({ code: 'document.invalid', facts: { reason: 'malformed' }, message: `Cannot read a signed trust document: ${what}` });

  it('reads every member, and drops those it does not know', () => {
    expect(parse({ extra: 1 })()).toEqual(good);
    const bare = parse({ replacesEnvelopeDigest: null, requiredSignerCount: null })();
    expect([Object.keys(bare).includes('replacesEnvelopeDigest'), Object.keys(bare).includes('requiredSignerCount')]).toEqual([false, false]);
    const [signature] = good.signatures;
    expect(parse({ signatures: [{ ...signature, notBefore: 'n', notAfter: 'm' }] })().signatures).toEqual([{ ...signature, notBefore: 'n', notAfter: 'm' }]);
    expect(parse({ signatures: [{ ...signature, notBefore: null }] })().signatures).toEqual([signature]);
    for (const requiredSignerCount of [0, 0xffff_ffff]) expect(parse({ requiredSignerCount })().requiredSignerCount).toBe(requiredSignerCount);
  });

  it('refuses another shape', () => {
    for (const name of ['schemaVersion', 'payloadType', 'payload', 'payloadDigest', 'producedAt']) {
      expect(parse({ [name]: undefined }), name).toThrow(no(`its ${name} is missing`));
      expect(parse({ [name]: 1 }), name).toThrow(no(`its ${name} is not a string`));
    }
    expect(() => parseKeysetEnvelopeText('[]')).toThrow(no('it is not an object'));
    expect(parse({ signatures: undefined })).toThrow(no('its signatures are missing'));
    expect(parse({ signatures: {} })).toThrow(no('its signatures are not a list'));
    expect(parse({ signatures: [1] })).toThrow(no('a signature is not an object'));
    for (const name of ['signerKid', 'algorithm', 'signature']) expect(parse({ signatures: [{ ...good.signatures[0], [name]: undefined }] })).toThrow(no(`its ${name} is missing`));
    for (const name of ['notBefore', 'notAfter']) expect(parse({ signatures: [{ ...good.signatures[0], [name]: 1 }] })).toThrow(no(`its ${name} is not a string`));
    expect(parse({ replacesEnvelopeDigest: 1 })).toThrow(no('its replacesEnvelopeDigest is not a string'));
    for (const requiredSignerCount of [-1, 0x1_0000_0000, '1', 1.5]) expect(parse({ requiredSignerCount })).toThrow(no('its requiredSignerCount is not an integer within u32'));
  });

  it('refuses a member that it knows and that stands twice', () => {
    const text = JSON.stringify(good);
    for (const name of Object.keys(good)) expect(() => parseKeysetEnvelopeText(text.replace('{', `{"${name}":"x",`)), name).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    expect(parseKeysetEnvelopeText(text.replace('{', '{"x":1,"x":2,')).signatures).toHaveLength(1);
  });
});

describe('verifyRevocations()', () => {
  const verifier = { keys, nowNs };
  const list = (payload: string) => envelopeOf(payload, ['a'], { payloadType: PAYLOAD_TYPES.revocation });
  const entry = '{"kid":"x","revokedAt":"t","reason":""}';
  const of = (entries: string, epoch = '1') => `{"schemaVersion":"1.0.0","revocationEpoch":${epoch},"revocations":${entries}}`;
  const no = (what: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason: 'revocation-shape' }, message: `Cannot accept a signed trust document: its payload is not a revocation list: Cannot read a signed trust document: ${what}`, cause: expect.objectContaining({ code: 'document.invalid' }) as unknown });

  it('reads epoch and key ids of a list', () => {
    expect(verifyRevocations(list(of(`[${entry},${entry.replace('"x"', '"y"')}]`, '18446744073709551615')), verifier)).toEqual({ epoch: 18446744073709551615n, kids: new Set(['x', 'y']) });
    expect(verifyRevocations(list(of('[]', '0')), verifier)).toEqual({ epoch: 0n, kids: new Set() });
  });

  it('refuses another type, and another shape', () => {
    expect(() => verifyRevocations(envelopeOf(of('[]'), ['a']), verifier)).toThrow(expect.objectContaining({ facts: { reason: 'not-a-revocation' }, message: `Cannot accept a signed trust document: its payload type is ${PAYLOAD_TYPES.keyset}, not the one of a revocation list` }));
    expect(() => verifyRevocations({ ...list(of('[]')), signatures: [] }, verifier)).toThrow(refusal('no-signatures'));
    const cases: [string, string][] = [
      ['["1.0.0",1,[]]', 'the list is not an object'],
      ['{}', 'its schemaVersion is missing'],
      [of('[]', '-1'), 'its revocationEpoch is not an integer within u64'],
      [of('[]', '1.0'), 'its revocationEpoch is not an integer within u64'],
      [of('{}'), 'its revocations are not a list'],
      [of('[1]'), 'a revocation is not an object'],
      ...['kid', 'revokedAt', 'reason'].map((name): [string, string] => [of(`[${entry.replace(`"${name}":`, '"z":')}]`), `its ${name} is missing`]),
    ];
    for (const [payload, what] of cases) expect(() => verifyRevocations(list(payload), verifier), payload).toThrow(no(what));
    for (const name of ['schemaVersion', 'revocationEpoch', 'revocations']) expect(() => verifyRevocations(list(of('[]').replace('{', `{"${name}":1,`)), verifier), name).toThrow(refusal('revocation-shape'));
    expect(verifyRevocations(list(of('[]').replace('{', '{"x":1,"x":2,')), verifier).epoch).toBe(1n);
  });
});
