import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonFloat, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { encode } from '../spec/encode.ts';
import { AUTHORITY_DERIVATION, type AuthorityDerivation } from './graph.ts';
import { bindingStatusOf, classOfRule, DERIVATION_RULES, type DerivationRule, epistemicStatusOf, tierLimitOf } from './tiers.ts';
import { type AuthorityReason, classesOf, derivationRefusal, GRAPH_REASONS, readDerivation } from './validate-graph.ts';

type Output = AuthorityDerivation['output'];
type Claims = Partial<Omit<Output, 'confidence'>> & { readonly confidence?: number };

/** A derivation that holds, of these rules and input confidences, but for the claims given. */
function derive(rules: readonly DerivationRule[], confidences: readonly number[] = [0.5], claims: Claims = {}): AuthorityDerivation {
  const applied = rules.map((rule) => ({ rule, class: classOfRule(rule) }));
  const classes = new Set(applied.map((one) => one.class));
  const { confidence = Math.max(0, ...confidences), ...rest } = claims;
  const follows = { tier: tierLimitOf(classes)?.ceiling ?? 0, epistemic_status: epistemicStatusOf(classes) ?? ('OPAQUE' as const), binding_status: bindingStatusOf(classes, confidences.length) };
  return {
    inputs: confidences.map((value) => ({ type: 'sni' as const, value: 'a.example', confidence: new JsonFloat(value) })),
    rules_applied: applied,
    output: { ...follows, ...rest, confidence: new JsonFloat(confidence) },
  };
}

const withClass = (derivation: AuthorityDerivation, at: number, name: AuthorityDerivation['rules_applied'][number]['class']): AuthorityDerivation => ({
  ...derivation,
  rules_applied: derivation.rules_applied.map((one, i) => (i === at ? { ...one, class: name } : one)),
});

const RAW = 'RAW_SNI_OBSERVED';

it.each<[string, AuthorityDerivation]>([
  ['one raw observation at its ceiling', derive([RAW])],
  ['tier and confidence 0', derive([RAW], [0], { tier: 0 })],
  ['confidence 1 of the best of two', derive([RAW], [0, 1])],
  ['the best input first', derive([RAW], [1, 0])],
  ['a confidence of -0', derive([RAW], [-0])],
  ['a pure proof at tier 4', derive(['JWS_SIGNATURE_VERIFIED'])],
  ['imposed at tier 4', derive(['MITM_HANDSHAKE_TERMINATED'])],
  ['a rule twice', derive([RAW, RAW])],
  ['a guest at tier 1', derive(['GUEST_PROC_SPAWN_OBSERVED'])],
])('%s holds', (_name, derivation) => expect(derivationRefusal(derivation)).toBeUndefined());

it.each<[string, AuthorityDerivation, AuthorityReason, object, string]>([
  ['no inputs', derive([RAW], []), 'NoInputs', {}, 'inputs is empty: a derivation needs at least one observation to rest on'],
  ['no rules', derive([]), 'NoRulesApplied', {}, 'rules_applied is empty: a derivation needs at least one rule that leads to its output'],
  ['an input below 0', derive([RAW], [0.5, -0.25]), 'InputConfidenceOutOfRange', { confidence: -0.25, input: 1 }, 'inputs[1].confidence has to be from 0 to 1, not -0.25'],
  ['an input above 1', derive([RAW], [1.5], { confidence: 1 }), 'InputConfidenceOutOfRange', { confidence: 1.5, input: 0 }, 'inputs[0].confidence has to be from 0 to 1, not 1.5'],
  ['an input that is no number', derive([RAW], [Number.NaN], { confidence: 0 }), 'InputConfidenceOutOfRange', { confidence: Number.NaN, input: 0 }, 'inputs[0].confidence has to be from 0 to 1, not NaN'],
  ['an output below 0', derive([RAW], [0.5], { confidence: -1 }), 'OutputConfidenceInvalid', { confidence: -1 }, 'output.confidence has to be from 0 to 1, not -1'],
  ['an output above 1', derive([RAW], [0.5], { confidence: 2 }), 'OutputConfidenceInvalid', { confidence: 2 }, 'output.confidence has to be from 0 to 1, not 2'],
  ['an output that is no number', derive([RAW], [0.5], { confidence: Number.NaN }), 'OutputConfidenceInvalid', { confidence: Number.NaN }, 'output.confidence has to be from 0 to 1, not NaN'],
  ['tier 5', derive(['JWS_SIGNATURE_VERIFIED'], [0.5], { tier: 5 }), 'TierOutOfRange', { tier: 5 }, 'output.tier has to be from 0 to 4, not 5'],
  [
    'a class that is not that of the rule',
    withClass(derive([RAW, 'ECH_DETECTED']), 1, 'RAW_OBSERVATION'),
    'RuleClassMismatch',
    { rule: 'ECH_DETECTED', declared: 'RAW_OBSERVATION', expected: 'OPACITY' },
    'rules_applied[1].class of the rule ECH_DETECTED is OPACITY, not RAW_OBSERVATION',
  ],
  [
    'another epistemic status',
    derive([RAW], [0.5], { epistemic_status: 'IMPOSED' }),
    'EpistemicMismatch',
    { declared: 'IMPOSED', expected: 'DIRECT_OBSERVATION' },
    'output.epistemic_status of these rules is DIRECT_OBSERVATION, not IMPOSED',
  ],
  ['more confidence than any input', derive([RAW], [0.1, 0.2], { confidence: 0.3 }), 'ConfidenceInflation', { claimed: 0.3, best: 0.2 }, 'output.confidence is 0.3, more than the 0.2 of the best input: lower it to that'],
  [
    'a tier above the ceiling',
    derive([RAW, 'JWS_SIGNATURE_VERIFIED'], [0.5], { tier: 3 }),
    'TierInflation',
    { tier: 3, ceiling: 2, class: 'RAW_OBSERVATION' },
    'output.tier is 3, but a derivation with a rule of RAW_OBSERVATION reaches tier 2 at most',
  ],
  [
    'another binding status',
    derive(['SNI_HOST_MATCH'], [0.5], { binding_status: 'UNKNOWN' }),
    'BindingStatusMismatch',
    { declared: 'UNKNOWN', expected: 'BOUND' },
    'output.binding_status of these rules and inputs is BOUND, not UNKNOWN',
  ],
  ['the binding of one input for two', derive([RAW], [0.5, 0.5], { binding_status: 'NOT_APPLICABLE' }), 'BindingStatusMismatch', { declared: 'NOT_APPLICABLE', expected: 'UNKNOWN' }, 'output.binding_status of these rules and inputs is UNKNOWN, not NOT_APPLICABLE'],
])('%s is refused', (_name, derivation, reason, facts, message) => expect(derivationRefusal(derivation)).toEqual({ reason, message, facts }));

it('the checks come in the order of the reference: mending one mistake shows the next', () => {
  const worst = withClass(derive([RAW], [9], { confidence: 8, tier: 7, epistemic_status: 'OPAQUE', binding_status: 'BOUND' }), 0, 'OPACITY');
  const output = (derivation: AuthorityDerivation, change: Partial<Output>): AuthorityDerivation => ({ ...derivation, output: { ...derivation.output, ...change } });
  const { inputs } = derive([RAW], [0.5]);
  const mends: ((derivation: AuthorityDerivation) => AuthorityDerivation)[] = [
    (d) => ({ ...d, inputs: worst.inputs }),
    (d) => ({ ...d, rules_applied: worst.rules_applied }),
    (d) => ({ ...d, inputs }),
    (d) => output(d, { confidence: new JsonFloat(1) }),
    (d) => output(d, { tier: 4 }),
    (d) => withClass(d, 0, 'RAW_OBSERVATION'),
    (d) => output(d, { epistemic_status: 'DIRECT_OBSERVATION' }),
    (d) => output(d, { confidence: new JsonFloat(0.5) }),
    (d) => output(d, { tier: 2 }),
    (d) => output(d, { binding_status: 'NOT_APPLICABLE' }),
  ];
  let derivation: AuthorityDerivation = { ...worst, inputs: [], rules_applied: [] };
  const seen = mends.map((mend) => {
    const reason = derivationRefusal(derivation)?.reason;
    derivation = mend(derivation);
    return reason;
  });
  expect(seen).toEqual([...GRAPH_REASONS]);
  expect(derivationRefusal(derivation)).toBeUndefined();
});

it('a document is read and checked in one step', () => {
  const good = derive([RAW]);
  expect(readDerivation(encode(AUTHORITY_DERIVATION, good))).toMatchObject({ kind: 'ok', value: { output: { tier: 2 } } });
  expect(readDerivation(encode(AUTHORITY_DERIVATION, derive([RAW], [])))).toMatchObject({ kind: 'refused', refusal: { reason: 'NoInputs' } });
});

it('a document of another shape is refused with its first mistake and where it is', () => {
  expect(readDerivation(null)).toEqual({ kind: 'refused', refusal: { reason: 'Shape', message: 'the document has to be an object, not null', facts: { path: '', rule: 'wrong-type' } } });
  const text = '{"inputs":[],"rules_applied":[{"rule":"NEW_RULE","class":"OPACITY"}],"output":{"tier":256}}';
  const read = readDerivation(parseJson(text));
  expect(read).toMatchObject({ kind: 'refused', refusal: { reason: 'Shape', facts: { path: 'rules_applied[0].rule', rule: 'unknown-value' } } });
  expect(read.kind === 'refused' && read.refusal.message).toMatch(/^rules_applied\[0\]\.rule has to be RAW_SNI_OBSERVED, .* not "NEW_RULE"$/);
});

const rules = fc.array(fc.constantFrom(...DERIVATION_RULES), { minLength: 1, maxLength: 6 });
const confidences = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 });

it('what follows from its rules and inputs holds, and one tier or a little confidence more does not', () => {
  fc.assert(
    fc.property(rules, confidences, (applied, given) => {
      const derivation = derive(applied, given);
      expect(derivationRefusal(derivation)).toBeUndefined();
      const limit = tierLimitOf(classesOf(derivation))?.ceiling ?? 0;
      expect(derivationRefusal(derive(applied, given, { tier: limit + 1 }))?.reason).toBe(limit === 4 ? 'TierOutOfRange' : 'TierInflation');
      const best = Math.max(...given);
      if (best < 1) expect(derivationRefusal(derive(applied, given, { confidence: (best + 1) / 2 }))?.reason).toBe('ConfidenceInflation');
    }),
  );
});

const almost = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue() });
const almostDerivation = fc.record(
  {
    inputs: almost(fc.array(almost(fc.record({ type: almost(fc.constantFrom('sni', 'jws_payload')), value: almost(fc.string()), confidence: almost(fc.double({ min: -1, max: 2 })) })), { maxLength: 3 })),
    rules_applied: almost(fc.array(almost(fc.record({ rule: almost(fc.constantFrom(...DERIVATION_RULES)), class: almost(fc.constantFrom('OPACITY', 'RAW_OBSERVATION')) })), { maxLength: 3 })),
    output: almost(fc.record({ tier: almost(fc.nat(300)), confidence: almost(fc.double({ min: -1, max: 2 })), epistemic_status: almost(fc.constantFrom('OPAQUE', 'IMPOSED')), binding_status: almost(fc.constantFrom('BOUND', 'UNKNOWN')) })),
  },
  { requiredKeys: [] },
);

it('any JSON is accepted or refused, and what is accepted holds: nothing is thrown [V3]', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), almostDerivation.map((value) => JSON.stringify(value))), (text) => {
      const document: JsonValue = parseJson(text, { duplicates: 'last' });
      const read = readDerivation(document);
      if (read.kind === 'ok') expect(derivationRefusal(read.value)).toBeUndefined();
      else expect(read.refusal.message).not.toBe('');
    }),
  );
});

it('very many inputs are no difficulty', () => {
  expect(derivationRefusal(derive([RAW], [0.5, 0.5]))).toBeUndefined();
  const { inputs } = derive([RAW]);
  const many = Array.from({ length: 300_000 }, () => inputs[0] as (typeof inputs)[number]);
  expect(derivationRefusal({ ...derive([RAW], [0.5, 0.5]), inputs: many })).toBeUndefined();
});
