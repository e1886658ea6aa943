import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, toBase64, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import type { AuthorityCapability, AuthorityDerivationToken, DerivationStep } from '../spec/document.ts';
import { allowsUniversalTokens, bindingRefusals, DERIVATION_STEPS_MAX, derivationPayload, scopeRefusal, signDerivation, verifyDerivation } from './derivation.ts';

const role = ed25519SigningKey(new Uint8Array(32).fill(3));
const other = ed25519SigningKey(new Uint8Array(32).fill(4));
const roleKeys = new Map([['ci', toBase64(role.publicKey)], ['other', toBase64(other.publicKey)]]);
const rule = (host: string): { host: string; port: number } => ({ host, port: 443 });
const cap = (hosts: readonly string[], secretRefs: readonly string[] = []): AuthorityCapability => ({ egressRules: hosts.map(rule), secretRefs });
const sign = (grant: Parameters<typeof signDerivation>[0]): AuthorityDerivationToken => signDerivation(grant, role.sign);
const token = sign({ roleRoot: 'ci', parentRunId: 'run-1', leafCapability: cap(['a', 'b'], ['S']) });
const reasonOf = (spec: Partial<AuthorityCapability>, given: AuthorityDerivationToken, keys: ReadonlyMap<string, string> = roleKeys): string => {
  const verdict = verifyDerivation(spec, given, keys);
  return verdict.kind === 'valid' ? 'valid' : verdict.reason;
};

describe('derivationPayload()', () => {
  it('is sorted compact JSON of role, parent run and leaf', () => {
    const leafCapability = { egressRules: [{ ...rule('h'), protocol: 'tcp', dnsEgressJustification: 'why' }, rule('g')], secretRefs: ['t', 's'] };
    expect(new TextDecoder().decode(derivationPayload({ roleRoot: 'r', leafCapability }))).toBe(
      '{"leafCapability":{"egressRules":[{"dnsEgressJustification":"why","host":"h","port":443,"protocol":"tcp"},{"host":"g","port":443,"protocol":null}],"secretRefs":["t","s"]},"parentRunId":null,"roleRoot":"r"}',
    );
    expect(new TextDecoder().decode(derivationPayload({ roleRoot: 'r', parentRunId: '', leafCapability: cap([]) }))).toContain('"parentRunId":""');
  });
});

describe('verifyDerivation()', () => {
  it('takes a token whose leaf the document declares', () => {
    expect(token.grantorSignature.algorithm).toBe('ed25519');
    expect(token.derivationSteps).toEqual([]);
    expect(verifyDerivation(cap(['A', 'b', 'c'], ['S', 'T']), token, roleKeys)).toEqual({ kind: 'valid' });
  });

  it('refuses in the order of the reference, and says how long the lists were', () => {
    expect(verifyDerivation(cap(['a'], []), token, new Map())).toMatchObject({ reason: 'leaf-egress', declared: 1, claimed: 2, message: expect.stringContaining('egressRules') });
    expect(verifyDerivation({}, token, new Map())).toMatchObject({ reason: 'leaf-egress', declared: 0, claimed: 2 });
    expect(verifyDerivation(cap(['a', 'b'], ['T', 'U']), token, new Map())).toMatchObject({ reason: 'leaf-secrets', declared: 2, claimed: 1, message: expect.stringContaining('secretRefs') });
    expect(verifyDerivation(token.leafCapability, token, new Map([['other', 'x']]))).toMatchObject({ reason: 'unknown-role', message: expect.stringContaining('"ci"') });
  });

  it('refuses keys and signatures of another form or length [DT3]', () => {
    const spec = token.leafCapability;
    const withKey = (text: string): string => reasonOf(spec, token, new Map([['ci', text]]));
    const withSignature = (bytes: string): string => reasonOf(spec, { ...token, grantorSignature: { algorithm: 'ed25519', bytes } });
    const text = toBase64(role.publicKey);
    expect(verifyDerivation(spec, token, new Map([['ci', toBase64(new Uint8Array(31))]]))).toMatchObject({ message: expect.stringMatching(/"ci" has 31 bytes, not 32/) });
    expect([withKey(text.replace(/=$/, '')), withKey(`${text}\n`), withKey('*'), withKey(toBase64(new Uint8Array(33)))]).toEqual(['key-base64', 'key-base64', 'key-base64', 'key-length']);
    expect([withSignature(''), withSignature('*'), withSignature(toBase64(new Uint8Array(63))), withSignature(toBase64(new Uint8Array(65))), withSignature(toBase64(new Uint8Array(64)))]).toEqual(['signature-length', 'signature-base64', 'signature-length', 'signature-length', 'signature']);
    expect(verifyDerivation(spec, { ...token, grantorSignature: { algorithm: 'x', bytes: toBase64(new Uint8Array(63)) } }, roleKeys)).toMatchObject({ message: expect.stringMatching(/has 63 bytes, not 64/) });
    // The identity point verifies anything for a library that takes it.
    const identity = new Uint8Array(32);
    identity[0] = 1;
    expect(reasonOf(spec, { ...token, grantorSignature: { algorithm: 'ed25519', bytes: toBase64(Uint8Array.from([...identity, ...new Uint8Array(32)])) } }, new Map([['ci', toBase64(identity)]]))).toBe('signature');
  });

  it('refuses a token of which anything signed was changed, and one of another key', () => {
    const spec = cap(['a', 'b', 'c'], ['S', 'T']);
    expect(reasonOf(spec, { ...token, roleRoot: 'other' })).toBe('signature');
    expect(reasonOf(spec, { ...token, parentRunId: 'run-2' })).toBe('signature');
    const { parentRunId: _, ...universal } = token;
    expect(reasonOf(spec, universal)).toBe('signature');
    expect(reasonOf(spec, { ...token, leafCapability: cap(['a', 'b'], ['S', 'T']) })).toBe('signature');
    expect(reasonOf(spec, { ...token, leafCapability: cap(['a', 'A'], ['S']) })).toBe('signature');
    expect(reasonOf(spec, { ...token, leafCapability: cap(['b', 'a'], ['S']) })).toBe('signature');
    expect(reasonOf(spec, signDerivation({ roleRoot: 'ci', leafCapability: cap(['a']) }, other.sign))).toBe('signature');
    // The reference signs neither of these.
    expect(reasonOf(spec, { ...token, derivationSteps: [{ fromCapability: cap([]), toCapability: cap([]) }], grantorSignature: { ...token.grantorSignature, algorithm: 'none' } })).toBe('valid');
  });

  it('takes what it signs, and nothing with another byte of signature', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'é', '"'), { maxLength: 4 }), fc.option(fc.string(), { nil: undefined }), fc.string(), fc.nat(63), fc.integer({ min: 1, max: 255 }), (hosts, parentRunId, roleRoot, at, flip) => {
        const leafCapability = cap(hosts, hosts);
        const signed = sign({ roleRoot, leafCapability, ...(parentRunId === undefined ? {} : { parentRunId }) });
        const keys = new Map([[roleRoot, toBase64(role.publicKey)]]);
        expect(reasonOf(leafCapability, signed, keys)).toBe('valid');
        const bytes = new Uint8Array(Buffer.from(signed.grantorSignature.bytes, 'base64'));
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        expect(reasonOf(leafCapability, { ...signed, grantorSignature: { algorithm: 'ed25519', bytes: toBase64(bytes) } }, keys)).toBe('signature');
      }),
    );
  });

  it('reads no text as bytes', () => {
    expect(reasonOf(token.leafCapability, { ...token, grantorSignature: { algorithm: 'ed25519', bytes: toBase64(utf8('x'.repeat(64))) } })).toBe('signature');
  });
});

describe('scopeRefusal()', () => {
  it('lets a universal token through only when asked for', () => {
    expect([scopeRefusal(token, { allowUniversal: false }), scopeRefusal({ parentRunId: '' }, { allowUniversal: false }), scopeRefusal({}, { allowUniversal: true })]).toEqual([undefined, undefined, undefined]);
    expect(scopeRefusal({}, { allowUniversal: false })).toContain('parentRunId');
  });

  it.each([['0', true], ['false', true], ['no', true], ['off', true], [' OFF ', true], ['', false], [undefined, false], ['1', false], ['nope', false]])('reads CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS=%j', (setting, allowed) => {
    expect(allowsUniversalTokens(setting)).toBe(allowed);
  });
});

describe('bindingRefusals()', () => {
  const steps = (...pairs: [string, string][]): DerivationStep[] => pairs.map(([from, to]) => ({ fromCapability: cap([...from]), toCapability: cap([...to]) }));
  const reasons = (spec: Partial<AuthorityCapability>, given: AuthorityDerivationToken, runId = 'run-1'): string[] => bindingRefusals(spec, given, { runId }).map(({ reason }) => reason);
  const withSteps = (leaf: string, derivationSteps: DerivationStep[]): AuthorityDerivationToken => sign({ roleRoot: 'ci', parentRunId: 'run-1', leafCapability: cap([...leaf]), derivationSteps });

  it('demands that the document claims no more than the leaf [DT2]', () => {
    expect(reasons(cap(['a'], ['S']), token)).toEqual([]);
    expect(reasons({}, token)).toEqual([]);
    expect(reasons(cap(['a', 'c'], ['S']), token)).toEqual(['wider-than-leaf']);
    expect(reasons(cap(['a'], ['T']), token)).toEqual(['wider-than-leaf']);
  });

  it('demands the run that the token is for, where it names one', () => {
    expect(reasons({}, token, 'run-2')).toEqual(['other-run']);
    expect(bindingRefusals({}, token, { runId: 'run-2' })[0]?.message).toMatch(/"run-1".*"run-2"/);
    const { parentRunId: _, ...universal } = token;
    expect(reasons({}, universal, 'run-2')).toEqual([]);
  });

  it('demands steps that narrow, follow each other, and end at the leaf', () => {
    expect(reasons({}, withSteps('a', steps(['abc', 'ab'], ['ab', 'a'])))).toEqual([]);
    expect(reasons({}, withSteps('a', steps(['abc', 'ab'], ['b', 'b'])))).toEqual(['step-end']);
    expect(reasons({}, withSteps('ab', steps(['abc', 'a'])))).toEqual(['step-end']);
    expect(reasons({}, withSteps('a', steps(['abc', 'ab'])))).toEqual(['step-end']);
    expect(reasons({}, withSteps('ab', steps(['a', 'ab'])))).toEqual(['step-widens']);
    expect(reasons({}, withSteps('a', steps(['abc', 'a'], ['ab', 'a'])))).toEqual(['step-gap']);
    expect(bindingRefusals({}, withSteps('a', steps(['abc', 'a'], ['ab', 'a'])), { runId: 'run-1' })[0]?.message).toContain('step 1');
  });

  it('looks at a bounded number of steps', () => {
    const many = (count: number): DerivationStep[] => Array.from({ length: count }, () => ({ fromCapability: cap(['a']), toCapability: cap(['a']) }));
    expect(reasons({}, withSteps('a', many(DERIVATION_STEPS_MAX)))).toEqual([]);
    expect(reasons({}, withSteps('a', many(DERIVATION_STEPS_MAX + 1)))).toEqual(['too-many-steps']);
  });

  it('never lets a derived authority exceed its parent', () => {
    const letters = fc.subarray(['a', 'b', 'c', 'd', 'e']);
    fc.assert(
      fc.property(fc.array(fc.tuple(letters, letters), { minLength: 1, maxLength: 4 }), letters, (pairs, leaf) => {
        const given = withSteps(leaf.join(''), pairs.map(([from, to]) => ({ fromCapability: cap(from), toCapability: cap(to) })));
        if (reasons(cap(leaf), given).length > 0) return;
        // Nothing refused: then each set is within the one before it, down to the leaf.
        const sets = [...pairs.flat(), leaf];
        for (const [i, set] of sets.slice(1).entries()) expect(set.every((one) => sets[i]?.includes(one))).toBe(true);
      }),
    );
  });

  it('keeps the payload to bytes of the leaf alone: steps change nothing that is signed', () => {
    const bytes = (given: AuthorityDerivationToken): Bytes => derivationPayload(given);
    expect(bytes(withSteps('a', steps(['ab', 'a'])))).toEqual(bytes(withSteps('a', [])));
  });
});
