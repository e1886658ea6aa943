import { describe, expect, it } from 'vitest';
import { allowsDowngrade, type VersionRule, versionFault } from './policy-version.ts';

describe('versionFault()', () => {
  it.each<[string | undefined, boolean, VersionRule | undefined]>([
    [undefined, false, undefined],
    ['1.0.0', false, undefined],
    ['1.0.0-rc.1', false, undefined],
    ['1.0.0-a-b', false, undefined],
    ['99.0.0', false, undefined],
    ['18446744073709551615.0.0', false, undefined],
    ['0.99999.99', false, 'version.floor'],
    ['0.99999.99', true, undefined],
    ['0.9.0-rc.1', false, 'version.floor'],
    ['', true, 'version.parts'],
    ['1', true, 'version.parts'],
    ['1.0', false, 'version.parts'],
    ['1.0.0.0', false, 'version.parts'],
    ['-1.0.0', false, 'version.parts'],
    ['a-b', false, 'version.parts'],
    ['1.0.0-', false, 'version.pre-release'],
    ['-', false, 'version.pre-release'],
    ['1.0.0-a_b', true, 'version.pre-release'],
    ['1.0.0-_a', true, 'version.pre-release'],
    ['1-é', true, 'version.pre-release'],
    ['..', false, 'version.digits'],
    ['1.0.x', false, 'version.digits'],
    ['1.0.0x', false, 'version.digits'],
    ['v1.0.0', true, 'version.digits'],
    ['1.0.٣', false, 'version.digits'],
    ['1. 0.0', false, 'version.digits'],
    ['01.0.0', true, 'version.leading-zero'],
    ['1.00.0', false, 'version.leading-zero'],
    ['18446744073709551616.0.0', true, 'version.overflow'],
    ['1.99999999999999999999.0', true, 'version.overflow'],
    ['1.0.100000000000000000000', true, 'version.overflow'],
    ['1.x.01', false, 'version.digits'],
    ['1.01.x', false, 'version.leading-zero'],
  ])('%j, downgrade %j: %s', (version, allow, rule) => {
    expect(versionFault(version, allow)?.rule).toBe(rule);
  });

  it('says what is wrong, and what to do', () => {
    expect(versionFault('1.x.0', false)?.message).toBe('has the part "x", which is not a whole number');
    expect(versionFault('1.01.0', false)?.message).toBe('has the part "01", which begins with a zero');
    expect(versionFault('18446744073709551616.0.0', false)?.message).toBe('has the part "18446744073709551616", which is larger than 18446744073709551615');
    expect(versionFault('1', false)?.message).toBe('is "1": write MAJOR.MINOR.PATCH');
    expect(versionFault('1.0.0-', false)?.message).toBe('is "1.0.0-": after the dash there may be letters, digits, dots and dashes, at least one');
    expect(versionFault('0.1.0', false)?.message).toBe('is "0.1.0", older than 1.0.0: bring the pack up to date, or set CELLOS_POLICY_ALLOW_DOWNGRADE=1');
  });

  it('takes a number of a million digits for what it is, at once', () => {
    expect(versionFault(`1.${'9'.repeat(1_000_000)}.0`, true)?.rule).toBe('version.overflow');
  });
});

it.each<[string | undefined, boolean]>([
  [undefined, false],
  ['', false],
  ['0', false],
  ['1', true],
  [' TRUE ', true],
  ['Yes', true],
  ['on', true],
  ['off', false],
  ['11', false],
])('allowsDowngrade(%j) is %j', (text, allowed) => {
  expect(allowsDowngrade(text)).toBe(allowed);
});
