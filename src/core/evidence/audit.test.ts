import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { type Digest, digestOf, ed25519SigningKey, p256SigningKey } from '../../base/crypto.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import { decidePolicy, decisionData } from '../policy/decision.ts';
import { parsePolicyPack } from '../policy/read-policy.ts';
import { makeKeyset } from '../signing/keyset.ts';
import { auditBundle, type AuditTrust, VERDICT_EXIT } from './audit.ts';
import { BUNDLE, makeAttestation } from './bundle.ts';
import { ChainWriter } from './chain.ts';

const seed = (name: string): Bytes => new Uint8Array(createHash('sha256').update(name).digest());
const root = { kid: 'root', ...ed25519SigningKey(seed('root')), publicKey: ed25519SigningKey(seed('root')).publicKey };
const event = { kid: 'event', sign: ed25519SigningKey(seed('event')).sign, publicKey: ed25519SigningKey(seed('event')).publicKey };
const p256 = p256SigningKey(new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' })));
const bundleKey = { kid: 'bundle', sign: p256.sign };

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
  /** Data of a policy decision, after the genesis. */
  readonly decision?: JsonValue;
  readonly decisionTier?: 'host' | 'guest';
  /** After the start instead. */
  readonly decisionLate?: boolean;
}

function bundle(options: Options = {}): Map<string, Bytes> {
  const keyset = makeKeyset({
    keysetId: 'k',
    epoch: options.epoch ?? 3,
    producedAt: '2026-01-01T00:00:00Z',
    ...(options.notAfter === undefined ? {} : { notAfter: options.notAfter }),
    keys: [
      { kid: 'event', algorithm: 'ed25519', purpose: 'event', publicKey: event.publicKey },
      { kid: 'bundle', algorithm: 'ecdsa-p256-sha256', purpose: 'bundle', publicKey: p256.publicKey },
    ],
    root,
  });
  let id = 0;
  const chain = new ChainWriter({ stream: 'run', signer: event, source: 'test', salt: () => new Uint8Array(16), eventId: () => `id-${id++}`, time: () => options.time ?? '2026-02-01T10:00:00.123+00:00' });
  const lines = [chain.append({ type: EVENTS.genesis.type, tier: 'host', data: jsonObject({ runId: 'run', keysetDigest: digestOf(keyset), canonicalSpecHash: 'sha256:5' }) }).line];
  const decided = (decision: JsonValue): void => void lines.push(chain.append({ type: EVENTS.policyDecided.type, tier: options.decisionTier ?? 'host', data: jsonObject({ runId: 'run', decision }) }).line);
  if (options.decision !== undefined && options.decisionLate !== true) decided(options.decision);
  lines.push(chain.append({ type: EVENTS.started.type, tier: 'host', data: jsonObject({ runId: 'run' }) }).line);
  if (options.decision !== undefined && options.decisionLate === true) decided(options.decision);
  const gaps = options.gaps ?? 0;
  if (options.sealed !== false) lines.push(chain.seal(jsonObject({ runId: 'run', outcome: 'exited', gaps: options.sealedGaps === undefined ? gaps : options.sealedGaps })).line);
  const files = new Map<string, Bytes>([[BUNDLE.records, Buffer.concat(lines)], [BUNDLE.keyset, keyset]]);
  const digests = new Map<string, Digest>([...files].map(([path, bytes]) => [path, digestOf(bytes)]));
  if (options.attested !== false) files.set(BUNDLE.attestation, makeAttestation({ files: digests, predicate: { runId: 'run', count: chain.count, head: chain.head, gaps: options.attestedGaps ?? gaps, outcome: 'exited' }, signer: bundleKey }));
  return files;
}

const roots = new Map([['root', root.publicKey]]);

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

describe('auditBundle() decides policy again [U8]', () => {
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
    expect(await verdict(bundle(), { roots: new Map([['root', event.publicKey]]) })).toMatchObject({ verdict: 'tampered' });
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
});
