import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BINDING_STATUSES, bindingStatusOf, classOfRule, DERIVATION_RULES, EPISTEMIC_STATUSES, epistemicStatusOf, MAX_TIER, RULE_CLASSES, RULES_BY_CLASS, type RuleClass, TIER_CEILINGS, tierLimitOf } from './tiers.ts';

const setOf = (...classes: RuleClass[]): ReadonlySet<RuleClass> => new Set(classes);
const classSet = fc.subarray([...RULE_CLASSES]).map((classes) => new Set(classes));

it.each<[RuleClass, string[]]>([
  ['RAW_OBSERVATION', ['RAW_SNI_OBSERVED', 'RAW_HOST_HEADER_OBSERVED', 'RAW_H2_AUTHORITY_OBSERVED']],
  ['STRUCTURAL_ALIGNMENT', ['SNI_HOST_MATCH', 'H2_AUTHORITY_HOST_MATCH', 'SNI_CDN_PROVIDER_MATCH']],
  ['CRYPTOGRAPHIC_PROOF', ['JWS_SIGNATURE_VERIFIED', 'DANE_TLSA_BOUND', 'SVID_CHAIN_VERIFIED']],
  ['OPACITY', ['ECH_DETECTED', 'ENCRYPTED_INNER_SNI']],
  ['IMPOSED_INTERCEPTION', ['MITM_HANDSHAKE_TERMINATED']],
  ['GUEST_AGENT_DECLARATION', ['GUEST_PROC_SPAWN_OBSERVED', 'GUEST_PROC_EXIT_OBSERVED', 'GUEST_FS_INOTIFY_FIRED', 'GUEST_CAP_DENIAL_OBSERVED', 'GUEST_NET_CONNECT_ATTEMPTED']],
])('%s has its rules, and each of them has that class', (name, rules) => {
  expect(RULES_BY_CLASS[name]).toEqual(rules);
  expect(DERIVATION_RULES.filter((rule) => classOfRule(rule) === name)).toEqual(rules);
});

it('there are six classes in set order, and 17 rules', () => {
  expect(RULE_CLASSES).toEqual(Object.keys(RULES_BY_CLASS));
  expect(DERIVATION_RULES).toHaveLength(17);
});

it('the statuses are those of the wire', () => {
  expect(EPISTEMIC_STATUSES).toEqual(['DIRECT_OBSERVATION', 'STRUCTURALLY_BOUND', 'CRYPTOGRAPHIC_PROOF', 'OPAQUE', 'IMPOSED', 'DECLARED']);
  expect(BINDING_STATUSES).toEqual(['BOUND', 'UNKNOWN', 'IMPOSED_BOUND', 'NOT_APPLICABLE']);
});

it('the ceilings are 2, 3, 4, 1, 4, 1 in set order', () => {
  expect(RULE_CLASSES.map((name) => TIER_CEILINGS[name])).toEqual([2, 3, 4, 1, 4, 1]);
  expect(MAX_TIER).toBe(4);
});

it('one class alone has its own epistemic status', () => {
  expect(RULE_CLASSES.map((name) => epistemicStatusOf(setOf(name)))).toEqual([...EPISTEMIC_STATUSES]);
});

it('of several classes imposed goes before opaque, proof, alignment, raw and guest', () => {
  const order: RuleClass[] = ['IMPOSED_INTERCEPTION', 'OPACITY', 'CRYPTOGRAPHIC_PROOF', 'STRUCTURAL_ALIGNMENT', 'RAW_OBSERVATION', 'GUEST_AGENT_DECLARATION'];
  for (let i = 0; i < order.length; i += 1) expect(epistemicStatusOf(new Set(order.slice(i)))).toBe(epistemicStatusOf(setOf(order[i] as RuleClass)));
});

it('no rule says nothing: no epistemic status and no tier limit', () => {
  expect(epistemicStatusOf(new Set())).toBeUndefined();
  expect(tierLimitOf(new Set())).toBeUndefined();
});

it.each<[string, RuleClass[], number, string]>([
  ['imposed over opacity', ['IMPOSED_INTERCEPTION', 'OPACITY'], 1, 'IMPOSED_BOUND'],
  ['imposed over proof', ['IMPOSED_INTERCEPTION', 'CRYPTOGRAPHIC_PROOF'], 2, 'IMPOSED_BOUND'],
  ['opacity of one input', ['OPACITY'], 1, 'UNKNOWN'],
  ['opacity over proof and alignment', ['OPACITY', 'CRYPTOGRAPHIC_PROOF', 'STRUCTURAL_ALIGNMENT'], 1, 'UNKNOWN'],
  ['alignment', ['STRUCTURAL_ALIGNMENT'], 1, 'BOUND'],
  ['proof', ['CRYPTOGRAPHIC_PROOF'], 1, 'BOUND'],
  ['proof beside raw', ['CRYPTOGRAPHIC_PROOF', 'RAW_OBSERVATION'], 3, 'BOUND'],
  ['raw of one input', ['RAW_OBSERVATION'], 1, 'NOT_APPLICABLE'],
  ['raw of two inputs', ['RAW_OBSERVATION'], 2, 'UNKNOWN'],
  ['guest of one input', ['GUEST_AGENT_DECLARATION'], 1, 'NOT_APPLICABLE'],
  ['guest of two inputs', ['GUEST_AGENT_DECLARATION'], 2, 'UNKNOWN'],
  ['raw of no input', ['RAW_OBSERVATION'], 0, 'UNKNOWN'],
])('binding of %s', (_name, classes, inputs, expected) => expect(bindingStatusOf(new Set(classes), inputs)).toBe(expected));

it('of equal ceilings the first class in set order is named', () => {
  expect(tierLimitOf(setOf('GUEST_AGENT_DECLARATION', 'OPACITY'))).toEqual({ ceiling: 1, by: 'OPACITY' });
  expect(tierLimitOf(setOf('IMPOSED_INTERCEPTION', 'CRYPTOGRAPHIC_PROOF'))).toEqual({ ceiling: 4, by: 'CRYPTOGRAPHIC_PROOF' });
  expect(tierLimitOf(setOf('CRYPTOGRAPHIC_PROOF', 'RAW_OBSERVATION'))).toEqual({ ceiling: 2, by: 'RAW_OBSERVATION' });
});

it('another class never lifts the limit, and the limit is that of one of the classes', () => {
  fc.assert(
    fc.property(classSet, fc.constantFrom(...RULE_CLASSES), (classes, extra) => {
      const before = tierLimitOf(classes);
      const after = tierLimitOf(new Set([...classes, extra]));
      if (before !== undefined) expect(classes.has(before.by) && TIER_CEILINGS[before.by] === before.ceiling).toBe(true);
      expect(after?.ceiling).toBe(Math.min(before?.ceiling ?? MAX_TIER, TIER_CEILINGS[extra]));
    }),
  );
});
