import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthorityCapability } from '../spec/document.ts';
import { beyond, exceeds, isSuperset } from './capability.ts';

const rule = fc.record({ host: fc.constantFrom('a.example', 'A.example', 'b.example', '*.example'), port: fc.constantFrom(80, 443), protocol: fc.constantFrom('tcp', 'TCP', undefined) }).map(({ protocol, ...rest }) => (protocol === undefined ? rest : { ...rest, protocol }));
const capability: fc.Arbitrary<AuthorityCapability> = fc.record({ egressRules: fc.array(rule, { maxLength: 5 }), secretRefs: fc.array(fc.constantFrom('S', 's', 'T'), { maxLength: 4 }) });

/** What a capability grants, as a set: rules and names that grant the same are one. */
const granted = ({ egressRules, secretRefs }: AuthorityCapability): Set<string> => new Set([...egressRules.map((one) => `${one.host.toLowerCase()} ${one.port} ${one.protocol ?? '-'}`), ...secretRefs]);

describe('isSuperset()', () => {
  it('is reflexive', () => {
    fc.assert(fc.property(capability, (a) => isSuperset(a, a)));
  });

  it('is transitive', () => {
    fc.assert(
      fc.property(capability, capability, capability, (a, b, c) => {
        // Made so that both hold often enough.
        const middle = { egressRules: [...b.egressRules, ...c.egressRules], secretRefs: [...b.secretRefs, ...c.secretRefs] };
        const top = { egressRules: [...a.egressRules, ...middle.egressRules], secretRefs: [...a.secretRefs, ...middle.secretRefs] };
        expect([isSuperset(top, middle), isSuperset(middle, c), isSuperset(top, c)]).toEqual([true, true, true]);
        if (isSuperset(a, b) && isSuperset(b, c)) expect(isSuperset(a, c)).toBe(true);
      }),
    );
  });

  it('is antisymmetric: who holds each other grants the same', () => {
    fc.assert(
      fc.property(capability, capability, (a, b) => {
        expect(isSuperset(a, b) && isSuperset(b, a)).toBe(granted(a).size === granted(b).size && [...granted(a)].every((one) => granted(b).has(one)));
      }),
    );
  });

  it('tells port, protocol and an absent protocol apart, and not the case of a host or the justification [CP1]', () => {
    const parent = { egressRules: [{ host: 'A.Example', port: 443, protocol: 'tcp' }] };
    const asks = (more: object): boolean => isSuperset(parent, { egressRules: [{ host: 'a.example', port: 443, protocol: 'tcp', ...more }] });
    expect([asks({}), asks({ dnsEgressJustification: 'why' }), asks({ port: 80 }), asks({ protocol: 'TCP' }), asks({ protocol: undefined })]).toEqual([true, true, false, false, false]);
  });

  it('expands no wildcard [CP2], and takes what is absent for nothing', () => {
    expect(isSuperset({ egressRules: [{ host: '*.example', port: 443 }] }, { egressRules: [{ host: 'a.example', port: 443 }] })).toBe(false);
    expect([isSuperset({}, {}), isSuperset({}, { secretRefs: ['S'] }), isSuperset({ secretRefs: ['S'] }, {})]).toEqual([true, false, true]);
  });

  it('is linear: 20,000 rules and secrets against as many', () => {
    const many = { egressRules: Array.from({ length: 20_000 }, (_, i) => ({ host: `h${i}.example`, port: 443 })), secretRefs: Array.from({ length: 20_000 }, (_, i) => `S${i}`) };
    expect(isSuperset(many, { egressRules: many.egressRules.toReversed(), secretRefs: many.secretRefs.toReversed() })).toBe(true);
  });
});

describe('exceeds() and beyond()', () => {
  it('name egress first, then secrets, and what of them', () => {
    const parent = { egressRules: [{ host: 'a', port: 1 }], secretRefs: ['S'] };
    const child = { egressRules: [{ host: 'a', port: 1 }, { host: 'b', port: 1 }], secretRefs: ['T', 'S'] };
    expect(beyond(parent, child)).toEqual({ egressRules: [{ host: 'b', port: 1 }], secretRefs: ['T'] });
    expect([exceeds(parent, child), exceeds(child, { ...child, secretRefs: ['U'] }), exceeds(child, parent)]).toEqual(['egress', 'secrets', undefined]);
  });
});
