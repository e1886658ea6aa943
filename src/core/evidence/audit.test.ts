import { describe, expect, it } from 'vitest';
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { type Digest, digestOf } from '../../base/crypto.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { ulid } from '../../base/ids.ts';
import { rootMap, SAMPLE_ROOT, type SampleChain, sampleFile, sampleHistory, type SampleKey, sampleKey } from '../../testing/sample-keys.ts';
import { EVENTS } from '../events/catalogue.ts';
import { decidePolicy, decisionData } from '../policy/decision.ts';
import { parsePolicyPack } from '../policy/read-policy.ts';
import { type EnvelopeKeys, envelopeText, signEvent, signEventHmac } from '../signing/envelope.ts';
import type { KeyBound, KeyState } from '../signing/key-validity.ts';
import type { TrustPin } from '../signing/keyset-chain.ts';
import { auditBundle, type AuditTrust } from './audit.ts';
import { auditEnvelopes } from './audit-envelopes.ts';
import { VERDICT_EXIT } from './audit-report.ts';
import { BUNDLE, makeAttestation } from './bundle.ts';
import { ChainWriter } from './chain.ts';

const event = sampleKey('event', 1);
const bundleKey = sampleKey('bundle', 3);

interface Options {
  readonly epoch?: number;
  readonly notAfter?: string;
  readonly time?: string;
  readonly gaps?: number;
  /** What the seal says instead. */
  readonly sealedGaps?: JsonValue;
  readonly attestedGaps?: number;
  readonly sealed?: boolean;
  readonly attested?: boolean;
  /** Lists of keys, an epoch each; default: as many of the same as `epoch` says. */
  readonly lists?: readonly (readonly SampleKey[])[];
  readonly chain?: SampleChain;
  readonly signers?: { readonly event: SampleKey; readonly bundle: SampleKey };
  readonly run?: string;
  /** Records between the second and the seal. */
  readonly more?: number;
  /** Data of a policy decision, after the genesis. */
  readonly decision?: JsonValue;
  readonly decisionTier?: 'host' | 'guest';
  /** After the start instead. */
  readonly decisionLate?: boolean;
}

function bundle(options: Options = {}): Map<string, Bytes> {
  // As many epochs as are asked for; nothing else changes.
  const keyset = sampleFile(options.lists ?? Array(options.epoch ?? 3).fill([event, bundleKey]), { ...options.chain, ...(options.notAfter === undefined ? {} : { notAfter: options.notAfter }) });
  const { run = 'run' } = options;
  let id = 0;
  const chain = new ChainWriter({ stream: run, signer: options.signers?.event ?? event, source: 'test', salt: () => new Uint8Array(16), eventId: () => `id-${id++}`, time: () => options.time ?? '2026-02-01T10:00:00.123+00:00' });
  const lines = [chain.append({ type: EVENTS.genesis.type, tier: 'host', data: jsonObject({ runId: run, keysetDigest: digestOf(keyset), canonicalSpecHash: 'sha256:5' }) }).line];
  const decided = (decision: JsonValue): void => void lines.push(chain.append({ type: EVENTS.policyDecided.type, tier: options.decisionTier ?? 'host', data: jsonObject({ runId: run, decision }) }).line);
  if (options.decision !== undefined && options.decisionLate !== true) decided(options.decision);
  lines.push(chain.append({ type: EVENTS.started.type, tier: 'host', data: jsonObject({ runId: run }) }).line);
  if (options.decision !== undefined && options.decisionLate === true) decided(options.decision);
  for (let n = 0; n < (options.more ?? 0); n += 1) lines.push(chain.append({ type: EVENTS.started.type, tier: 'host', data: jsonObject({ runId: run }) }).line);
  const gaps = options.gaps ?? 0;
  if (options.sealed !== false) lines.push(chain.seal(jsonObject({ runId: run, outcome: 'exited', gaps: options.sealedGaps === undefined ? gaps : options.sealedGaps })).line);
  const files = new Map<string, Bytes>([[BUNDLE.records, Buffer.concat(lines)], [BUNDLE.keyset, keyset]]);
  const digests = new Map<string, Digest>([...files].map(([path, bytes]) => [path, digestOf(bytes)]));
  if (options.attested !== false) files.set(BUNDLE.attestation, makeAttestation({ files: digests, predicate: { runId: run, count: chain.count, head: chain.head, gaps: options.attestedGaps ?? gaps, outcome: 'exited' }, signer: options.signers?.bundle ?? bundleKey }));
  return files;
}

const roots = rootMap();

function verdict(files: ReadonlyMap<string, Bytes>, trust: Partial<AuditTrust> = {}) {
  const source = {
    list: async () => [...files.keys()],
    async *open(path: string) {
      yield files.get(path) ?? new Uint8Array();
    },
  };
  return auditBundle(source, { roots, ...trust });
}

const POLICY_INPUT = { ttlSeconds: 600, egressRules: [], secretDelivery: 'none', limitsDeclared: false, secretRefs: [], caller: 'ci' } as const;

function decisionOf(rules: object, specHash = 'sha256:5'): JsonObject {
  const pack = parsePolicyPack(utf8(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p', rules } })));
  return decisionData(decidePolicy({ pack, caller: 'ci' }, POLICY_INPUT, specHash));
}

describe('auditBundle() decides policy again [U9]', () => {
  it('complete when the record says what its own pack and inputs give', async () => {
    expect(await verdict(bundle({ decision: decisionOf({ maxLifetimeTtlSeconds: 600 }) }))).toMatchObject({ verdict: 'complete', count: 4 });
  });

  it.each<[string, Partial<Options>, string]>([
    ['a signed lie', { decision: jsonObject({ ...decisionOf({ maxLifetimeTtlSeconds: 599 }), verdict: 'admitted', violations: [] }) }, 'the policy decision is not what it was decided by: it says admitted, and its own pack and inputs give refused'],
    ['no decision at all', { decision: null }, 'the policy decision is not what it was decided by: it holds no decision'],
    ['a decision about another document', { decision: decisionOf({}, 'sha256:6') }, 'the policy decision is about another document'],
    ['a decision of a guest', { decision: decisionOf({}), decisionTier: 'guest' }, 'a policy decision is of the tier host'],
  ])('tampered: %s', async (_name, options, reason) => {
    expect(await verdict(bundle(options))).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 1, line: 2, reason } });
  });

  it('tampered when the run went on after a refusal', async () => {
    expect(await verdict(bundle({ decision: decisionOf({ maxLifetimeTtlSeconds: 599 }) }))).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 2, reason: 'policy refused the document, and the run went on' } });
  });

  it('tampered when it was decided after the fact', async () => {
    expect(await verdict(bundle({ decision: decisionOf({}), decisionLate: true }))).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 2, reason: 'the policy decision stands after what it decides about' } });
  });

  it('unsupported when later rules decided', async () => {
    expect(await verdict(bundle({ decision: jsonObject({ ...decisionOf({}), v: 2 }) }))).toMatchObject({ verdict: 'unsupported', firstBadRecord: { seq: 1, reason: 'the policy decision cannot be decided again: it was made by version 2 of the rules' } });
  });
});

describe('auditBundle() verdicts', () => {
  it('have the exit codes that are documented', () => {
    expect(VERDICT_EXIT).toEqual({ complete: 0, 'complete-with-declared-gaps': 0, 'incomplete-tail': 10, tampered: 11, 'untrusted-key': 12, 'stale-trust': 13, unsupported: 14, 'authentic-unordered': 15 });
  });

  it('complete, and complete with the gaps that seal and attestation declare', async () => {
    expect(await verdict(bundle())).toMatchObject({ verdict: 'complete', findings: [] });
    expect(await verdict(bundle({ gaps: 2 }))).toMatchObject({ verdict: 'complete-with-declared-gaps', exitCode: 0, findings: ['2 gaps are declared'] });
  });

  it('tampered when seal and attestation declare other gaps, or gaps that are no number [U6]', async () => {
    for (const [sealed, attested] of [[2, 0], [0, 2], [1, 2]] as const) {
      expect(await verdict(bundle({ gaps: sealed, attestedGaps: attested }))).toMatchObject({ verdict: 'tampered', exitCode: 11, findings: [`The attestation declares ${attested} gaps, the seal ${sealed}`] });
    }
    for (const sealedGaps of ['0', null, -1, jsonObject({})]) {
      expect(await verdict(bundle({ sealedGaps: sealedGaps as JsonValue }))).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 2, reason: 'the seal does not say how many gaps there are' } });
    }
    expect(await verdict(bundle({ gaps: -1 }))).toMatchObject({ verdict: 'tampered' });
  });

  it('tampered when genesis or seal are of another tier than the host, which no later record may bind [U7]', async () => {
    for (const [at, tail] of [[0, bundle({ sealed: false, attested: false })], [2, bundle({ attested: false })]] as const) {
      const lines = new TextDecoder().decode(tail.get(BUNDLE.records)).trimEnd().split('\n').slice(0, at + 1);
      lines[at] = lines[at]?.replace('"tier":"host"', '"tier":"guest"') ?? '';
      tail.set(BUNDLE.records, utf8(`${lines.join('\n')}\n`));
      expect(await verdict(tail)).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: at, reason: 'a genesis and a seal are of the tier host' } });
    }
  });

  it('incomplete-tail when the end never came, tampered when it was attested and is gone [U4]', async () => {
    expect(await verdict(bundle({ sealed: false, attested: false }))).toMatchObject({ verdict: 'incomplete-tail', count: 2 });
    expect(await verdict(bundle({ attested: false }))).toMatchObject({ verdict: 'incomplete-tail', count: 3 });
    expect(await verdict(bundle({ sealed: false }))).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 2, line: 3 } });
    const begun = bundle({ sealed: false, attested: false });
    begun.delete(BUNDLE.keyset);
    expect(await verdict(begun)).toMatchObject({ verdict: 'tampered' });
    begun.set(BUNDLE.records, new Uint8Array());
    expect(await verdict(begun)).toMatchObject({ verdict: 'incomplete-tail', count: 0 });
    expect(await verdict(new Map())).toMatchObject({ verdict: 'incomplete-tail', count: 0 });
  });

  it('untrusted-key for a root nobody pinned', async () => {
    expect(await verdict(bundle(), { roots: new Map() })).toMatchObject({ verdict: 'untrusted-key', exitCode: 12 });
    expect(await verdict(bundle(), { roots: new Map([[SAMPLE_ROOT.kid, event.publicKey]]) })).toMatchObject({ verdict: 'untrusted-key' });
  });

  it('stale-trust for a keyset before the pinned epoch', async () => {
    expect(await verdict(bundle(), { epochMin: 3 })).toMatchObject({ verdict: 'complete' });
    expect(await verdict(bundle(), { epochMin: 4 })).toMatchObject({ verdict: 'stale-trust', exitCode: 13 });
    expect(await verdict(bundle({ sealed: false, attested: false }), { epochMin: 4 })).toMatchObject({ verdict: 'stale-trust' });
    expect(await verdict(bundle({ sealed: false }), { epochMin: 4 })).toMatchObject({ verdict: 'tampered' });
  });

  it('stale-trust for a keyset that had run out: when the run ended, or at the time of the audit', async () => {
    const good = bundle({ notAfter: '2026-03-01T00:00:00Z' });
    expect(await verdict(good)).toMatchObject({ verdict: 'complete' });
    expect(await verdict(good, { at: '2026-03-01T00:00:00.000Z' })).toMatchObject({ verdict: 'complete' });
    expect(await verdict(good, { at: '2026-03-01T00:00:01.000Z' })).toMatchObject({ verdict: 'stale-trust' });
    expect(await verdict(bundle({ notAfter: '2026-02-01T09:59:59+00:00' }))).toMatchObject({ verdict: 'stale-trust' });
    expect(await verdict(bundle({ notAfter: '2026-03-01T00:00:00Z', time: '2026-02-01T10:00:00+02:00' }))).toMatchObject({ verdict: 'stale-trust' });
    expect(await verdict(bundle({ notAfter: 'soon' }))).toMatchObject({ verdict: 'tampered' });
  });

  it('throws what the source throws, and calls no disk error a defect of the bundle', async () => {
    const failing = {
      list: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })),
      open: () => (async function* () { yield utf8(''); })(),
    };
    await expect(auditBundle(failing, { roots })).rejects.toThrow('EIO');
  });

  it('reads no more records than the limit', async () => {
    const files = bundle();
    // As long as it says, without being there.
    const endless = Object.defineProperty(new Uint8Array(1), 'byteLength', { value: LIMITS.recordsSizeBytesMax + 1 });
    const source = {
      list: async () => [...files.keys()],
      async *open(path: string) {
        yield path === BUNDLE.records ? endless : (files.get(path) ?? new Uint8Array());
      },
    };
    expect(await auditBundle(source, { roots })).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 0, reason: expect.stringContaining('longer than') } });
  });
});

describe('keys that were rotated, retired or compromised [U8]', () => {
  const day = Date.parse('2026-02-01T10:00:00Z');
  const runAt = (offset: number): string => ulid(day + offset, new Uint8Array(10)).toLowerCase();
  const [RUN, LATER] = [runAt(0), runAt(60_000)];
  const [e1, e2, b1, b2] = [sampleKey('event', 1), sampleKey('event', 2), sampleKey('bundle', 3), sampleKey('bundle', 4)];
  const is = (key: SampleKey, state: KeyState, until?: KeyBound): SampleKey => ({ ...key, state, ...(until === undefined ? {} : { until }) });
  const from = (run: string, seq = 0): KeyBound => ({ kind: 'run', run, seq });
  const rotated = [[e1, b1], [e1, b1, is(e2, 'next'), is(b2, 'next')], [e1, b1, is(e2, 'accepted'), is(b2, 'accepted')], [is(e1, 'retiring'), is(b1, 'retiring'), e2, b2], [is(e1, 'retired', from(LATER)), is(b1, 'retired', from(LATER)), e2, b2]];

  function pinned(lists: readonly (readonly SampleKey[])[]): { pins: TrustPin[]; roots: Map<string, Bytes> } {
    return { roots: new Map(), pins: [{ roots: rootMap(), threshold: 1, known: sampleHistory(lists) }] };
  }

  /** A run of four records under the first `epoch` of these keysets. */
  const made = (lists: readonly (readonly SampleKey[])[], epoch: number, signers: { event: SampleKey; bundle: SampleKey }, run = RUN) => bundle({ lists: lists.slice(0, epoch), signers, run, more: 1 });

  it('evidence verifies under every later keyset: through announce, accept, switch and retire', async () => {
    for (let epoch = 1; epoch <= 5; epoch += 1) {
      const signers = epoch < 4 ? { event: e1, bundle: b1 } : { event: e2, bundle: b2 };
      for (let known = 1; known <= 5; known += 1) expect(await verdict(made(rotated, epoch, signers), pinned(rotated.slice(0, known))), `${epoch} under ${known}`).toMatchObject({ verdict: 'complete', count: 4 });
    }
  });

  it('a key signs nothing before it is accepted, and nothing after it is retired', async () => {
    expect(await verdict(made(rotated, 2, { event: e2, bundle: b1 }))).toMatchObject({ verdict: 'untrusted-key', exitCode: 12, firstBadRecord: { seq: 0, line: 1, reason: 'key "event-2" was announced only when the run began' } });
    expect(await verdict(made(rotated, 5, { event: e1, bundle: b2 }))).toMatchObject({ verdict: 'untrusted-key', firstBadRecord: { seq: 0, reason: 'key "event-1" was retired when the run began' } });
    expect(await verdict(made(rotated, 5, { event: e2, bundle: b1 }))).toMatchObject({ verdict: 'untrusted-key', count: 4, findings: ['The attestation does not count: key "bundle-3" was retired when the run began'] });
    // A run of later that pretends to have begun under the keysets of earlier.
    expect(await verdict(made(rotated, 1, { event: e1, bundle: b1 }, runAt(61_000)), pinned(rotated))).toMatchObject({ verdict: 'untrusted-key', firstBadRecord: { seq: 0 } });
    expect(await verdict(made(rotated, 1, { event: e1, bundle: b1 }, 'run'), pinned(rotated))).toMatchObject({ verdict: 'untrusted-key', firstBadRecord: { seq: 0 } });
  });

  it('a compromise cuts from its position on, and leaves what stands before', async () => {
    const cut = async (until: KeyBound, key: SampleKey = e1) => {
      const second = key === e1 ? [is(e1, 'compromised', until), e2, b1] : [e1, is(b1, 'compromised', until), b2];
      const report = await verdict(made([[e1, b1]], 1, { event: e1, bundle: b1 }), pinned([[e1, b1], second]));
      return [report.verdict, report.firstBadRecord?.seq, report.count];
    };
    expect(await cut(from(LATER))).toEqual(['complete', undefined, 4]);
    expect(await cut(from(RUN, 4))).toEqual(['complete', undefined, 4]);
    for (const seq of [0, 1, 2, 3]) expect(await cut(from(RUN, seq))).toEqual(['untrusted-key', seq, seq]);
    expect(await cut(from(runAt(-1)))).toEqual(['untrusted-key', 0, 0]);
    expect(await cut({ kind: 'time', time: '2026-02-01T10:00:00.124Z' })).toEqual(['complete', undefined, 4]);
    expect(await cut({ kind: 'time', time: '2026-02-01T10:00:00.123Z' })).toEqual(['untrusted-key', 0, 0]);
    // The attestation comes after the last record.
    expect(await cut(from(RUN, 5), b1)).toEqual(['complete', undefined, 4]);
    expect(await cut(from(RUN, 4), b1)).toEqual(['untrusted-key', undefined, 4]);
  });

  it('tampered stays tampered, whatever the key is worth', async () => {
    const files = made([[e1, b1]], 1, { event: e1, bundle: b1 });
    files.set('stdout.log', utf8('x'));
    expect(await verdict(files, pinned([[e1, b1], [is(e1, 'compromised', from(LATER)), e2, b1]]))).toMatchObject({ verdict: 'tampered' });
  });

  it('two histories of one root are no ground to trust either', async () => {
    const other = [[e1, b1], [e1, b1, sampleKey('checkpoint', 9)]];
    expect(await verdict(made(rotated, 3, { event: e1, bundle: b1 }), pinned(other))).toMatchObject({ verdict: 'untrusted-key', findings: [expect.stringContaining('signed two')] });
    expect(await verdict(made(rotated, 1, { event: e1, bundle: b1 }), pinned(other))).toMatchObject({ verdict: 'complete' });
  });

  it('stale-trust where more was seen than is at hand, and never instead of something worse', async () => {
    const seen = (epochSeen: number, known = 1) => ({ roots: new Map(), pins: [{ roots: rootMap(), threshold: 1, known: sampleHistory(rotated.slice(0, known)), epochSeen }] });
    const good = made(rotated, 2, { event: e1, bundle: b1 });
    expect(await verdict(good, seen(2))).toMatchObject({ verdict: 'complete' });
    expect(await verdict(good, seen(3))).toMatchObject({ verdict: 'stale-trust', exitCode: 13, findings: ['The newest keyset at hand is of epoch 2, and epoch 3 was seen: get a newer trust file'] });
    expect(await verdict(good, seen(3, 3))).toMatchObject({ verdict: 'complete' });
    expect(await verdict(made(rotated, 2, { event: e2, bundle: b1 }), seen(3))).toMatchObject({ verdict: 'untrusted-key' });
    expect(await verdict(good, { ...pinned(rotated), epochMin: 5 })).toMatchObject({ verdict: 'complete' });
    expect(await verdict(good, { ...pinned(rotated), epochMin: 6 })).toMatchObject({ verdict: 'stale-trust', findings: ['The newest keyset known is of epoch 5; epoch 6 or later is asked for'] });
  });

  it('a pin wants its threshold, whatever the keyset says', async () => {
    const roots = [sampleKey('root', 210), sampleKey('root', 211)];
    const files = bundle({ lists: [[e1, b1]], signers: { event: e1, bundle: b1 }, chain: { roots, threshold: 2 } });
    expect(await verdict(files, { roots: rootMap(roots) })).toMatchObject({ verdict: 'complete' });
    expect(await verdict(files, { roots: rootMap([roots[0] as SampleKey]) })).toMatchObject({ verdict: 'untrusted-key' });
    expect(await verdict(bundle({ lists: [[e1, b1]], signers: { event: e1, bundle: b1 } }), { roots: new Map(), pins: [{ roots: rootMap([SAMPLE_ROOT, roots[0] as SampleKey]), threshold: 2 }] })).toMatchObject({ verdict: 'untrusted-key' });
  });
});

describe('auditEnvelopes()', () => {
  const key = sampleKey('event', 1);
  const keys: EnvelopeKeys = { ed25519: new Map([[key.kid, key.publicKey]]), hmac: new Map([['shared', utf8('secret')]]) };
  const plain = { specversion: '1.0', id: '1', source: 's', type: 't' } as const;
  const signed = envelopeText(signEvent(plain, key));
  const mac = envelopeText(signEventHmac(plain, { kid: 'shared', key: utf8('secret') }));
  const judge = (lines: readonly string[], by: EnvelopeKeys = keys) => auditEnvelopes((async function* () { yield utf8(lines.join('\n')); })(), by);

  it('is authentic-unordered at best', async () => {
    expect(await judge([signed, '', signed])).toEqual({ verdict: 'authentic-unordered', exitCode: 15, count: 2, findings: ['2 events are authentic; nothing proves their order, or that none is missing'] });
    expect(await judge([signed, signed.replace('"id":"1"', '"id":"2"')])).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 1, line: 2 } });
    expect(await judge([signed], { ed25519: new Map() })).toMatchObject({ verdict: 'untrusted-key', exitCode: 12 });
  });

  it('counts an HMAC as internal, and never as proof', async () => {
    expect(await judge([signed, mac])).toMatchObject({ verdict: 'untrusted-key', exitCode: 12, count: 2, internal: 1, findings: ['1 of 2 events carry an HMAC that fits: internal only, as whoever can check it can have made it'] });
    expect(await judge([mac], { ed25519: keys.ed25519 })).toMatchObject({ verdict: 'untrusted-key', count: 0 });
    expect(await judge([mac], { ...keys, hmac: new Map([['shared', utf8('other')]]) })).toMatchObject({ verdict: 'tampered' });
  });

  it('never lets the sender choose the algorithm of a key', async () => {
    const confused = envelopeText(signEventHmac(plain, { kid: key.kid, key: key.publicKey }));
    expect(await judge([confused], { ...keys, hmac: new Map([[key.kid, key.publicKey]]) })).toMatchObject({ verdict: 'tampered', findings: [expect.stringContaining('is an Ed25519 key, and the event carries an HMAC')] });
  });
});
