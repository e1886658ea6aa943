import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import { isCellError } from '../../base/errors.ts';
import { parsePolicyPack } from './pack.ts';
import { versionRefusal } from './version.ts';

const whole = { apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'pack-1', rules: {} } };
const withRules = (rules: object): object => ({ ...whole, spec: { ...whole.spec, rules } });
const bytes = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

/** What is broken, in order; `[]` when the pack is taken. */
function broken(value: unknown, options: { allowDowngrade?: boolean } = {}): unknown {
  try {
    parsePolicyPack(bytes(value), options);
    return [];
  } catch (error) {
    if (!isCellError(error, 'document.invalid')) throw error;
    expect((error.facts['reasons'] as string[] | undefined)?.every((reason) => error.message.includes(reason) && reason !== '')).not.toBe(false);
    return error.facts['rules'] ?? error.facts['path'];
  }
}

describe('parsePolicyPack()', () => {
  it('reads a pack, with what is not said filled in, and the digest of its bytes', () => {
    const pack = parsePolicyPack(bytes({ ...whole, spec: { ...whole.spec, version: '1.2.3', rules: { maxRunTimeoutMs: 5, secretRefAllowlist: { ci: ['S'] } } } }));
    expect(pack.document.spec).toMatchObject({ id: 'pack-1', version: '1.2.3', rules: { maxRunTimeoutMs: 5, allowedEgressHosts: [], requireEgressDeclared: false, requireResourceLimits: false, secretRefAllowlist: { ci: ['S'] } } });
    expect(parsePolicyPack(bytes(whole)).digest).toBe(digestOf(bytes(whole)));
  });

  it.each([
    [{ ...whole, apiVersion: 'v1' }, ['api-version']],
    [{ ...whole, kind: 'Pack' }, ['kind']],
    [{ ...whole, spec: { ...whole.spec, id: '-a' } }, ['id']],
    [{ ...whole, spec: { ...whole.spec, version: '0.9.9' } }, ['version-floor']],
    [withRules({ maxLifetimeTtlSeconds: 0 }), ['max-lifetime']],
    [withRules({ maxMemoryMaxBytes: 0 }), ['max-memory']],
    [withRules({ maxRunTimeoutMs: 0 }), ['max-timeout']],
    [withRules({ maxRunTimeoutMs: 1, maxMemoryMaxBytes: 1, maxLifetimeTtlSeconds: 1 }), []],
    [withRules({ requireEgressDeclared: true, forbidOutboundEgressRules: true }), ['egress-contradiction']],
    [withRules({ requireEgressDeclared: true }), []],
    [withRules({ forbidOutboundEgressRules: true }), []],
    [withRules({ allowedEgressHosts: ['a', ''] }), ['empty-pattern']],
    [withRules({ allowedEgressHosts: [' '] }), []],
  ])('finds in %j: %j', (value, rules) => {
    expect(broken(value)).toEqual(rules);
  });

  it('finds all that is broken, the reference’s first finding first [PP1]', () => {
    const worst = { apiVersion: 'x', kind: 'y', spec: { id: '', version: 'z', rules: { maxLifetimeTtlSeconds: 0, maxMemoryMaxBytes: 0, maxRunTimeoutMs: 0, requireEgressDeclared: true, forbidOutboundEgressRules: true, allowedEgressHosts: [''] } } };
    expect(broken(worst)).toEqual(['api-version', 'kind', 'id', 'version-parts', 'max-lifetime', 'max-memory', 'max-timeout', 'egress-contradiction', 'empty-pattern']);
  });

  it('lets a version below the floor through when asked to, and nothing else with it [PP2]', () => {
    const old = (rules: object): object => ({ ...whole, spec: { id: 'a', version: '0.1.0', rules } });
    expect(broken(old({}), { allowDowngrade: true })).toEqual([]);
    expect(broken(old({ maxRunTimeoutMs: 0, allowedEgressHosts: [''] }), { allowDowngrade: true })).toEqual(['max-timeout', 'empty-pattern']);
    expect(broken(old({}), { allowDowngrade: false })).toEqual(['version-floor']);
  });

  it('names the place of what has another shape', () => {
    expect(broken({ ...whole, spec: { id: 'a' } })).toBe('spec.rules');
    expect(broken(withRules({ maxMemoryMaxBytes: -1 }))).toBe('spec.rules.maxMemoryMaxBytes');
    expect(broken(withRules({ secretRefAllowlist: { ci: [1] } }))).toBe('spec.rules.secretRefAllowlist.ci[0]');
    expect(() => parsePolicyPack(utf8('{'))).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    expect(() => parsePolicyPack(bytes([]))).toThrow(expect.objectContaining({ message: expect.stringContaining('the policy pack') }));
  });
});

describe('versionRefusal()', () => {
  const refused = (declared: string | undefined, allowDowngrade = false): string | undefined => versionRefusal(declared, { allowDowngrade })?.reason;

  it.each([
    [undefined, undefined],
    ['1.0.0', undefined],
    ['1.0.1', undefined],
    ['1.2.0', undefined],
    ['2.0.0', undefined],
    ['99.0.0', undefined],
    ['1.0.0-rc.1', undefined],
    ['1.0.0-a-b', undefined],
    ['18446744073709551615.0.0', undefined],
    ['10.0.0', undefined],
    ['0.9.9', 'version-floor'],
    ['0.99999.0', 'version-floor'],
    ['0.0.0-x', 'version-floor'],
    ['18446744073709551616.0.0', 'version-overflow'],
    ['1.0.184467440737095516150', 'version-overflow'],
    [`1.${'9'.repeat(100_000)}.0`, 'version-overflow'],
    ['1.0.0-', 'version-suffix'],
    ['1.0.0-a_b', 'version-suffix'],
    ['1.0.0-\u00e9', 'version-suffix'],
    ['1.0', 'version-parts'],
    ['1.0.0.0', 'version-parts'],
    ['-1.0.0', 'version-parts'],
    ['01.0.0', 'version-zero'],
    ['1.00.0', 'version-zero'],
    ['0.0.0', 'version-floor'],
    ['1.0.x', 'version-component'],
    ['1..0', 'version-component'],
    ['v1.0.0', 'version-component'],
    ['1.0.0x', 'version-component'],
    ['1.0.\u0663', 'version-component'],
  ])('of %j: %j', (declared, reason) => {
    expect(refused(declared)).toBe(reason);
    // A downgrade lets through what is old, and never what is malformed.
    expect(refused(declared, true)).toBe(reason === 'version-floor' ? undefined : reason);
  });

  it('says which version and which part', () => {
    expect(versionRefusal('1.0.x', { allowDowngrade: false })?.message).toMatch(/"1\.0\.x".*"x"/);
    expect(versionRefusal('1.07.0', { allowDowngrade: false })?.message).toMatch(/"1\.07\.0".*"07"/);
    expect(versionRefusal('1.0.18446744073709551616', { allowDowngrade: false })?.message).toMatch(/20 digits/);
    expect(versionRefusal('0.1.0', { allowDowngrade: false })?.message).toMatch(/"0\.1\.0".*1\.0\.0/);
    expect(versionRefusal('1.0', { allowDowngrade: false })?.message).toMatch(/"1\.0".*MAJOR/);
    expect(versionRefusal('1.0.0-_', { allowDowngrade: false })?.message).toMatch(/"1\.0\.0-_".*dash/);
  });
});
