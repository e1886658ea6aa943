import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import type { EgressRule, ExecutionCellSpec } from '../spec/document.ts';
import { evaluatePack, packApplies, secretRefusal } from './evaluate.ts';
import { HostPatterns } from './host-patterns.ts';
import { parsePolicyPack, type PolicyPackSpec } from './pack.ts';
import { matchesScope } from './placement.ts';

const base: ExecutionCellSpec = { id: 'a', authority: {}, lifetime: { ttlSeconds: 60 } };
const pack = (rules: object, more: object = {}): PolicyPackSpec => parsePolicyPack(utf8(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p', rules, ...more } }))).document.spec;
const egress = (...rules: EgressRule[]): ExecutionCellSpec => ({ ...base, authority: { egressRules: rules } });
const run = (more: object): ExecutionCellSpec => ({ ...base, run: { argv: ['x'], secretDelivery: 'env', ...more } });
const broken = (spec: ExecutionCellSpec, rules: object, options = {}): string[] => evaluatePack(spec, pack(rules), options).map(({ rule }) => rule);
const message = (spec: ExecutionCellSpec, rules: object): string => evaluatePack(spec, pack(rules)).map((violation) => violation.message).join('\n');

describe('evaluatePack(): amounts', () => {
  it.each([
    ['maxLifetimeTtlSeconds', base, 60, 59],
    ['maxMemoryMaxBytes', run({ limits: { memoryMaxBytes: 100 } }), 100, 99],
    ['maxRunTimeoutMs', run({ timeoutMs: 2 ** 52 }), 2 ** 52, 2 ** 52 - 1],
  ] as const)('%s: the most is fine, more is not', (rule, spec, most, less) => {
    expect([broken(spec, { [rule]: most }), broken(spec, { [rule]: less })]).toEqual([[], [rule]]);
  });

  it('name the member, what it says and what is allowed', () => {
    expect(message(base, { maxLifetimeTtlSeconds: 59 })).toBe('spec.lifetime.ttlSeconds is 60, and the policy allows at most 59');
    expect(message(run({ timeoutMs: 2 }), { maxRunTimeoutMs: 1 })).toContain('spec.run.timeoutMs is 2');
    expect(message(run({ limits: { memoryMaxBytes: 2 } }), { maxMemoryMaxBytes: 1 })).toContain('spec.run.limits.memoryMaxBytes is 2');
  });

  it('that are left out pass as in the reference, and not in strict mode [PE3]', () => {
    const rules = { maxMemoryMaxBytes: 1, maxRunTimeoutMs: 1 };
    for (const spec of [base, run({}), run({ limits: {} })]) expect([broken(spec, rules), broken(spec, rules, { strict: true })]).toEqual([[], ['maxMemoryMaxBytes', 'maxRunTimeoutMs']]);
    expect(evaluatePack(base, pack(rules), { strict: true })[0]?.message).toBe('spec.run.limits.memoryMaxBytes is left out, and the policy allows at most 1: say how much');
    expect(broken(base, {}, { strict: true })).toEqual([]);
  });
});

describe('evaluatePack(): egress', () => {
  it('demands or forbids it', () => {
    expect([broken(base, { requireEgressDeclared: true }), broken(egress(), { requireEgressDeclared: true }), broken(egress({ host: 'h', port: 1 }), { requireEgressDeclared: true })]).toEqual([['requireEgressDeclared'], ['requireEgressDeclared'], []]);
    expect([broken(base, { forbidOutboundEgressRules: true }), broken(egress({ host: 'h', port: 1 }), { forbidOutboundEgressRules: true })]).toEqual([[], ['forbidOutboundEgressRules']]);
    expect(message(egress({ host: 'h', port: 1 }, { host: 'i', port: 1 }), { forbidOutboundEgressRules: true })).toContain('holds 2');
    expect(message(base, { requireEgressDeclared: true })).toContain('spec.authority.egressRules is empty');
  });

  it('names each host that no pattern allows, and some of the patterns', () => {
    const rules = { allowedEgressHosts: ['a.example', '*.b.example'] };
    expect(broken(egress({ host: 'A.example', port: 1 }, { host: 'x.b.example', port: 1 }), rules)).toEqual([]);
    expect(message(egress({ host: 'c', port: 1 }, { host: 'a.example', port: 1 }, { host: 'd', port: 1 }), rules).split('\n')).toEqual([
      'the egress host "c" is none that the policy allows: "a.example", "*.b.example"',
      'the egress host "d" is none that the policy allows: "a.example", "*.b.example"',
    ]);
    expect(message(egress({ host: 'z', port: 1 }), { allowedEgressHosts: Array.from({ length: 10 }, (_, i) => `h${i}`) })).toMatch(/"h7" and 2 more$/);
    expect(message(egress({ host: 'z', port: 1 }), { allowedEgressHosts: Array.from({ length: 8 }, (_, i) => `h${i}`) })).toMatch(/"h7"$/);
    expect(broken(egress({ host: 'z', port: 1 }), { allowedEgressHosts: [] })).toEqual([]);
    expect(broken(base, rules)).toEqual([]);
  });

  it('is linear: 4,000 patterns and 4,000 rules', () => {
    const patterns = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? `h${i}.example` : `*.s${i}.example`));
    const rules = Array.from({ length: 4000 }, (_, i) => ({ host: i % 2 === 0 ? `h${i}.example` : `x.s${i}.example`, port: 443 }));
    expect(broken(egress(...rules), { allowedEgressHosts: patterns })).toEqual([]);
  });
});

describe('evaluatePack(): run', () => {
  it('demands that secrets are asked for at run time; a document that runs nothing counts as env', () => {
    const rules = { requireRuntimeSecretDelivery: true };
    expect([base, run({}), run({ secretDelivery: 'runtimeBroker' }), run({ secretDelivery: 'runtimeLeasedBroker' })].map((spec) => broken(spec, rules))).toEqual([['requireRuntimeSecretDelivery'], ['requireRuntimeSecretDelivery'], [], []]);
    expect(message(base, rules)).toContain('spec.run.secretDelivery is env');
  });

  it('demands limits, and takes empty ones', () => {
    const rules = { requireResourceLimits: true };
    expect([base, run({}), run({ limits: {} })].map((spec) => broken(spec, rules))).toEqual([['requireResourceLimits'], ['requireResourceLimits'], []]);
    expect(message(base, rules)).toContain('spec.run.limits is missing');
  });
});

describe('evaluatePack(): DNS', () => {
  const dns = (more: object = {}): EgressRule => ({ host: 'ns', port: 53, ...more });
  const acknowledged = { protocol: 'DNS-Acknowledged' };

  it('flags port 53 without acknowledgement, once', () => {
    const rules = { flagDnsEgressWithoutAcknowledgment: true };
    expect(broken(egress(dns(), dns(), dns(acknowledged)), rules)).toEqual(['flagDnsEgressWithoutAcknowledgment']);
    expect(broken(egress(dns({ protocol: 'udp' })), rules)).toEqual(['flagDnsEgressWithoutAcknowledgment']);
    expect(broken(egress(dns(acknowledged), { host: 'h', port: 443 }), rules)).toEqual([]);
    expect(broken(egress({ host: 'h', port: 54 }), rules)).toEqual([]);
    expect(broken(egress(dns()), { flagDnsEgressWithoutAcknowledgment: false })).toEqual([]);
    expect(broken(egress(dns()), {})).toEqual([]);
    expect(message(egress(dns()), rules)).toMatch(/port 53.*dns-acknowledged/);
  });

  it('demands a justification of each that is acknowledged', () => {
    const rules = { requireDnsEgressJustification: true };
    const said = (text: string): EgressRule => dns({ ...acknowledged, dnsEgressJustification: text });
    expect(broken(egress(dns(acknowledged), said(' \u00a0'), said('why'), dns()), rules)).toEqual(['requireDnsEgressJustification', 'requireDnsEgressJustification']);
    expect(broken(egress({ host: 'h', port: 443, ...acknowledged }), rules)).toEqual([]);
    expect(broken(egress(dns(acknowledged)), { requireDnsEgressJustification: false })).toEqual([]);
    expect(message(egress(dns(acknowledged)), rules)).toMatch(/port 53 of "ns".*dnsEgressJustification/);
  });
});

describe('evaluatePack()', () => {
  it('tells all violations in the order of the reference [PE1]', () => {
    const worst: ExecutionCellSpec = { ...run({ timeoutMs: 9, limits: { memoryMaxBytes: 9 } }), authority: { egressRules: [{ host: 'ns', port: 53 }, { host: 'nt', port: 53, protocol: 'dns-acknowledged' }] } };
    expect(broken(worst, { maxLifetimeTtlSeconds: 1, maxMemoryMaxBytes: 1, maxRunTimeoutMs: 1, forbidOutboundEgressRules: true, allowedEgressHosts: ['x'], requireRuntimeSecretDelivery: true, flagDnsEgressWithoutAcknowledgment: true, requireDnsEgressJustification: true })).toEqual([
      'maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'maxRunTimeoutMs', 'forbidOutboundEgressRules', 'allowedEgressHosts', 'allowedEgressHosts', 'requireRuntimeSecretDelivery', 'flagDnsEgressWithoutAcknowledgment', 'requireDnsEgressJustification',
    ]);
  });

  it('has nothing to say of a document that its scope is not about [PE2]', () => {
    const scoped = pack({ maxLifetimeTtlSeconds: 1 }, { placement: { poolId: 'p' } });
    const placed: ExecutionCellSpec = { ...base, placement: { poolId: 'p', queueName: 'q' } };
    expect([evaluatePack(base, scoped).length, packApplies(base, scoped), evaluatePack(placed, scoped).length, packApplies(placed, scoped)]).toEqual([0, false, 1, true]);
  });

  it('permits a document that asks less than one it permits', () => {
    const rule = fc.record({ host: fc.constantFrom('a.example', 'b.example', 'c.d.example'), port: fc.constantFrom(53, 443), protocol: fc.constantFrom('tcp', 'dns-acknowledged') });
    const rules = fc.record({ maxLifetimeTtlSeconds: fc.integer({ min: 1, max: 100 }), maxRunTimeoutMs: fc.integer({ min: 1, max: 100 }), allowedEgressHosts: fc.subarray(['a.example', '*.example', '*.d.example']), flagDnsEgressWithoutAcknowledgment: fc.boolean(), forbidOutboundEgressRules: fc.boolean() });
    fc.assert(
      fc.property(rules, fc.array(rule, { maxLength: 4 }), fc.integer({ min: 2, max: 100 }), fc.integer({ min: 2, max: 100 }), fc.nat(), (policy, asked, ttl, timeoutMs, keep) => {
        const spec = (scale: (n: number) => number, list: readonly EgressRule[]): ExecutionCellSpec => ({ ...run({ timeoutMs: scale(timeoutMs) }), lifetime: { ttlSeconds: scale(ttl) }, authority: { egressRules: list } });
        if (broken(spec((n) => n, asked), policy).length > 0) return;
        expect(broken(spec((n) => Math.ceil(n / 2), asked.filter((_, i) => ((keep >> i) & 1) === 1)), policy)).toEqual([]);
      }),
    );
  });

  it('does not depend on the order of patterns or rules', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['a', '*.b', 'c.d', '*'.repeat(2)], { minLength: 4 }), fc.shuffledSubarray(['a', 'x.b', 'z', 'c.d'], { minLength: 4 }), (patterns, hosts) => {
        expect(message(egress(...hosts.map((host) => ({ host, port: 1 }))), { allowedEgressHosts: patterns })).toMatch(/^the egress host "z" is none/);
      }),
    );
  });
});

describe('HostPatterns', () => {
  const allows = (patterns: string[], host: string): boolean => new HostPatterns(patterns).allow(host);

  it.each([
    [['*'], 'anything', true],
    [['*'], '', true],
    [[], 'a', false],
    [['*.b.c'], 'a.b.c', true],
    [['*.b.c'], 'z.a.b.c', true],
    [['*.b.c'], 'b.c', false],
    [['*.b.c'], '.b.c', true],
    [['*.b.c'], 'ab.c', false],
    [['*.B.c'], 'a.b.C', true],
    [['A.b'], 'a.B', true],
    [['a.*.c'], 'a.b.c', false],
    [['a.*.c'], 'a.*.c', true],
    [['*.'], 'a.', true],
    [['*.'], 'a', false],
    [['**'], 'a', false],
  ])('%j of %j: %j', (patterns, host, expected) => {
    expect(allows(patterns, host)).toBe(expected);
  });

  it('agrees with looking at every pattern', () => {
    const label = fc.constantFrom('a', 'b', '*', '');
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const plain = (pattern: string, host: string): boolean => pattern === '*' || (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : pattern === host);
    fc.assert(fc.property(fc.array(name, { maxLength: 4 }), name, (patterns, host) => allows(patterns, host) === patterns.some((pattern) => plain(pattern, host))));
  });
});

describe('matchesScope()', () => {
  it.each([
    [undefined, undefined, true],
    [undefined, {}, true],
    [{ poolId: 'p' }, undefined, true],
    [undefined, { poolId: 'p' }, false],
    [{ poolId: 'p' }, { poolId: 'p' }, true],
    [{ poolId: 'P' }, { poolId: 'p' }, false],
    [{ poolId: 'p', queueName: 'q' }, { poolId: 'p', queueName: 'r' }, false],
    [{ kubernetesNamespace: 'n' }, { kubernetesNamespace: 'm' }, false],
    [{ poolId: 'p', queueName: 'q', kubernetesNamespace: 'n' }, { poolId: 'p', queueName: 'q', kubernetesNamespace: 'n' }, true],
  ])('%j in %j: %j', (placement, scope, expected) => {
    expect(matchesScope(placement, scope)).toBe(expected);
  });
});

describe('secretRefusal()', () => {
  const rules = pack({ secretRefAllowlist: { ci: ['S', 'T'], none: [] } }).rules;
  const asks = (...secretRefs: string[]): ExecutionCellSpec => ({ ...base, authority: { secretRefs } });

  it('goes by the list of the caller, letter for letter', () => {
    expect(secretRefusal(asks('S', 'T'), rules, 'ci')).toBeUndefined();
    expect(secretRefusal(base, rules, 'none')).toBeUndefined();
    expect(secretRefusal(asks('T', 's', 'U'), rules, 'ci')).toMatchObject({ reason: 'secret-ref-denied', message: expect.stringMatching(/"ci".*"s"/) });
    expect(secretRefusal(base, rules, 'CI')).toMatchObject({ reason: 'caller-unmapped', message: expect.stringContaining('"CI"') });
    expect(secretRefusal(base, rules, 'constructor')).toMatchObject({ reason: 'caller-unmapped' });
    expect(secretRefusal(asks('S'), pack({}).rules, 'anybody')).toBeUndefined();
  });
});
