import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../base/bytes.ts';
import { isSuperset } from '../../authority/capability.ts';
import type { AuthorityBundle, ExecutionCellDocument, ExecutionCellSpec, U64 } from '../../spec/document.ts';
import { EXECUTION_CELL_DOCUMENT } from '../../spec/document-shape.ts';
import { encodeText } from '../../spec/encode.ts';
import { canonicalSpecHash } from '../../spec/hash.ts';
import { checkSpec } from '../../spec/parse.ts';
import { jsonObject } from '../../../base/json.ts';
import { SAMPLE_RUN_ID, sampleEvents, sampleRecords, type SampleOptions } from '../../../testing/sample-run.ts';
import type { RunReport } from '../report/report-model.ts';
import { RunReporter } from '../report/run-report.ts';
import { type ObservedUse, observedUse } from './observed-use.ts';
import { rebuiltDocument } from './rebuilt-document.ts';
import { suggestedOptions } from './suggest-options.ts';
import { suggestSpec } from './suggest-spec.ts';

const MIB = 1024 * 1024;
const documentOf = (spec: ExecutionCellSpec): ExecutionCellDocument => ({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec });
const isValid = (document: ExecutionCellDocument): boolean => checkSpec(utf8(encodeText(EXECUTION_CELL_DOCUMENT, document)), { format: 'json' }).kind === 'ok';
const seen = (use: 'used' | 'unused' | 'not-observed') => ({ use, seen: use });

const OBSERVED: ObservedUse = {
  secrets: new Map([['TOKEN', seen('used')], ['SPARE', seen('unused')], ['ODD', seen('not-observed')]]),
  exported: new Set(['out']),
  loopbackOnly: true,
  defaultMounts: true,
  memoryPeakBytes: 5 * MIB,
  memoryLimitBytesMin: 8_000 * MIB,
  processesPeak: 4,
  longestMs: 332,
  lifeMs: 484,
};

const SPEC: ExecutionCellSpec = {
  id: 'job',
  authority: { secretRefs: ['TOKEN', 'SPARE', 'ODD'], egressRules: [{ host: 'api.example.com', port: 443 }], filesystem: jsonObject({ read: ['/data'] }) },
  lifetime: { ttlSeconds: 600 },
  run: { argv: ['make'], timeoutMs: 60_000, secretDelivery: 'runtimeBroker', limits: { memoryMaxBytes: 512 * MIB, cpuMax: { quotaMicros: 50_000 } } },
  export: { artifacts: [{ name: 'out', path: 'out.txt' }] },
};

const suggested = (spec: ExecutionCellSpec = SPEC, observed: Partial<ObservedUse> = {}) => suggestSpec(documentOf(spec), { ...OBSERVED, ...observed });
const decisions = (fields: ReturnType<typeof suggestSpec>['fields']) => Object.fromEntries(fields.map(({ path, decision }) => [path, decision]));

describe('suggestSpec()', () => {
  it('narrows what was observed not to be needed, leaves the rest, and says why of each', () => {
    const { document, fields } = suggested();
    expect(document.spec).toEqual({
      ...SPEC,
      authority: { secretRefs: ['TOKEN', 'ODD'] },
      lifetime: { ttlSeconds: 10 },
      run: { argv: ['make'], timeoutMs: 1328, secretDelivery: 'runtimeBroker', limits: { memoryMaxBytes: 64 * MIB, cpuMax: { quotaMicros: 50_000 } } },
    });
    expect(decisions(fields)).toEqual({
      'spec.export.artifacts[0]': 'left',
      'spec.authority.secretRefs[0]': 'left',
      'spec.authority.secretRefs[1]': 'narrowed',
      'spec.authority.secretRefs[2]': 'left',
      'spec.authority.egressRules': 'narrowed',
      'spec.authority.filesystem': 'narrowed',
      'spec.lifetime.ttlSeconds': 'narrowed',
      'spec.run.timeoutMs': 'narrowed',
      'spec.run.limits.memoryMaxBytes': 'narrowed',
      'spec.run.limits.cpuMax': 'left',
      'spec.run.secretDelivery': 'left',
    });
    expect(fields.find(({ path }) => path === 'spec.authority.secretRefs[2]')?.why).toBe('ODD not observed: no evidence that it is unused (not-observed)');
  });

  it('leaves what was not observed [SU2]', () => {
    const { longestMs: _long, lifeMs: _life, memoryPeakBytes: _peak, ...unknown } = OBSERVED;
    const { document, fields } = suggestSpec(documentOf(SPEC), { ...unknown, secrets: new Map(), loopbackOnly: false, defaultMounts: false });
    expect(document.spec).toEqual(SPEC);
    expect(fields.every(({ decision }) => decision === 'left')).toBe(true);
  });

  it('narrows nothing of a run that did not end well', () => {
    const { document, fields } = suggested(SPEC, { unfit: 'it failed' });
    expect(document.spec).toBe(SPEC);
    expect(new Set(fields.map(({ why }) => why))).toEqual(new Set(['it failed']));
  });

  it('adds a memory limit only below the one that was in force', () => {
    const { limits: _none, ...run } = SPEC.run ?? { argv: [], secretDelivery: 'env' as const };
    expect(suggested({ ...SPEC, run }).document.spec.run?.limits).toEqual({ memoryMaxBytes: 64 * MIB });
    expect(suggested({ ...SPEC, run }, { memoryLimitBytesMin: 32 * MIB }).document.spec.run?.limits).toBeUndefined();
    const { memoryLimitBytesMin: _limit, ...unlimited } = OBSERVED;
    expect(suggestSpec(documentOf({ ...SPEC, run }), unlimited).document.spec.run?.limits).toBeUndefined();
  });

  it('keeps a secret that another member needs, and takes an identity away together with its own', () => {
    const target = { kind: 'http', name: 't', baseUrl: 'https://example.com/', secretRef: 'SPARE' } as const;
    const withTarget = { ...SPEC, export: { artifacts: [{ name: 'out', path: 'o', target: 't' }], targets: [target] } };
    expect(suggested(withTarget).document.spec.authority.secretRefs).toEqual(['TOKEN', 'SPARE', 'ODD']);
    const unusedTarget = { ...SPEC, export: { artifacts: [], targets: [target] } };
    expect(suggested(unusedTarget).document.spec).toMatchObject({ authority: { secretRefs: ['TOKEN', 'ODD'] }, export: { targets: [] } });
    const identity = { kind: 'federatedOidc', provider: 'p', audience: 'a', secretRef: 'SPARE', ttlSeconds: 600 } as const;
    const without = suggested({ ...SPEC, identity }).document.spec;
    expect([without.identity, without.authority.secretRefs]).toEqual([undefined, ['TOKEN', 'ODD']]);
    const kept = suggested({ ...SPEC, identity: { ...identity, secretRef: 'TOKEN' } }).document.spec;
    expect(kept.identity).toMatchObject({ secretRef: 'TOKEN', ttlSeconds: 10 });
  });

  it('keeps what a derivation token names, and rules that telemetry needs', () => {
    const token = { roleRoot: 'r', derivationSteps: [], leafCapability: { egressRules: SPEC.authority.egressRules ?? [], secretRefs: ['SPARE'] }, grantorSignature: { algorithm: 'ed25519', bytes: '' } };
    const spec = suggested({ ...SPEC, authority: { ...SPEC.authority, authorityDerivation: token } }).document.spec;
    expect(spec.authority).toMatchObject({ secretRefs: ['TOKEN', 'SPARE', 'ODD'], egressRules: SPEC.authority.egressRules });
    const observedNetwork = suggested({ ...SPEC, telemetry: { channel: 'vsock-cbor', events: ['net.connect'], agentVersion: '1.0.0' } }).document.spec;
    expect(observedNetwork.authority.egressRules).toEqual(SPEC.authority.egressRules);
  });
});

const ref = fc.constantFrom('TOKEN', 'SPARE', 'ODD', 'A', 'B');
const refs = fc.uniqueArray(ref, { maxLength: 5 });
const rule = fc.record({ host: fc.constantFrom('a.example.com', 'b.example.com'), port: fc.integer({ min: 1, max: 65_535 }) });
const u64: fc.Arbitrary<U64> = fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.bigInt(2n ** 53n, 2n ** 64n - 1n));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Of all kinds of documents the valid ones. */
const document = fc
  .record({ secretRefs: optional(refs), rules: optional(fc.array(rule, { maxLength: 3 })), ttl: u64, timeout: optional(u64), memory: optional(u64), grace: optional(fc.integer({ min: 1, max: 120 })), filesystem: fc.boolean(), network: fc.boolean(), identity: optional(ref), identityTtl: optional(u64), targets: fc.uniqueArray(fc.constantFrom('t', 'u'), { maxLength: 2 }), targetRef: optional(ref), artifact: optional(fc.constantFrom('t', 'u', '')), leaf: optional(refs), delivery: fc.constantFrom('env' as const, 'runtimeBroker' as const), telemetry: optional(fc.constantFrom('net.connect', 'proc.exit')), run: fc.boolean() })
  .map((one): ExecutionCellDocument => {
    const defined = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
    const limits = one.memory === undefined && one.grace === undefined ? undefined : defined({ memoryMaxBytes: one.memory, gracefulShutdownSeconds: one.grace });
    const authority = defined({
      secretRefs: one.secretRefs,
      egressRules: one.rules,
      filesystem: one.filesystem ? jsonObject({ a: null }) : undefined,
      network: one.network ? 'all' : undefined,
      authorityDerivation: one.leaf === undefined ? undefined : { roleRoot: 'r', derivationSteps: [], leafCapability: { egressRules: [], secretRefs: one.leaf }, grantorSignature: { algorithm: 'ed25519', bytes: 'AA==' } },
    }) as AuthorityBundle;
    const spec = defined({
      id: 'job',
      authority,
      lifetime: { ttlSeconds: one.ttl },
      identity: one.identity === undefined ? undefined : defined({ kind: 'federatedOidc' as const, provider: 'p', audience: 'a', secretRef: one.identity, ttlSeconds: one.identityTtl }),
      run: one.run ? defined({ argv: ['true'], secretDelivery: one.delivery, timeoutMs: one.timeout, limits }) : undefined,
      export: { artifacts: one.artifact === undefined ? [] : [defined({ name: 'out', path: 'o', target: one.artifact === '' ? undefined : one.artifact })], targets: one.targets.map((name) => defined({ kind: 's3' as const, name, bucket: 'bucket', secretRef: one.targetRef })) },
      telemetry: one.telemetry === undefined ? undefined : { channel: 'vsock-cbor' as const, events: [one.telemetry], agentVersion: '1.0.0' },
    }) as ExecutionCellSpec;
    return documentOf(spec);
  })
  .filter(isValid);

const answer = fc.constantFrom('used' as const, 'unused' as const, 'not-observed' as const).map(seen);
const amount = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 2 ** 42 }));
const observation: fc.Arbitrary<ObservedUse> = fc
  .record({ secrets: fc.array(fc.tuple(ref, answer)).map((pairs) => new Map(pairs)), loopbackOnly: fc.boolean(), defaultMounts: fc.boolean(), memoryPeakBytes: optional(fc.integer({ min: 0, max: 2 ** 40 })), memoryLimitBytesMin: optional(fc.integer({ min: 1, max: 2 ** 40 })), processesPeak: optional(fc.nat()), longestMs: optional(amount), lifeMs: optional(amount), unfit: fc.constantFrom(undefined, undefined, undefined, 'it failed') })
  .map((one) => ({ exported: new Set<string>(), ...(Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as unknown as Omit<ObservedUse, 'exported'>) }));

const atMost = (now: U64 | undefined, before: U64 | undefined, otherwise: U64 | undefined): boolean => now === before || (now !== undefined && (before ?? otherwise) !== undefined && now <= ((before ?? otherwise) as U64));

describe('a suggestion, whatever was asked and observed', () => {
  it('asks no more than was asked [SU1]', () => {
    fc.assert(
      fc.property(document, observation, (asked, observed) => {
        const { spec } = suggestSpec(asked, observed).document;
        const before = asked.spec;
        expect(isSuperset(before.authority, spec.authority)).toBe(true);
        for (const name of ['filesystem', 'network', 'authorityDerivation'] as const) expect([undefined, before.authority[name]]).toContain(spec.authority[name]);
        expect(spec.authority.authorityDerivation).toBe(before.authority.authorityDerivation);
        expect(atMost(spec.lifetime.ttlSeconds, before.lifetime.ttlSeconds, undefined)).toBe(true);
        expect(atMost(spec.run?.timeoutMs, before.run?.timeoutMs, undefined)).toBe(true);
        expect(atMost(spec.run?.limits?.memoryMaxBytes, before.run?.limits?.memoryMaxBytes, observed.memoryLimitBytesMin)).toBe(true);
        expect({ ...spec.run, timeoutMs: 0, limits: { ...spec.run?.limits, memoryMaxBytes: 0 } }).toEqual({ ...before.run, timeoutMs: 0, limits: { ...before.run?.limits, memoryMaxBytes: 0 } });
        expect(spec.identity === undefined || (before.identity !== undefined && atMost(spec.identity.ttlSeconds, before.identity.ttlSeconds, undefined))).toBe(true);
        expect(before.export?.targets).toEqual(expect.arrayContaining([...(spec.export?.targets ?? [])]));
        expect(spec.export?.artifacts).toEqual(before.export?.artifacts);
      }),
      { numRuns: 300 },
    );
  });

  it('is valid [SU3]', () => {
    fc.assert(
      fc.property(document, observation, (asked, observed) => isValid(suggestSpec(asked, observed).document)),
      { numRuns: 300 },
    );
  });

  it('suggests itself [SU4]', () => {
    fc.assert(
      fc.property(document, observation, (asked, observed) => {
        const once = suggestSpec(asked, observed).document;
        expect(suggestSpec(once, observed).document).toEqual(once);
      }),
      { numRuns: 300 },
    );
  });

  it('has a reason for each member that is another one, and no secret is lost that was not seen to be unused', () => {
    fc.assert(
      fc.property(document, observation, (asked, observed) => {
        const { document: answered, fields } = suggestSpec(asked, observed);
        const narrowed = fields.filter(({ decision }) => decision === 'narrowed');
        expect(narrowed.length > 0).toBe(canonicalSpecHash(answered.spec) !== canonicalSpecHash(asked.spec));
        const kept = new Set(answered.spec.authority.secretRefs);
        for (const name of asked.spec.authority.secretRefs ?? []) if (!kept.has(name)) expect(observed.secrets.get(name)?.use).toBe('unused');
      }),
      { numRuns: 300 },
    );
  });
});

function reportOf(options: SampleOptions & { outcome?: string } = {}, hash?: string): RunReport {
  const reporter = new RunReporter(10);
  const events = sampleEvents(options).map(([name, data, tier = 'host']) => [name, name === 'sealed' ? { ...data, outcome: options.outcome ?? 'exited' } : name === 'genesis' && hash !== undefined ? { ...data, canonicalSpecHash: hash } : data, tier] as const);
  for (const record of sampleRecords(events)) reporter.apply(record);
  return reporter.report({ runId: SAMPLE_RUN_ID, state: 'sealed', where: '/bundle', audit: { verdict: 'complete', exitCode: 0, count: 21, findings: [] }, files: {} });
}

describe('observedUse()', () => {
  it('takes from a report what a document can be narrowed by', () => {
    expect(observedUse(reportOf())).toEqual({
      secrets: new Map([
        ['TOKEN', { use: 'used', seen: 'handed over once, seen by the host' }],
        ['SPARE', { use: 'unused', seen: 'the command never asked for it: none of its requests reached the host' }],
      ]),
      exported: new Set(['out']),
      loopbackOnly: true,
      defaultMounts: false,
      memoryPeakBytes: 5_000_000,
      memoryLimitBytesMin: 511.5 * MIB,
      processesPeak: 4,
      longestMs: 49,
      lifeMs: 480,
    });
  });

  it('learns nothing from a run that did not end with 0 [OU1]', () => {
    expect(observedUse(reportOf({ exitCode: 3 })).unfit).toContain('did not end with exit code 0 (exited 3)');
    expect(observedUse(reportOf({ outcome: 'cancelled' })).unfit).toContain('did not end by itself');
    const closed = reportOf({ outcome: 'closed' });
    expect(observedUse(closed).unfit).toBeUndefined();
    expect(observedUse({ ...closed, gaps: { ...closed.gaps, withheld: [9] } }).unfit).toContain('events are withheld');
    expect(observedUse({ ...closed, commandsMore: 1 }).unfit).toContain('more commands');
    expect(observedUse({ ...closed, commands: [] }).unfit).toContain('never began a command');
    const { outcome: _none, ...open } = closed.run;
    expect(observedUse({ ...closed, run: open }).unfit).toContain('no end on the record');
  });

  it('takes no peak where events are withheld, and a secret of several leases for unused only when each is', () => {
    const report = reportOf();
    const gaps = observedUse({ ...report, gaps: { ...report.gaps, withheld: [3] } });
    expect([gaps.memoryPeakBytes, gaps.processesPeak]).toEqual([undefined, undefined]);
    const twice = (use: 'used' | 'unused' | 'not-observed') => observedUse({ ...report, authority: [...report.authority, { kind: 'secret', name: 'SPARE', declared: '', use, seen: '' }] }).secrets.get('SPARE')?.use;
    expect([twice('used'), twice('unused'), twice('not-observed')]).toEqual(['used', 'unused', 'not-observed']);
  });
});

describe('rebuiltDocument()', () => {
  it('is the document of the command line, when it has the digest that the genesis names', () => {
    const spec: ExecutionCellSpec = { id: 'job', authority: { secretRefs: ['TOKEN', 'SPARE'] }, lifetime: { ttlSeconds: 600 }, run: { argv: ['make', 'test'], secretDelivery: 'runtimeBroker' }, export: { artifacts: [{ name: 'out', path: 'out.txt' }] } };
    expect(rebuiltDocument(reportOf({}, canonicalSpecHash(spec)))).toEqual(documentOf(spec));
    expect(rebuiltDocument(reportOf())).toBeUndefined();
  });
});

describe('suggestedOptions()', () => {
  it('are those that were asked, or lower, without what the document says by now [SO1, SO2]', () => {
    const report = reportOf();
    const observed = observedUse(report);
    const { document } = suggestSpec(documentOf(SPEC), observed);
    expect(suggestedOptions(report, observed, document).map(({ option, value }) => `${option} ${value}`)).toEqual(['--pids 16', '--workspace /home/u/project']);
    const asked = suggestedOptions(report, { ...observed, unfit: 'it failed' }, documentOf({ ...SPEC, run: { argv: ['make'], secretDelivery: 'env' } }));
    expect(asked.map(({ option, value }) => `${option} ${value}`)).toEqual([`--memory ${512 * 1024 - 512}K`, '--workspace /home/u/project', '--allow-downgrade network.egress']);
  });
});
