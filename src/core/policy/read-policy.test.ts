import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { checkAuthorizationPolicy, checkPolicyPack, parseAuthorizationPolicy, parsePolicyPack } from './read-policy.ts';

const pack = (rules: object = {}, spec: object = {}, top: object = {}): object => ({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p', rules, ...spec }, ...top });
const authorization = (spec: object, top: object = {}): object => ({ apiVersion: 'cellos.io/v1', kind: 'AuthorizationPolicy', spec, ...top });
const bytes = (value: object | string) => utf8(typeof value === 'string' ? value : JSON.stringify(value));

type Check = ReturnType<typeof checkPolicyPack> | ReturnType<typeof checkAuthorizationPolicy>;
const found = (checked: Check): string[] => (checked.kind === 'ok' ? [] : checked.issues.map(({ rule, path }) => `${rule} ${path}`));

function thrown(work: () => unknown): CellError {
  try {
    work();
  } catch (error) {
    if (error instanceof CellError) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('checkPolicyPack()', () => {
  it.each<[string, object, string[]]>([
    ['the smallest pack', pack(), []],
    ['both heads', pack({}, {}, { apiVersion: 'v1', kind: 'P' }), ['pack.api-version apiVersion', 'pack.kind kind']],
    ['the id', pack({}, { id: 'a..b' }), ['pack.id spec.id']],
    ['the version', pack({}, { version: '1' }), ['version.parts spec.version']],
    ['caps of 0, in order', pack({ maxRunTimeoutMs: 0, maxMemoryMaxBytes: 0, maxLifetimeTtlSeconds: 0 }), ['pack.maxLifetimeTtlSeconds spec.rules.maxLifetimeTtlSeconds', 'pack.maxMemoryMaxBytes spec.rules.maxMemoryMaxBytes', 'pack.maxRunTimeoutMs spec.rules.maxRunTimeoutMs']],
    ['caps of 1', pack({ maxRunTimeoutMs: 1, maxMemoryMaxBytes: 1, maxLifetimeTtlSeconds: 1 }), []],
    ['the contradiction', pack({ requireEgressDeclared: true, forbidOutboundEgressRules: true }), ['pack.egress-contradiction spec.rules.forbidOutboundEgressRules']],
    ['one of both', pack({ requireEgressDeclared: true }), []],
    ['the other', pack({ forbidOutboundEgressRules: true }), []],
    ['an empty pattern', pack({ allowedEgressHosts: ['a', ''] }), ['pack.empty-host-pattern spec.rules.allowedEgressHosts[1]']],
    ['an empty first pattern', pack({ allowedEgressHosts: [''] }), ['pack.empty-host-pattern spec.rules.allowedEgressHosts[0]']],
    ['odd patterns', pack({ allowedEgressHosts: [' ', '*.', 'a*b'] }), []],
    ['everything at once, in order', pack({ maxMemoryMaxBytes: 0, requireEgressDeclared: true, forbidOutboundEgressRules: true, allowedEgressHosts: [''] }, { id: '', version: '0.1.0' }, { apiVersion: 'x' }), ['pack.api-version apiVersion', 'pack.id spec.id', 'version.floor spec.version', 'pack.maxMemoryMaxBytes spec.rules.maxMemoryMaxBytes', 'pack.egress-contradiction spec.rules.forbidOutboundEgressRules', 'pack.empty-host-pattern spec.rules.allowedEgressHosts[0]']],
    ['a shape, and then no structural check', pack({ maxMemoryMaxBytes: -1, maxRunTimeoutMs: 0 }), ['out-of-range spec.rules.maxMemoryMaxBytes']],
    ['null for a list', pack({ allowedEgressHosts: null }), ['wrong-type spec.rules.allowedEgressHosts']],
  ])('%s [K1]', (_name, document, rules) => {
    expect(found(checkPolicyPack(bytes(document)))).toEqual(rules);
  });

  it('an allowed downgrade skips the floor and nothing after it [K2]', () => {
    const old = bytes(pack({ maxMemoryMaxBytes: 0, allowedEgressHosts: [''] }, { version: '0.9.0' }));
    expect(found(checkPolicyPack(old, { allowDowngrade: true }))).toEqual(['pack.maxMemoryMaxBytes spec.rules.maxMemoryMaxBytes', 'pack.empty-host-pattern spec.rules.allowedEgressHosts[0]']);
    expect(found(checkPolicyPack(old))).toContain('version.floor spec.version');
  });

  it('a misspelt rule is a mistake in strict mode, and a warning in compatible mode', () => {
    const misspelt = bytes('{"apiVersion":"cellos.io/v1","kind":"PolicyPack",\n"spec":{"id":"p","rules":{"maxMemoryBytes":1}}}');
    const strict = checkPolicyPack(misspelt);
    expect(strict).toMatchObject({ kind: 'invalid', errorCount: 1, issues: [{ rule: 'unknown-key', path: 'spec.rules.maxMemoryBytes', line: 2, column: 27, severity: 'error' }] });
    expect(checkPolicyPack(misspelt, { mode: 'compatible' })).toMatchObject({ kind: 'ok', warnings: [{ rule: 'unknown-key', severity: 'warning' }] });
  });

  it('a repeated key is a mistake, in the map of callers too', () => {
    expect(found(checkPolicyPack(bytes('{"apiVersion":"cellos.io/v1","kind":"PolicyPack","kind":"PolicyPack","spec":{"id":"p","rules":{}}}')))).toEqual(['duplicate-key kind']);
    const callers = bytes('{"apiVersion":"cellos.io/v1","kind":"PolicyPack","spec":{"id":"p","rules":{"secretRefAllowlist":{"a":[],"a":["X"]}}}}');
    expect(checkPolicyPack(callers)).toMatchObject({ kind: 'invalid', issues: [{ rule: 'repeated-key', line: 1, column: 105 }] });
    expect(checkPolicyPack(callers, { mode: 'compatible' }).kind).toBe('ok');
  });

  it('what is not JSON, or too large, is one mistake with a place', () => {
    expect(checkPolicyPack(bytes('{\n"a":}'))).toMatchObject({ kind: 'invalid', errorCount: 1, issues: [{ rule: 'syntax', line: 2 }] });
    const padded = (size: number) => utf8(JSON.stringify(pack()).padEnd(size, ' '));
    expect(checkPolicyPack(padded(LIMITS.policySizeBytesMax)).kind).toBe('ok');
    expect(checkPolicyPack(padded(LIMITS.policySizeBytesMax + 1))).toMatchObject({ kind: 'invalid', errorCount: 1, issues: [{ rule: 'size', path: '', line: 1, column: 1, message: `has more than ${LIMITS.policySizeBytesMax} bytes` }] });
  });

  it('a reader that fails of itself is not a mistake of the document', () => {
    const reader = () => {
      throw new CellError('internal.bug', 'x');
    };
    expect(() => checkPolicyPack(bytes(pack()), { reader })).toThrow('x');
    const yaml = () => {
      throw new CellError('yaml.invalid', 'no', { facts: { line: 3, column: 4, reason: 'why' } });
    };
    expect(checkPolicyPack(bytes(pack()), { reader: yaml })).toMatchObject({ issues: [{ rule: 'syntax', line: 3, column: 4, message: 'why' }] });
  });
});

describe('parsePolicyPack()', () => {
  it('names a pack by what it says, not by how it is written', () => {
    const loaded = parsePolicyPack(bytes(pack({ requireResourceLimits: true })));
    const other = parsePolicyPack(bytes('{"kind":"PolicyPack", "spec":{"rules":{"requireResourceLimits":true,"allowedEgressHosts":[]},"id":"p","version":null},"apiVersion":"cellos.io/v1"}'));
    expect(other.digest).toBe(loaded.digest);
    expect(loaded.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(loaded.fileHash).toBe(sha256Hex(bytes(pack({ requireResourceLimits: true }))));
    expect(other.fileHash).not.toBe(loaded.fileHash);
    expect(parsePolicyPack(bytes(pack())).digest).not.toBe(loaded.digest);
    expect(loaded.allowDowngrade).toBe(false);
    expect(parsePolicyPack(bytes(pack()), { allowDowngrade: true }).allowDowngrade).toBe(true);
  });

  it('throws every mistake, each with its place', () => {
    const error = thrown(() => parsePolicyPack(bytes(pack({ maxMemoryMaxBytes: 0, maxRunTimeoutMs: 0 })), { name: 'p.json' }));
    expect(error.code).toBe('document.invalid');
    expect(error.message).toMatch(/^Cannot use the policy pack p\.json: 2 mistakes\n {2}p\.json:1:\d+: spec\.rules\.maxMemoryMaxBytes has to be at least 1: nothing could ever keep within 0\n {2}p\.json:1:/);
    expect(error.facts['rules']).toEqual(['pack.maxMemoryMaxBytes', 'pack.maxRunTimeoutMs']);
    expect(error.facts['issues']).toHaveLength(2);
    expect(thrown(() => parsePolicyPack(bytes('{}'))).message).toMatch(/^Cannot use the policy pack: 3 mistakes\n {2}policy pack:1:1: apiVersion is missing/);
    expect(thrown(() => parsePolicyPack(bytes(pack({}, { id: '' })))).message).toMatch(/: 1 mistake\n/);
  });

  it('counts what it does not list', () => {
    const many = Object.fromEntries(Array.from({ length: LIMITS.specIssueCountMax + 5 }, (_, i) => [`x${i}`, 1]));
    const { message } = thrown(() => parsePolicyPack(bytes(pack(many))));
    expect(message).toContain(`${LIMITS.specIssueCountMax + 5} mistakes`);
    expect(message.endsWith('\n  and 5 more')).toBe(true);
  });

  it('words of the structural faults', () => {
    const { message } = thrown(() => parsePolicyPack(bytes(pack({ requireEgressDeclared: true, forbidOutboundEgressRules: true, allowedEgressHosts: [''] }, {}, { apiVersion: 'v1', kind: 'K' }))));
    for (const text of ['apiVersion has to be cellos.io/v1, not "v1"', 'kind has to be PolicyPack, not "K"', 'contradicts requireEgressDeclared: no document could satisfy both; keep one', 'is an empty pattern, which matches no host; remove it']) expect(message).toContain(text);
  });
});

describe('checkAuthorizationPolicy()', () => {
  it.each<[object, string[]]>([
    [authorization({ subjects: ['t'], allowedPools: ['p'], allowedPolicyPacks: ['k'], maxCellsPerHour: 1 }), []],
    [authorization({ subjects: [] }), ['authorization.no-subjects spec.subjects']],
    [authorization({ subjects: ['t', ' '] }), ['authorization.blank-subject spec.subjects[1]']],
    [authorization({ subjects: ['\u00a0'] }), ['authorization.blank-subject spec.subjects[0]']],
    [authorization({ subjects: ['t'], allowedPools: [''] }), ['authorization.blank-pool spec.allowedPools[0]']],
    [authorization({ subjects: ['t'], allowedPolicyPacks: ['', ' '], maxCellsPerHour: 0 }), ['authorization.blank-pack spec.allowedPolicyPacks[0]', 'authorization.rate spec.maxCellsPerHour']],
    [authorization({ subjects: ['t'] }, { apiVersion: 'v', kind: 'PolicyPack' }), ['authorization.api-version apiVersion', 'authorization.kind kind']],
    [authorization({ subjects: ['t'], maxCellsPerHour: 4294967296 }), ['out-of-range spec.maxCellsPerHour']],
    [authorization({ subjects: ['t'], maxCellsPerHour: null }), []],
    [authorization({}), ['missing-key spec.subjects']],
    [authorization({ subjects: ['t'], maxCells: 1 }), ['unknown-key spec.maxCells']],
  ])('%j', (document, rules) => {
    expect(found(checkAuthorizationPolicy(bytes(document)))).toEqual(rules);
  });

  it('says what to do', () => {
    const { message, code } = thrown(() => parseAuthorizationPolicy(bytes(authorization({ subjects: [], allowedPools: [' '], maxCellsPerHour: 0 })), { name: 'a' }));
    expect(code).toBe('document.invalid');
    expect(message).toContain('Cannot use the authorization policy a: 3 mistakes');
    expect(message).toContain('spec.subjects is empty, which would refuse every document; to have no authorization policy, name none');
    expect(message).toContain('spec.allowedPools[0] is blank; remove it');
    expect(message).toContain('spec.maxCellsPerHour has to be at least 1; leave it out for no limit');
    expect(parseAuthorizationPolicy(bytes(authorization({ subjects: ['t'] }))).spec.subjects).toEqual(['t']);
  });
});
