import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EgressRule, ExecutionCellSpec } from '../spec/document.ts';
import { matchesPlacement, packViolations, secretViolations, strictViolations } from './evaluate.ts';
import { callerOf, type PolicyInput, policyInputOf } from './policy-input.ts';
import type { PolicyPack, PolicyRules } from './policy-shape.ts';

const NO_RULES: PolicyRules = { requireEgressDeclared: false, forbidOutboundEgressRules: false, allowedEgressHosts: [], requireRuntimeSecretDelivery: false, requireResourceLimits: false };
const pack = (rules: Partial<PolicyRules>, placement?: PolicyPack['placement']): PolicyPack => ({ id: 'p', ...(placement === undefined ? {} : { placement }), rules: { ...NO_RULES, ...rules } });
const input = (members: Partial<PolicyInput> = {}): PolicyInput => ({ ttlSeconds: 600, egressRules: [], secretDelivery: 'runtimeBroker', limitsDeclared: true, secretRefs: [], caller: 'ci', ...members });
const to = (host: string, port = 443, more: Partial<EgressRule> = {}): EgressRule => ({ host, port, ...more });
const lines = (found: readonly { rule: string; path: string; message: string }[]): string[] => found.map(({ rule, path, message }) => `${rule} | ${path} ${message}`);

const EGRESS = 'spec.authority.egressRules';
const ACK = { protocol: 'dns-acknowledged' };
const FLAG = 'opens port 53 without saying so: data can leave in queries; write dns-acknowledged to take that risk knowingly';
const REASON = 'is missing: the pack demands a reason for egress to port 53';

describe('packViolations()', () => {
  it.each<[string, Partial<PolicyRules>, Partial<PolicyInput>, string[]]>([
    ['nothing demanded', {}, {}, []],
    ['lifetime at the cap', { maxLifetimeTtlSeconds: 600 }, {}, []],
    ['lifetime above', { maxLifetimeTtlSeconds: 599 }, {}, ['maxLifetimeTtlSeconds | spec.lifetime.ttlSeconds is 600, more than the 599 the pack allows']],
    ['a number beyond 2^53', { maxLifetimeTtlSeconds: 2n ** 63n }, { ttlSeconds: 2n ** 63n + 1n }, ['maxLifetimeTtlSeconds | spec.lifetime.ttlSeconds is 9223372036854775809, more than the 9223372036854775808 the pack allows']],
    ['a large cap, a small number', { maxLifetimeTtlSeconds: 2n ** 63n }, {}, []],
    ['memory at the cap', { maxMemoryMaxBytes: 5 }, { memoryMaxBytes: 5 }, []],
    ['memory above', { maxMemoryMaxBytes: 5 }, { memoryMaxBytes: 6 }, ['maxMemoryMaxBytes | spec.run.limits.memoryMaxBytes is 6, more than the 5 the pack allows']],
    ['memory not given passes [P1]', { maxMemoryMaxBytes: 5 }, {}, []],
    ['time at the cap', { maxRunTimeoutMs: 5 }, { timeoutMs: 5 }, []],
    ['time above', { maxRunTimeoutMs: 5 }, { timeoutMs: 6 }, ['maxRunTimeoutMs | spec.run.timeoutMs is 6, more than the 5 the pack allows']],
    ['time not given passes [P1]', { maxRunTimeoutMs: 5 }, {}, []],
    ['egress demanded', { requireEgressDeclared: true }, {}, [`requireEgressDeclared | ${EGRESS} is empty: the pack demands that egress is declared`]],
    ['egress declared', { requireEgressDeclared: true }, { egressRules: [to('h')] }, []],
    ['egress forbidden', { forbidOutboundEgressRules: true }, { egressRules: [to('h')] }, [`forbidOutboundEgressRules | ${EGRESS} has 1 rule: the pack allows no egress`]],
    ['two rules', { forbidOutboundEgressRules: true }, { egressRules: [to('h'), to('i')] }, [`forbidOutboundEgressRules | ${EGRESS} has 2 rules: the pack allows no egress`]],
    ['no egress', { forbidOutboundEgressRules: true }, {}, []],
    ['hosts, each by its place', { allowedEgressHosts: ['b', '*.x'] }, { egressRules: [to('a'), to('B'), to('c.x'), to('d"')] }, [`allowedEgressHosts | ${EGRESS}[0].host is "a", which the pack does not allow; it allows "b", "*.x"`, `allowedEgressHosts | ${EGRESS}[3].host is "d\\"", which the pack does not allow; it allows "b", "*.x"`]],
    ['no pattern allows any', {}, { egressRules: [to('a')] }, []],
    ['delivery by environment', { requireRuntimeSecretDelivery: true }, { secretDelivery: 'env' }, ['requireRuntimeSecretDelivery | spec.run.secretDelivery is env: the pack demands runtimeBroker or runtimeLeasedBroker']],
    ['no run at all', { requireRuntimeSecretDelivery: true }, { secretDelivery: 'none' }, ['requireRuntimeSecretDelivery | spec.run.secretDelivery is missing: the pack demands runtimeBroker or runtimeLeasedBroker']],
    ['a broker', { requireRuntimeSecretDelivery: true }, {}, []],
    ['a leased broker', { requireRuntimeSecretDelivery: true }, { secretDelivery: 'runtimeLeasedBroker' }, []],
    ['limits demanded', { requireResourceLimits: true }, { limitsDeclared: false }, ['requireResourceLimits | spec.run.limits is missing: the pack demands that limits are declared']],
    ['limits there', { requireResourceLimits: true }, {}, []],
    ['port 53 in silence: one violation, at the first', { flagDnsEgressWithoutAcknowledgment: true }, { egressRules: [to('a'), to('r', 53, ACK), to('s', 53), to('t', 53, { protocol: 'udp' })] }, [`flagDnsEgressWithoutAcknowledgment | ${EGRESS}[2].protocol ${FLAG}`]],
    ['the first rule of all', { flagDnsEgressWithoutAcknowledgment: true }, { egressRules: [to('a', 53)] }, [`flagDnsEgressWithoutAcknowledgment | ${EGRESS}[0].protocol ${FLAG}`]],
    ['acknowledged in any letters', { flagDnsEgressWithoutAcknowledgment: true }, { egressRules: [to('r', 53, { protocol: 'DNS-Acknowledged' }), to('a', 54)] }, []],
    ['flag off', { flagDnsEgressWithoutAcknowledgment: false }, { egressRules: [to('r', 53)] }, []],
    ['a reason missing, blank, given', { requireDnsEgressJustification: true }, { egressRules: [to('a', 53, ACK), to('b', 53, { ...ACK, dnsEgressJustification: ' \u00a0\t' }), to('c', 53, { ...ACK, dnsEgressJustification: ' x ' })] }, [`requireDnsEgressJustification | ${EGRESS}[0].dnsEgressJustification ${REASON}`, `requireDnsEgressJustification | ${EGRESS}[1].dnsEgressJustification ${REASON}`]],
    ['no reason for what is not acknowledged, or not port 53', { requireDnsEgressJustification: true }, { egressRules: [to('a', 53), to('b', 54, ACK), to('c', 53, { protocol: 'udp' })] }, []],
    ['reasons not demanded', { requireDnsEgressJustification: false }, { egressRules: [to('a', 53, ACK)] }, []],
  ])('%s', (_name, rules, members, expected) => {
    expect(lines(packViolations(pack(rules), input(members)))).toEqual(expected);
  });

  it('collects all, in the order of the reference', () => {
    const rules: PolicyRules = { maxLifetimeTtlSeconds: 1, maxMemoryMaxBytes: 1, maxRunTimeoutMs: 1, requireEgressDeclared: false, forbidOutboundEgressRules: true, allowedEgressHosts: ['x'], requireRuntimeSecretDelivery: true, requireResourceLimits: true, flagDnsEgressWithoutAcknowledgment: true, requireDnsEgressJustification: true };
    const asked = input({ memoryMaxBytes: 2, timeoutMs: 2, egressRules: [to('a', 53), to('b', 53, ACK)], secretDelivery: 'env', limitsDeclared: false });
    expect(packViolations(pack(rules), asked).map(({ rule }) => rule)).toEqual(['maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'maxRunTimeoutMs', 'forbidOutboundEgressRules', 'allowedEgressHosts', 'allowedEgressHosts', 'requireRuntimeSecretDelivery', 'requireResourceLimits', 'flagDnsEgressWithoutAcknowledgment', 'requireDnsEgressJustification']);
    expect(packViolations(pack({ requireEgressDeclared: true, requireRuntimeSecretDelivery: true }), input({ secretDelivery: 'env' })).map(({ rule }) => rule)).toEqual(['requireEgressDeclared', 'requireRuntimeSecretDelivery']);
  });

  it('names eight patterns at most [P4]', () => {
    const patterns = (count: number): string[] => Array.from({ length: count }, (_, i) => `h${i}`);
    const [eight] = packViolations(pack({ allowedEgressHosts: patterns(8) }), input({ egressRules: [to('x')] }));
    expect(eight?.message.endsWith('"h6", "h7"')).toBe(true);
    const [ten] = packViolations(pack({ allowedEgressHosts: patterns(10) }), input({ egressRules: [to('x')] }));
    expect(ten?.message.endsWith('"h7" and 2 more')).toBe(true);
  });

  it('says nothing outside its scope [P1]', () => {
    const scoped = pack({ maxLifetimeTtlSeconds: 1 }, { poolId: 'p' });
    expect(packViolations(scoped, input({ placement: { poolId: 'q' } }))).toEqual([]);
    expect(packViolations(scoped, input())).toEqual([]);
    expect(packViolations(scoped, input({ placement: { poolId: 'p' } }))).toHaveLength(1);
  });
});

it.each<[PolicyInput['placement'], PolicyPack['placement'], boolean]>([
  [undefined, undefined, true],
  [undefined, {}, true],
  [{ poolId: 'p' }, {}, true],
  [undefined, { poolId: 'p' }, false],
  [{}, { poolId: 'p' }, false],
  [{ poolId: 'P' }, { poolId: 'p' }, false],
  [{ poolId: '' }, { poolId: '' }, true],
  [{ poolId: 'p' }, { poolId: '' }, false],
  [{ poolId: 'p', queueName: 'q' }, { queueName: 'q' }, true],
  [{ poolId: 'p', queueName: 'x' }, { poolId: 'p', queueName: 'q' }, false],
  [{ poolId: 'p', kubernetesNamespace: 'x' }, { poolId: 'p', kubernetesNamespace: 'n' }, false],
  [{ poolId: 'p', queueName: 'q', kubernetesNamespace: 'n' }, { poolId: 'p', queueName: 'q', kubernetesNamespace: 'n' }, true],
])('matchesPlacement(%j, %j) is %j', (placement, scope, matches) => {
  expect(matchesPlacement(placement, scope)).toBe(matches);
});

describe('strictViolations()', () => {
  it.each<[string, Partial<PolicyRules>, PolicyPack['placement'], Partial<PolicyInput>, string[]]>([
    ['no caps', {}, undefined, {}, []],
    ['memory not given', { maxMemoryMaxBytes: 7 }, undefined, {}, ['maxMemoryMaxBytes | spec.run.limits.memoryMaxBytes is missing: the pack allows at most 7 (--memory, for a command)']],
    ['memory given, however much', { maxMemoryMaxBytes: 7 }, undefined, { memoryMaxBytes: 9 }, []],
    ['time bounded by the lifetime', { maxRunTimeoutMs: 600_000 }, undefined, {}, []],
    ['lifetime longer', { maxRunTimeoutMs: 599_999 }, undefined, {}, ['maxRunTimeoutMs | spec.run.timeoutMs is missing, and the lifetime of 600 s is longer than the 599999 ms the pack allows a command']],
    ['time given, however long', { maxRunTimeoutMs: 1 }, undefined, { timeoutMs: 9 }, []],
    ['scope dodged by silence', { maxMemoryMaxBytes: 7 }, { poolId: 'p', queueName: 'q' }, { placement: { kubernetesNamespace: 'n' } }, ['placement.undeclared | spec.placement.poolId is missing: the pack is for "p", and a document that names none would escape it', 'placement.undeclared | spec.placement.queueName is missing: the pack is for "q", and a document that names none would escape it']],
    ['no placement at all', {}, { kubernetesNamespace: 'n' }, {}, ['placement.undeclared | spec.placement.kubernetesNamespace is missing: the pack is for "n", and a document that names none would escape it']],
    ['another placement', { maxMemoryMaxBytes: 7 }, { poolId: 'p' }, { placement: { poolId: 'q' } }, []],
    ['its placement', { maxMemoryMaxBytes: 7 }, { poolId: 'p' }, { placement: { poolId: 'p' }, memoryMaxBytes: 1 }, []],
  ])('%s [P2]', (_name, rules, scope, members, expected) => {
    expect(lines(strictViolations(pack(rules, scope), input(members)))).toEqual(expected);
  });
});

describe('secretViolations()', () => {
  const rules = (secretRefAllowlist?: PolicyRules['secretRefAllowlist']): PolicyRules => ({ ...NO_RULES, ...(secretRefAllowlist === undefined ? {} : { secretRefAllowlist }) });

  it('tells every secret that is not granted, in order', () => {
    expect(lines(secretViolations(rules({ ci: ['X', 'Y'] }), input({ secretRefs: ['X', 'Z', 'y'] })))).toEqual(['secret_ref_denied | spec.authority.secretRefs[1] is "Z", which the pack does not grant the caller "ci"', 'secret_ref_denied | spec.authority.secretRefs[2] is "y", which the pack does not grant the caller "ci"']);
  });

  it.each<[PolicyRules['secretRefAllowlist'], string, string[]]>([
    [undefined, 'ci', []],
    [{}, 'ci', ['caller_unmapped']],
    [{ ci: [] }, 'ci', ['secret_ref_denied']],
    [{ ci: ['*'] }, 'ci', ['secret_ref_denied']],
    [{ '*': ['X'] }, 'ci', ['caller_unmapped']],
    [{ CI: ['X'] }, 'ci', ['caller_unmapped']],
    [{ ci: ['X'] }, 'toString', ['caller_unmapped']],
    [{ ci: ['X'] }, 'ci', []],
  ])('%j for %s: %j', (allowlist, caller, expected) => {
    expect(secretViolations(rules(allowlist), input({ caller, secretRefs: ['X'] })).map(({ rule }) => rule)).toEqual(expected);
  });

  it('says who asks, and how that is told', () => {
    expect(lines(secretViolations(rules({}), input({ caller: 'a"' })))).toEqual(['caller_unmapped | caller is "a\\"", which the pack\'s secretRefAllowlist does not name (CELLOS_CALLER_IDENTITY says who asks)']);
  });
});

describe('policyInputOf()', () => {
  const spec: ExecutionCellSpec = { id: 'a', authority: {}, lifetime: { ttlSeconds: 5 } };

  it('takes from a document what decides, and no more', () => {
    expect(policyInputOf(spec)).toEqual({ ttlSeconds: 5, egressRules: [], secretDelivery: 'none', limitsDeclared: false, secretRefs: [], caller: 'default' });
    const full: ExecutionCellSpec = { ...spec, placement: { poolId: 'p' }, correlation: { tenantId: 't' }, policy: { packId: 'k' }, authority: { egressRules: [to('h')], secretRefs: ['X'] }, run: { argv: ['x'], timeoutMs: 3, limits: { memoryMaxBytes: 4 }, secretDelivery: 'env' } };
    expect(policyInputOf(full, { memoryMaxBytes: 9 }, 'ci')).toEqual({ placement: { poolId: 'p' }, ttlSeconds: 5, memoryMaxBytes: 4, timeoutMs: 3, egressRules: [to('h')], secretDelivery: 'env', limitsDeclared: true, secretRefs: ['X'], tenantId: 't', namedPackId: 'k', caller: 'ci' });
  });

  it('counts limits that are asked beside the document', () => {
    const run: ExecutionCellSpec = { ...spec, correlation: {}, policy: {}, run: { argv: ['x'], secretDelivery: 'env' } };
    expect(policyInputOf(run).limitsDeclared).toBe(false);
    expect(policyInputOf(run, { memoryMaxBytes: 7 })).toMatchObject({ memoryMaxBytes: 7, limitsDeclared: true });
    expect(policyInputOf(run, { cpus: 1 })).toMatchObject({ limitsDeclared: true });
    expect(policyInputOf({ ...run, run: { argv: ['x'], secretDelivery: 'env', limits: {} } })).toMatchObject({ limitsDeclared: true });
  });

  it.each([
    [undefined, 'default'],
    ['', 'default'],
    ['  ', 'default'],
    [' ci ', 'ci'],
  ])('callerOf(%j) is %j', (text, caller) => {
    expect(callerOf(text)).toBe(caller);
  });
});

describe('properties of the evaluation', () => {
  const host = fc.constantFrom('a.example', 'b.example', 'x.a.example', 'evil.test');
  const egress = fc.array(fc.record({ host, port: fc.constantFrom(53, 443), protocol: fc.constantFrom('tcp', 'dns-acknowledged'), dnsEgressJustification: fc.constantFrom('', 'why') }), { maxLength: 4 });
  const asked = fc
    .record({ ttlSeconds: fc.nat(20), memoryMaxBytes: fc.nat(20), timeoutMs: fc.nat(20), egressRules: egress, secretDelivery: fc.constantFrom('env' as const, 'runtimeBroker' as const), limitsDeclared: fc.boolean(), secretRefs: fc.subarray(['X', 'Y', 'Z']) })
    .map((members) => input(members));
  const rules = fc.record({ maxLifetimeTtlSeconds: fc.integer({ min: 1, max: 20 }), maxMemoryMaxBytes: fc.integer({ min: 1, max: 20 }), maxRunTimeoutMs: fc.integer({ min: 1, max: 20 }), requireEgressDeclared: fc.constant(false), forbidOutboundEgressRules: fc.boolean(), allowedEgressHosts: fc.subarray(['*.example', 'a.example', '*.a.example', 'evil.test']), requireRuntimeSecretDelivery: fc.boolean(), requireResourceLimits: fc.boolean(), flagDnsEgressWithoutAcknowledgment: fc.boolean(), requireDnsEgressJustification: fc.boolean(), secretRefAllowlist: fc.record({ ci: fc.subarray(['X', 'Y', 'Z']) }) });
  const all = (given: PolicyRules, of: PolicyInput): string[] => [...packViolations(pack(given), of), ...strictViolations(pack(given), of), ...secretViolations(given, of)].map(({ rule }) => rule);

  it('what is permitted stays permitted when it asks less [P3]', () => {
    fc.assert(
      fc.property(rules, asked, fc.nat(3), fc.nat(3), (given, of, egressKept, secretsKept) => {
        const less = { ...of, ttlSeconds: Math.floor(Number(of.ttlSeconds) / 2), memoryMaxBytes: Math.floor(Number(of.memoryMaxBytes) / 2), timeoutMs: Math.floor(Number(of.timeoutMs) / 2), egressRules: of.egressRules.slice(0, egressKept), secretRefs: of.secretRefs.slice(0, secretsKept) };
        const before = new Set(all(given, of));
        for (const rule of all(given, less)) expect(before).toContain(rule);
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of patterns, grants, or what is asked', () => {
    fc.assert(
      fc.property(rules, asked, (given, of) => {
        const turned: PolicyRules = { ...given, allowedEgressHosts: [...given.allowedEgressHosts].reverse(), secretRefAllowlist: { ci: [...given.secretRefAllowlist.ci].reverse() } };
        const reversed = { ...of, egressRules: [...of.egressRules].reverse(), secretRefs: [...of.secretRefs].reverse() };
        expect(all(turned, reversed)).toEqual(all(given, of));
      }),
      { numRuns: 300 },
    );
  });
});
