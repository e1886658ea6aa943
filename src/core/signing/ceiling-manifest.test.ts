import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { parseCeilingManifest } from './ceiling-manifest.ts';

const whole = { schemaVersion: '1.0.0', ceilingId: 'c', ceilingEpoch: 7, ceilings: [{ name: 'n', ceiling: { egressRules: [{ host: 'h', port: 443, protocol: 'tcp' }], secretRefs: ['S'] } }], notBefore: 'x' };
const parse = (value: unknown) => parseCeilingManifest(utf8(typeof value === 'string' ? value : JSON.stringify(value)));

describe('parseCeilingManifest()', () => {
  it('reads a manifest, its epoch to the last bit', () => {
    expect(parse(whole)).toEqual({ ceilingId: 'c', ceilingEpoch: 7n, ceilings: whole.ceilings });
    expect(parse(JSON.stringify(whole).replace(':7,', ':18446744073709551615,')).ceilingEpoch).toBe(2n ** 64n - 1n);
    const { ceilings: _, ...none } = whole;
    expect(parse(none).ceilings).toEqual([]);
  });

  it.each([
    [{ ...whole, ceilingEpoch: -1 }, 'ceilingEpoch'],
    [{ ...whole, ceilingId: undefined }, 'ceilingId'],
    [{ ...whole, schemaVersion: 1 }, 'schemaVersion'],
    [{ ...whole, notAfter: 3 }, 'notAfter'],
    [{ ...whole, ceilings: null }, 'ceilings'],
    [{ ...whole, ceilings: [{ name: 'n' }] }, 'ceilings[0].ceiling'],
    [{ ...whole, ceilings: [{ name: 'n', ceiling: { egressRules: [{ host: 'h', port: 65_536 }] } }] }, 'ceilings[0].ceiling.egressRules[0].port'],
    ['{"ceilingId":"a","ceilingId":"b","schemaVersion":"1","ceilingEpoch":1}', 'ceilingId'],
    ['[]', 'schemaVersion'],
    ['7', ''],
  ])('refuses %j, naming the place', (value, path) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'document.invalid', message: expect.stringContaining('the authority ceiling at line 1'), facts: { path, line: 1 } }));
  });

  it('refuses what is no JSON', () => {
    expect(() => parse('{')).toThrow(expect.objectContaining({ code: 'json.invalid' }));
  });
});
