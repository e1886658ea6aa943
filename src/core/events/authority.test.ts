import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../base/canonical-json.ts';
import type { ExecutionCellSpec } from '../spec/document.ts';
import * as authority from './authority.ts';
import { EVENTS } from './catalogue.ts';
import * as probes from './host-probes.ts';
import { cortexDispatchedData, firecrackerPoolData, FORMATION_PHASES, formationData } from './platform.ts';

const spec: ExecutionCellSpec = { id: 's', authority: { egressRules: [{ host: 'h', port: 1 }] }, lifetime: { ttlSeconds: 1 }, correlation: { tenantId: 't' }, policy: { packId: 'p', packVersion: '1' } };
const run = { cellId: 'c', runId: 'r', spec };
const invalid = (path: string) => expect.objectContaining({ code: 'event.invalid', facts: { path } });

describe('events about authority', () => {
  it('sum up a document; without a run its delivery is env, and no limits are set', () => {
    expect(authority.complianceSummaryData(run, { commandExitCode: -9, subjectUrns: [] })).toEqual(
      expect.objectContaining({ secretDeliveryMode: 'env', resourceLimitsPresent: false, egressRuleCount: 1, exportTargetCount: 0, policyPackId: 'p', commandExitCode: -9 }),
    );
    expect(authority.complianceSummaryData(run, { subjectUrns: [] })['subjectUrns']).toBeUndefined();
    expect(authority.complianceSummaryData(run, { subjectUrns: ['urn:a:b:c'] })['subjectUrns']).toEqual(['urn:a:b:c']);
    expect(() => authority.complianceSummaryData(run, { subjectUrns: ['urn:a:b:c', 'urn:a'] })).toThrow(expect.objectContaining({ facts: { reason: 'too-few-segments' } }));
  });

  it('refuse before there is a run: no run id, the tenant twice', () => {
    expect(canonicalText(authority.authzRejectedData({ spec }, { reason: 'x', message: 'm' }))).toBe(
      '{"correlation":{"externalJobId":null,"externalRunId":null,"labels":null,"platform":null,"tenantId":"t"},"message":"m","reason":"x","specId":"s","subject":"t","tenantId":"t"}',
    );
    expect(authority.policyRejectedData({ spec, runId: 'r' }, { violations: [{ rule: 'a', message: 'b' }] })).toMatchObject({ violationCount: 1, policyPackVersion: '1' });
    expect(authority.policyRejectedData({ spec, runId: 'r' }, { violations: [] })['runId']).toBeUndefined();
  });

  it('decide an admission for a closed reason, with its context by name', () => {
    const decision = { admitted: true, reason: 'admitted_within_ceiling', predicate: 'p', specHash: 'h', enforcementBinding: 'declared-audit' } as const;
    expect(authority.admissionDecisionData(run, decision)['context']).toBeUndefined();
    expect(authority.admissionDecisionData(run, { ...decision, context: [['a', '1'], ['a', '2']] })).toMatchObject({ context: { a: '2' }, providerIdentity: { name: 'dalek', fipsMode: false, moduleCert: null } });
    expect(() => authority.admissionDecisionData(run, { ...decision, reason: 'because' as 'admitted_within_ceiling' })).toThrow(invalid('reason'));
  });

  it('write an unknown use as null, and the efficiency as a float', () => {
    const signal = { specHash: 'h', declaredEgressRules: 1, declaredMountPaths: 0, accessedMountPaths: 0, declaredSecretCount: 0, authorityEfficiency: 1, recommendedRemovals: [{ kind: 'egressRule', host: 'h', port: 1 }, { kind: 'secretRef', name: 'N' }] } as const;
    const text = canonicalText(authority.homeostasisData(run, signal));
    expect(text).toContain('"authorityEfficiency":1.0');
    expect(text).toContain('"exercisedEgressConnections":null');
    expect(text).toContain('[{"host":"h","kind":"egressRule","port":1,"protocol":null},{"kind":"secretRef","name":"N"}]');
    expect(() => authority.homeostasisData(run, { ...signal, recommendedRemovals: [{ kind: 'mount', name: 'x' } as never] })).toThrow(invalid('recommendedRemovals[0].kind'));
  });

  it('never use more than all, and never overdraw below nothing', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.option(fc.nat(1000)), (declared, exercised) => {
        const used = authority.authorityEfficiency(declared, exercised);
        expect(used >= 0 && used <= 1).toBe(true);
        expect(authority.homeostasisViolationData({ cellId: 'c', specHash: 'h', declared, exercised: exercised ?? 0 })['overage']).toBe(Math.max((exercised ?? 0) - declared, 0));
      }),
    );
  });
});

describe('events about what the host measures', () => {
  const sample = { specSignatureHash: 'h', sampledAtUnixMs: 1 };

  it('drop counters without a name, and sections without a counter', () => {
    const data = probes.hostCgroupData(run, { ...sample, cgroupPath: 'p', memoryEvents: [['oomKill', 1], ['oom_kill', 2]], cpuStat: [['x', 1]], pidsEvents: [['max', 1], ['max', 2]] });
    expect(data).toMatchObject({ memoryEvents: { oomKill: 1 }, pidsEvents: { max: 2 } });
    expect(data['cpuStat']).toBeUndefined();
    expect(() => probes.hostCgroupData(run, { ...sample, cgroupPath: 'p', pidsEvents: [['max', -1]] })).toThrow(invalid('pidsEvents[0][1]'));
  });

  it('refer to the events of a run, an empty list to none', () => {
    const data = probes.evidenceBundleEmittedData(run, { specSignatureHash: '', emittedAtUnixMs: 0, started: 'a', destroyed: 'b', spawned: [], tap: [], cgroup: ['g'], residueClass: 'none' });
    expect(data).toMatchObject({ lifecycleEventRefs: { started: 'a', destroyed: 'b' }, cellDestroyedEventRef: 'b', hostProbeEventRefs: { cgroup: ['g'] } });
    expect(probes.evidenceBundleEmittedData(run, { specSignatureHash: '', emittedAtUnixMs: 0, started: '', destroyed: '', residueClass: 'none', tap: [] })['hostProbeEventRefs']).toBeUndefined();
  });

  it('name tables, devices and monitors', () => {
    expect(probes.hostNftablesData(run, { ...sample, tableName: 't', ruleCounters: [{ ruleHandle: '7', packets: 1, bytes: 2 }] })).toMatchObject({ ruleCounters: [{ ruleHandle: '7', packets: 1, bytes: 2 }] });
    expect(probes.hostTapData(run, { ...sample, tapName: 't', linkState: 'up', rxBytes: 2n ** 63n })).toMatchObject({ rxBytes: 2n ** 63n });
    expect(probes.hostFcMetricsData(run, { ...sample, fcSocketPath: '/s', vcpuExitsTotal: 3 })).toMatchObject({ vcpuExitsTotal: 3 });
  });
});

describe('events about what stands around a cell', () => {
  it('name packs, pools and formations', () => {
    expect(canonicalText(cortexDispatchedData({ packId: 'p', cellId: 'c', doctrineRefs: ['b', 'a'] }))).toBe('{"bridgeVersion":"1.0","cellId":"c","doctrineRefs":["b","a"],"packId":"p"}');
    expect(firecrackerPoolData({ cellId: 'c', poolHit: true, slotCount: 0 })).toMatchObject({ poolHit: true });
    expect(() => formationData({ formationId: 'f', formationName: 'n', cellCount: 2 ** 32, failedCellIds: [] })).toThrow(invalid('cellCount'));
  });
});

describe('the catalogue', () => {
  it('holds every type once, and a sentence about it', () => {
    const rows = Object.values(EVENTS);
    expect(new Set(rows.map(({ type }) => type)).size).toBe(rows.length);
    for (const { type, about } of rows) {
      expect(type).toMatch(/^dev\.cellos\.events\.[a-z0-9_.-]+$/);
      expect(about, type).toMatch(/^[A-Z].{10,}[^.]$/);
    }
    for (const phase of FORMATION_PHASES) expect(rows.map(({ type }) => type)).toContain(`dev.cellos.events.cell.formation.v1.${phase}`);
  });
});
