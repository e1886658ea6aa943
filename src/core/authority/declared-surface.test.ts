import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EgressRule } from '../spec/document.ts';
import { type DeclaredSurface, isEmptySurface, surfaceRefusal, unlistedQueries } from './declared-surface.ts';

const NONE: DeclaredSurface = { egressRules: [], secretRefs: [], dnsQueries: [] };
const API: EgressRule = { host: 'api.example', port: 443 };
const egress = (...egressRules: EgressRule[]): DeclaredSurface => ({ ...NONE, egressRules });
const secrets = (...secretRefs: string[]): DeclaredSurface => ({ ...NONE, secretRefs });

it('a surface is empty when none of its lists has anything', () => {
  expect(isEmptySurface(NONE)).toBe(true);
  expect(isEmptySurface(egress(API))).toBe(false);
  expect(isEmptySurface(secrets('s'))).toBe(false);
  expect(isEmptySurface({ ...NONE, dnsQueries: ['a.example'] })).toBe(false);
});

it.each<[string, DeclaredSurface, DeclaredSurface]>([
  ['nothing of nothing', NONE, NONE],
  ['nothing of something', NONE, egress(API)],
  ['the host in another case', egress({ host: 'API.Example', port: 443 }), egress(API)],
  ['another justification', egress({ ...API, dnsEgressJustification: 'why' }), egress(API)],
  ['some of the secrets, one twice', secrets('a', 'a'), secrets('b', 'a')],
  ['names that are looked up', { ...NONE, dnsQueries: ['evil.example'] }, NONE],
])('%s is within', (_name, declared, authorized) => expect(surfaceRefusal(declared, authorized)).toBeUndefined());

it.each<[string, DeclaredSurface, DeclaredSurface, object]>([
  ['another host', egress(API, { host: 'evil', port: 443 }), egress(API), { reason: 'egress', message: 'egressRules[1] declares "evil", port 443, no protocol, which was not given', facts: { host: 'evil', port: 443, protocol: null } }],
  ['another port', egress({ ...API, port: 80 }), egress(API), { reason: 'egress', message: 'egressRules[0] declares "api.example", port 80, no protocol, which was not given', facts: { host: 'api.example', port: 80, protocol: null } }],
  ['a protocol where none was given', egress({ ...API, protocol: 'tcp' }), egress(API), { reason: 'egress', message: 'egressRules[0] declares "api.example", port 443, protocol "tcp", which was not given', facts: { host: 'api.example', port: 443, protocol: 'tcp' } }],
  ['no protocol where one was given', egress(API), egress({ ...API, protocol: 'tcp' }), { reason: 'egress', message: 'egressRules[0] declares "api.example", port 443, no protocol, which was not given', facts: { host: 'api.example', port: 443, protocol: null } }],
  ['the protocol in another case', egress({ ...API, protocol: 'TCP' }), egress({ ...API, protocol: 'tcp' }), { reason: 'egress', message: 'egressRules[0] declares "api.example", port 443, protocol "TCP", which was not given', facts: { host: 'api.example', port: 443, protocol: 'TCP' } }],
  ['egress before secrets', { ...egress(API), secretRefs: ['s'] }, NONE, { reason: 'egress', message: 'egressRules[0] declares "api.example", port 443, no protocol, which was not given', facts: { host: 'api.example', port: 443, protocol: null } }],
  ['another secret', secrets('a', 'root'), secrets('a'), { reason: 'secret', message: 'secretRefs[1] declares "root", which was not given', facts: { secretRef: 'root' } }],
  ['a secret in another case', secrets('A'), secrets('a'), { reason: 'secret', message: 'secretRefs[0] declares "A", which was not given', facts: { secretRef: 'A' } }],
])('%s is refused', (_name, declared, authorized, refusal) => expect(surfaceRefusal(declared, authorized)).toEqual(refusal));

it('names outside of the allowlist are named', () => {
  expect(unlistedQueries({ ...NONE, dnsQueries: ['a.example', 'evil.test', 'x.b.example'] }, ['a.example', '*.b.example'])).toEqual(['evil.test']);
});

const rule: fc.Arbitrary<EgressRule> = fc.record({ host: fc.constantFrom('a', 'A', 'b'), port: fc.constantFrom(1, 2), protocol: fc.constantFrom('tcp', 'TCP') }, { requiredKeys: ['host', 'port'] });
const surface: fc.Arbitrary<DeclaredSurface> = fc.record({ egressRules: fc.array(rule, { maxLength: 5 }), secretRefs: fc.array(fc.constantFrom('s', 't', 'S'), { maxLength: 3 }), dnsQueries: fc.array(fc.constantFrom('q', 'r'), { maxLength: 2 }) });
const within = (a: DeclaredSurface, b: DeclaredSurface): boolean => surfaceRefusal(a, b) === undefined;
const join = (a: DeclaredSurface, b: DeclaredSurface): DeclaredSurface => ({ ...NONE, egressRules: [...a.egressRules, ...b.egressRules], secretRefs: [...b.secretRefs, ...a.secretRefs] });
const asSets = (a: DeclaredSurface): unknown => [new Set(a.egressRules.map((one) => `${one.host.toLowerCase()} ${one.port} ${one.protocol}`)), new Set(a.secretRefs)];

it('being within is reflexive', () => fc.assert(fc.property(surface, (a) => within(a, a))));

it('being within is transitive', () => {
  fc.assert(
    fc.property(surface, surface, surface, (a, b, c) => {
      if (within(a, b) && within(b, c)) expect(within(a, c)).toBe(true);
      expect(within(a, join(a, b)) && within(join(a, b), join(join(a, b), c)) && within(a, join(join(a, b), c))).toBe(true);
    }),
  );
});

it('two surfaces are each within the other exactly when they are the same sets', () => {
  fc.assert(
    fc.property(surface, surface, fc.boolean(), (a, b, same) => {
      const other = same ? { ...join(a, a), egressRules: [...a.egressRules].reverse() } : b;
      const equal = JSON.stringify(asSets(a), (_key, part: unknown) => (part instanceof Set ? [...part].sort() : part)) === JSON.stringify(asSets(other), (_key, part: unknown) => (part instanceof Set ? [...part].sort() : part));
      expect(within(a, other) && within(other, a)).toBe(equal);
    }),
  );
});
