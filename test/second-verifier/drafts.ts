/** The bundles that the tests of the second verifier begin with: keys of one test host, a chain of keysets, runs of several kinds. */
import { canonical, type Json } from './json.ts';
import type { LogDraft } from './logs.ts';
import { type BundleDraft, ed25519, type EventDraft, json, type KeyRow, type KeysetDraft, keysetsOf, makeBundle, p256, type Plain, trustFile } from './builder.ts';

export const KEYS = {
  root: ed25519('root'),
  rootB: ed25519('root b'),
  rootC: ed25519('root c'),
  stranger: ed25519('stranger'),
  event: ed25519('event'),
  eventNext: ed25519('event next'),
  checkpoint: ed25519('checkpoint'),
  bundle: p256('bundle'),
  bundleNext: p256('bundle next'),
  checkpointNext: ed25519('checkpoint next'),
};

/** Of 2026-03-01, 10:00; the letters at the end order the runs. */
export const RUN = '01kjmdeb80aaaaaaaaaaaaaaaa';
export const RUN_BEFORE = '01kjmdeb80000000000000000a';
export const RUN_AFTER = '01kjmdeb80zzzzzzzzzzzzzzzz';
export const SPEC_HASH = `sha256:${'5'.repeat(64)}`;

export const row = (signer: KeyRow['signer'], purpose: KeyRow['purpose'], state = 'active', until?: Plain): KeyRow => ({ signer, purpose, state, ...(until === undefined ? {} : { until }) });

const BASE: readonly KeyRow[] = [row(KEYS.root, 'root'), row(KEYS.event, 'event'), row(KEYS.checkpoint, 'checkpoint'), row(KEYS.bundle, 'bundle')];

export const keyset = (keys: readonly KeyRow[] = BASE, rest: Partial<KeysetDraft> = {}): KeysetDraft => ({ keys, signers: [KEYS.root], threshold: 1, ...rest });

/** The base keyset with another state of its event key, and keys more. */
export const eventKeyIs = (state: string, until?: Plain, ...more: readonly KeyRow[]): KeysetDraft => keyset([...BASE.filter(({ purpose }) => purpose !== 'event'), row(KEYS.event, 'event', state, until), ...more]);

/** The same of its key for checkpoints. */
export const checkpointIs = (state: string, until?: Plain, ...more: readonly KeyRow[]): KeysetDraft => keyset([...BASE.filter(({ purpose }) => purpose !== 'checkpoint'), row(KEYS.checkpoint, 'checkpoint', state, until), ...more]);

/** Announced, accepted, switched to, retired. */
export const ROTATION: readonly KeysetDraft[] = [
  keyset(),
  eventKeyIs('active', undefined, row(KEYS.eventNext, 'event', 'next')),
  eventKeyIs('active', undefined, row(KEYS.eventNext, 'event', 'accepted')),
  eventKeyIs('retiring', undefined, row(KEYS.eventNext, 'event')),
  eventKeyIs('retired', { run: RUN_AFTER, seq: 0 }, row(KEYS.eventNext, 'event')),
];

export const EVENTS: readonly EventDraft[] = [
  { type: 'plan.v1.effective', data: { planDigest: SPEC_HASH, items: [{ name: 'a', status: 'enforced' }] } },
  { type: 'lifecycle.v1.started', data: { ttlSeconds: 60 }, extensions: { cexauthorityclass: 'mutate' } },
  { type: 'observability.v1.process_spawned', data: { argc: 1, load: 0.5 }, tier: 'kernel' },
  { type: 'process.v1.exited', data: { exitCode: 0, bytes: 18446744073709551615n }, tier: 'kernel' },
];

export const draft = (rest: Partial<BundleDraft> = {}): BundleDraft => ({
  stream: RUN, keysets: [keyset()], events: EVENTS, eventSigner: KEYS.event, bundleSigner: KEYS.bundle, outcome: 'exited', gaps: 0,
  files: { 'stdout.log': 'out\n', 'stderr.log': '' }, specHash: SPEC_HASH, sealed: true, attested: true, ...rest,
});

export const ORIGIN = 'cellos.dev/log/test/1';

export const log = (rest: Partial<LogDraft> = {}): LogDraft => ({ origin: ORIGIN, size: 5n, before: 1n, between: 0n, after: 2n, extensions: [], signers: [{ signer: KEYS.checkpoint }], ...rest });

export const TRUST = trustFile([KEYS.root], 1);

export const PACK = {
  apiVersion: 'cellos.io/v1', kind: 'PolicyPack',
  spec: {
    id: 'pack', description: null, version: '1.0.0',
    rules: {
      maxLifetimeTtlSeconds: 60, maxMemoryMaxBytes: 1000, maxRunTimeoutMs: 5000, requireEgressDeclared: false, forbidOutboundEgressRules: false, allowedEgressHosts: ['*.example.com', 'one.test'],
      requireRuntimeSecretDelivery: true, requireResourceLimits: true, flagDnsEgressWithoutAcknowledgment: true, requireDnsEgressJustification: true, secretRefAllowlist: { ci: ['TOKEN', 'KEY'] },
    },
  },
} as const;

export const INPUT = {
  caller: 'ci', ttlSeconds: 60, memoryMaxBytes: 1000, timeoutMs: 5000, limitsDeclared: true, secretDelivery: 'runtimeBroker', secretRefs: ['TOKEN'],
  egressRules: [{ host: 'a.EXAMPLE.com', port: 443, protocol: 'tcp' }, { host: 'one.test', port: 53, protocol: 'dns-acknowledged', dnsEgressJustification: 'names' }],
} as const;

export { canonical, type Json, json, keysetsOf, makeBundle };
