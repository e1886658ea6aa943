import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64, utf8 } from '../../base/bytes.ts';
import { jcsBytes } from '../../base/canonical-json.ts';
import { ed25519SigningKey, p256SigningKey } from '../../base/crypto.ts';
import { decodeDerSignature, encodeDerSignature } from '../../base/ecdsa-der.ts';
import type { JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { generateKeyPairSync } from 'node:crypto';
import { signEvent } from '../signing/envelope.ts';
import { makeAttestation, verifyAttestation } from './bundle.ts';
import { crossHostEntryDigest, CROSS_HOST_GENESIS, signCrossHostEntry, verifyCrossHostChains } from './cross-host-chain.ts';
import { rollUpControls } from './control-rollup.ts';
import { signEvidencePackage, verifyEvidencePackage } from './evidence-package.ts';
import { hostBaselineEvent, verifyHostBaseline } from './host-baseline.ts';

const [a, b] = [1, 2].map((n) => ({ kid: `k${n}`, ...ed25519SigningKey(new Uint8Array(32).fill(n)) })) as [ReturnType<typeof ed25519SigningKey> & { kid: string }, ReturnType<typeof ed25519SigningKey> & { kid: string }];
const signer = ({ kid, sign }: typeof a) => ({ kid, sign });
const keys = new Map([a, b].map(({ kid }, i) => [kid, (i === 0 ? a : b).publicKey]));
const refusal = (reason: string) => expect.objectContaining({ code: 'evidence.invalid', facts: { reason } });

describe('the attestation of a bundle', () => {
  const key = p256SigningKey(new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' })));
  const bytes = makeAttestation({ files: new Map([['a', `sha256:${'0'.repeat(64)}` as const]]), predicate: { runId: 'r', count: 1, head: 'h', gaps: 0, outcome: 'exited' }, signer: { kid: 'p', sign: key.sign } });
  const trusted = new Map([['p', key.publicKey]]);

  it('has one valid byte form: the twin signature with n - s is refused', () => {
    expect(verifyAttestation(bytes, trusted).predicate.runId).toBe('r');
    const envelope = parseJson(bytes) as JsonObject & { signatures: [{ sig: string; keyid: string }] };
    const rs = decodeDerSignature(fromBase64(envelope.signatures[0].sig) ?? expect.fail('not base64')) ?? expect.fail('not the one form');
    const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = BigInt(`0x${Buffer.from(rs.subarray(32)).toString('hex')}`);
    const twin = Uint8Array.of(...rs.subarray(0, 32), ...Buffer.from((N - s).toString(16).padStart(64, '0'), 'hex'));
    const forged = jcsBytes({ ...envelope, signatures: [{ keyid: 'p', sig: toBase64(encodeDerSignature(twin)) }] });
    expect(() => verifyAttestation(forged, trusted)).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
  });

  it('fails for any changed byte', () => {
    for (let i = 0; i < bytes.byteLength; i += 1) {
      const changed = Uint8Array.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => verifyAttestation(changed, trusted), String(i)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^(evidence|json)\.invalid$/) as unknown }));
    }
  });
});

describe('verifyCrossHostChains() with a policy', () => {
  const first = signCrossHostEntry({ nodeId: 'n', seq: 0, prevDigest: CROSS_HOST_GENESIS, payload: 1 }, signer(a));
  const second = signCrossHostEntry({ nodeId: 'n', seq: 1, prevDigest: crossHostEntryDigest(first.event), payload: 2 }, signer(a));
  const signers = new Map([['n', 'k1']]);

  it('lets one key speak for a node [H2]', () => {
    expect(verifyCrossHostChains([second, first], keys, { signers })).toEqual(new Map([['n', 1n]]));
    const foreign = signCrossHostEntry({ nodeId: 'n', seq: 1, prevDigest: crossHostEntryDigest(first.event), payload: 2 }, signer(b));
    expect(verifyCrossHostChains([first, foreign], keys)).toEqual(new Map([['n', 1n]]));
    expect(() => verifyCrossHostChains([first, foreign], keys, { signers })).toThrow(refusal('other-signer'));
  });

  it('misses a cut tail, a whole node and an entry of another type [H2]', () => {
    const heads = new Map([['n', crossHostEntryDigest(second.event)]]);
    expect(verifyCrossHostChains([first, second], keys, { signers, heads }).size).toBe(1);
    expect(() => verifyCrossHostChains([first], keys, { signers, heads })).toThrow(refusal('head-missing'));
    expect(() => verifyCrossHostChains([], keys, { signers, heads })).toThrow(refusal('head-missing'));
    const other = signEvent({ ...first.event, type: 'x' }, signer(a));
    expect(() => verifyCrossHostChains([other], keys, { signers })).toThrow(refusal('other-type'));
  });

  it('accepts no proper prefix of any chain when its head is pinned [H2]', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 8 }), fc.nat(), (payloads, cut) => {
        let prevDigest = CROSS_HOST_GENESIS;
        const chain = payloads.map((payload, seq) => {
          const entry = signCrossHostEntry({ nodeId: 'n', seq, prevDigest, payload: parseJson(JSON.stringify(payload)) }, signer(a));
          prevDigest = crossHostEntryDigest(entry.event);
          return entry;
        });
        const policy = { signers, heads: new Map([['n', prevDigest]]) };
        expect(verifyCrossHostChains(chain, keys, policy)).toEqual(new Map([['n', BigInt(chain.length - 1)]]));
        expect(() => verifyCrossHostChains(chain.slice(0, cut % chain.length), keys, policy)).toThrow(refusal('head-missing'));
      }),
    );
  });
});

describe('strict verification of signed evidence', () => {
  it('refuses a baseline of another type, or one that does not follow from its controls [A2]', () => {
    const baseline = { schemaVersion: '1.0.0', probeMode: 'linux-probed', controls: [{ name: 'kvm', satisfied: false, detail: 'd' }], allSatisfied: false };
    const event = hostBaselineEvent(baseline, { host: 'h1', time: '2026-01-01T00:00:00Z' });
    expect(event).toMatchObject({ id: 'host-baseline-h1-2026-01-01T00:00:00Z', time: '2026-01-01T00:00:00Z' });
    expect(verifyHostBaseline(signEvent(event, signer(a)), keys, { strict: true })).toEqual({ ...baseline, host: 'h1' });
    const wrong = signEvent(hostBaselineEvent({ ...baseline, allSatisfied: true }), signer(a));
    expect(verifyHostBaseline(wrong, keys).allSatisfied).toBe(true);
    expect(() => verifyHostBaseline(wrong, keys, { strict: true })).toThrow(refusal('inconsistent'));
    expect(() => verifyHostBaseline(signEvent({ ...event, type: 'x' }, signer(a)), keys, { strict: true })).toThrow(refusal('other-type'));
  });

  it('refuses a package of another type, period or root key [P2]', () => {
    const artifacts = [{ name: 'z', bytes: utf8('1') }, { name: 'a', bytes: utf8('2') }];
    const signed = signEvidencePackage({ period: '2026-Q1', artifacts, signer: signer(a) });
    verifyEvidencePackage(signed, artifacts.toReversed(), keys, { period: '2026-Q1' });
    expect(() => verifyEvidencePackage(signed, artifacts, keys, { period: '2026-Q2' })).toThrow(refusal('other-period'));
    expect(() => verifyEvidencePackage(signEvent(signed.event, signer(b)), artifacts, keys, { period: '2026-Q1' })).toThrow(refusal('other-root'));
    expect(() => verifyEvidencePackage(signEvent({ ...signed.event, type: 'x' }, signer(a)), artifacts, keys, { period: '2026-Q1' })).toThrow(refusal('other-type'));
    expect(() => verifyEvidencePackage(signed, artifacts.slice(1), keys)).toThrow(refusal('artifacts-differ'));
  });

  it('tells an unknown signer from tampering [O2]', () => {
    const event = signEvent({ specversion: '1.0', id: '1', source: 's', type: 't' }, signer(a));
    const rollup = rollUpControls([], [event, { ...event, signerKid: 'who' }, { ...event, event: { ...event.event, id: '2' } }], keys);
    expect(rollup).toMatchObject({ verifiedEventCount: 1, tamperFailureCount: 2, unknownSigners: 1, allSubstantiated: false });
  });
});
