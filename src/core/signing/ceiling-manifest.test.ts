import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { parseCeilingManifest } from './ceiling-manifest.ts';

const parse = (value: unknown) => parseCeilingManifest(utf8(typeof value === 'string' ? value : JSON.stringify(value)));
const rule = { host: 'h', port: 443 };
const good = { schemaVersion: '1.0.0', ceilingId: 'c', ceilingEpoch: 3, ceilings: [{ name: 'n', ceiling: { egressRules: [rule, { ...rule, protocol: 'tcp', dnsEgressJustification: 'j' }], secretRefs: ['s'] } }] };
const refused = (what: string) => expect.objectContaining({ code: 'document.invalid', message: `Cannot read the authority ceiling: ${what}` });

describe('parseCeilingManifest()', () => {
  it('reads names, rules and secrets', () => {
    expect(parse(good)).toEqual({ ceilingId: 'c', ceilingEpoch: 3n, ceilings: [{ name: 'n', ceiling: { egressRules: [{ host: 'h', port: 443 }, { host: 'h', port: 443, protocol: 'tcp', dnsEgressJustification: 'j' }], secretRefs: ['s'] } }] });
  });

  it('takes nothing for nothing: no ceiling, no rule, no secret, no window', () => {
    expect(parse({ ...good, ceilings: undefined }).ceilings).toEqual([]);
    expect(parse({ ...good, ceilings: [{ name: 'n', ceiling: {} }] }).ceilings).toEqual([{ name: 'n', ceiling: { egressRules: [], secretRefs: [] } }]);
    expect(parse({ ...good, notBefore: null, notAfter: 'x', other: 1 }).ceilingId).toBe('c');
    expect(parse({ ...good, ceilings: [{ name: 'n', ceiling: { egressRules: [{ ...rule, protocol: null }] } }] }).ceilings[0]?.ceiling.egressRules).toEqual([rule]);
    expect(parse(JSON.stringify({ ...good, ceilingEpoch: 0 })).ceilingEpoch).toBe(0n);
    expect(parse(JSON.stringify(good).replace('"ceilingEpoch":3', '"ceilingEpoch":18446744073709551615')).ceilingEpoch).toBe(18446744073709551615n);
    for (const port of [0, 65_535]) expect(parse({ ...good, ceilings: [{ name: 'n', ceiling: { egressRules: [{ host: 'h', port }] } }] }).ceilings[0]?.ceiling.egressRules[0]?.port).toBe(port);
  });

  const withCeiling = (ceiling: unknown) => ({ ...good, ceilings: [{ name: 'n', ceiling }] });
  const withRule = (change: object) => withCeiling({ egressRules: [{ ...rule, ...change }] });
  const cases: [string, unknown, string][] = [
    ['a list', [], 'it is not an object'],
    ['no version', { ...good, schemaVersion: undefined }, 'its schemaVersion is missing'],
    ['a version that is no text', { ...good, schemaVersion: 1 }, 'its schemaVersion is not a string'],
    ['no id', { ...good, ceilingId: undefined }, 'its ceilingId is missing'],
    ['no epoch', { ...good, ceilingEpoch: undefined }, 'its ceilingEpoch is not an integer within u64'],
    ['an epoch below nothing', { ...good, ceilingEpoch: -1 }, 'its ceilingEpoch is not an integer within u64'],
    ['half an epoch', { ...good, ceilingEpoch: 1.5 }, 'its ceilingEpoch is not an integer within u64'],
    ['a window that is no text', { ...good, notBefore: 1 }, 'its notBefore is not a string'],
    ['an end that is no text', { ...good, notAfter: 1 }, 'its notAfter is not a string'],
    ['ceilings that are no list', { ...good, ceilings: {} }, 'its ceilings are not a list'],
    ['a ceiling that is none', { ...good, ceilings: [1] }, 'one of its ceilings is not an object'],
    ['a ceiling without a name', { ...good, ceilings: [{ ceiling: {} }] }, 'its name is missing'],
    ['a ceiling without content', { ...good, ceilings: [{ name: 'n' }] }, 'a ceiling is not an object'],
    ['secrets that are no list', withCeiling({ secretRefs: 's' }), 'its secretRefs are not a list'],
    ['a secret that is no text', withCeiling({ secretRefs: [1] }), 'a secret reference is not a string'],
    ['rules that are no list', withCeiling({ egressRules: 1 }), 'its egressRules are not a list'],
    ['a rule that is none', withCeiling({ egressRules: ['h'] }), 'one of its egressRules is not an object'],
    ['a rule without a host', withRule({ host: undefined }), 'its host is missing'],
    ['a port as text', withRule({ port: '1' }), 'the port of a rule is not an integer within u16'],
    ['a port below nothing', withRule({ port: -1 }), 'the port of a rule is not an integer within u16'],
    ['a port too high', withRule({ port: 65_536 }), 'the port of a rule is not an integer within u16'],
    ['a protocol that is no text', withRule({ protocol: 1 }), 'its protocol is not a string'],
    ['a justification that is no text', withRule({ dnsEgressJustification: 1 }), 'its dnsEgressJustification is not a string'],
  ];
  it.each(cases)('refuses %s', (_, value, what) => {
    expect(() => parse(value)).toThrow(refused(what));
  });

  it('refuses a member that it knows and that stands twice', () => {
    for (const name of ['schemaVersion', 'ceilingId', 'ceilingEpoch', 'ceilings', 'notBefore', 'notAfter']) {
      expect(() => parse(JSON.stringify({ ...good, notBefore: 'a', notAfter: 'b' }).replace('{', `{"${name}":null,`)), name).toThrow(expect.objectContaining({ code: 'json.invalid', facts: { key: name } }));
    }
    expect(parse(JSON.stringify(good).replace('{', '{"x":1,"x":2,')).ceilingId).toBe('c');
  });
});
