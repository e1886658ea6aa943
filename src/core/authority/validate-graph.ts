/**
 * Does what a derivation claims follow from what it rests on (reference/01 §10.2)?
 *
 *   V1  the first check that fails, in the reference's order, is the refusal; none means the derivation holds;
 *   V2  a derivation claims no more than its weakest rule class allows, and no more confidence than its best input has;
 *   V3  nothing is thrown: a refusal is a value. Linear in inputs and rules.
 */
import type { FactValue } from '../../base/errors.ts';
import type { JsonFloat, JsonValue } from '../../base/json.ts';
import { renderPath } from '../../base/json-path.ts';
import { type Decoded, decode } from '../spec/decode.ts';
import { AUTHORITY_DERIVATION, type AuthorityDerivation } from './graph.ts';
import { bindingStatusOf, classOfRule, epistemicStatusOf, MAX_TIER, type RuleClass, tierLimitOf } from './tiers.ts';

/** The reference's kinds, in the order of the checks. */
export const GRAPH_REASONS = [
  'NoInputs',
  'NoRulesApplied',
  'InputConfidenceOutOfRange',
  'OutputConfidenceInvalid',
  'TierOutOfRange',
  'RuleClassMismatch',
  'EpistemicMismatch',
  'ConfidenceInflation',
  'TierInflation',
  'BindingStatusMismatch',
] as const;
/** Kinds of the typed variants (reference/01 §10.3); the last two are refusals of ours. */
export type TypedReason = 'TypeClassIncompatible' | 'ProvenAuthorityMissingArtifact' | 'ImposedAuthorityMissingInterception' | 'ArtifactEmpty' | 'ArtifactRuleMissing';
export type AuthorityReason = (typeof GRAPH_REASONS)[number] | TypedReason | 'Shape';

export interface AuthorityRefusal {
  readonly reason: AuthorityReason;
  /** What failed, where in the document, and what would be right. */
  readonly message: string;
  /** What was claimed and what it was held against, as on the wire. */
  readonly facts: Readonly<Record<string, FactValue>>;
}

export type Checked<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'refused'; readonly refusal: AuthorityRefusal };

export function refusal(reason: AuthorityReason, message: string, facts: AuthorityRefusal['facts'] = {}): AuthorityRefusal {
  return { reason, message, facts };
}

/** False for NaN as well. */
const isConfidence = ({ value }: JsonFloat): boolean => value >= 0 && value <= 1;

/** The classes as the document names them. */
export function classesOf(derivation: AuthorityDerivation): ReadonlySet<RuleClass> {
  return new Set(derivation.rules_applied.map((applied) => applied.class));
}

/** Steps 1 to 5: is each value in its range? */
function refusedRange({ inputs, rules_applied: rules, output }: AuthorityDerivation): AuthorityRefusal | undefined {
  if (inputs.length === 0) return refusal('NoInputs', 'inputs is empty: a derivation needs at least one observation to rest on');
  if (rules.length === 0) return refusal('NoRulesApplied', 'rules_applied is empty: a derivation needs at least one rule that leads to its output');
  for (const [i, { confidence }] of inputs.entries()) {
    if (!isConfidence(confidence)) return refusal('InputConfidenceOutOfRange', `inputs[${i}].confidence has to be from 0 to 1, not ${confidence.value}`, { confidence: confidence.value, input: i });
  }
  if (!isConfidence(output.confidence)) return refusal('OutputConfidenceInvalid', `output.confidence has to be from 0 to 1, not ${output.confidence.value}`, { confidence: output.confidence.value });
  if (output.tier > MAX_TIER) return refusal('TierOutOfRange', `output.tier has to be from 0 to ${MAX_TIER}, not ${output.tier}`, { tier: output.tier });
  return undefined;
}

/** Step 6: a document does not choose the class of a rule. */
function refusedClass({ rules_applied: rules }: AuthorityDerivation): AuthorityRefusal | undefined {
  for (const [i, { rule, class: declared }] of rules.entries()) {
    const expected = classOfRule(rule);
    if (declared !== expected) return refusal('RuleClassMismatch', `rules_applied[${i}].class of the rule ${rule} is ${expected}, not ${declared}`, { rule, declared, expected });
  }
  return undefined;
}

/** Steps 7 to 10: does the output follow? */
function refusedOutput({ inputs, output }: AuthorityDerivation, classes: ReadonlySet<RuleClass>): AuthorityRefusal | undefined {
  const epistemic = epistemicStatusOf(classes);
  if (output.epistemic_status !== epistemic) {
    return refusal('EpistemicMismatch', `output.epistemic_status of these rules is ${epistemic}, not ${output.epistemic_status}`, { declared: output.epistemic_status, expected: epistemic ?? null });
  }
  const best = inputs.reduce((most, input) => Math.max(most, input.confidence.value), 0);
  const claimed = output.confidence.value;
  if (claimed > best) return refusal('ConfidenceInflation', `output.confidence is ${claimed}, more than the ${best} of the best input: lower it to that`, { claimed, best });
  const limit = tierLimitOf(classes);
  if (limit !== undefined && output.tier > limit.ceiling) {
    return refusal('TierInflation', `output.tier is ${output.tier}, but a derivation with a rule of ${limit.by} reaches tier ${limit.ceiling} at most`, { tier: output.tier, ceiling: limit.ceiling, class: limit.by });
  }
  const binding = bindingStatusOf(classes, inputs.length);
  if (output.binding_status !== binding) {
    return refusal('BindingStatusMismatch', `output.binding_status of these rules and inputs is ${binding}, not ${output.binding_status}`, { declared: output.binding_status, expected: binding });
  }
  return undefined;
}

/** @returns why the derivation does not hold, or undefined [V1] */
export function derivationRefusal(derivation: AuthorityDerivation): AuthorityRefusal | undefined {
  return refusedRange(derivation) ?? refusedClass(derivation) ?? refusedOutput(derivation, classesOf(derivation));
}

/** What was decoded, or its first mistake as a refusal. */
export function checkedShape<T>(decoded: Decoded<T>): Checked<T> {
  const { value, errors } = decoded;
  if (value !== undefined && errors.count === 0) return { kind: 'ok', value };
  const first = errors.list[0];
  const path = renderPath(first?.path ?? []);
  return { kind: 'refused', refusal: refusal('Shape', `${path === '' ? 'the document' : path} ${first?.message ?? 'is not readable'}`, { path, rule: first?.rule ?? null }) };
}

/** A derivation from a document: only one that holds is given out. */
export function readDerivation(document: JsonValue): Checked<AuthorityDerivation> {
  const read = checkedShape(decode(AUTHORITY_DERIVATION, document));
  if (read.kind === 'refused') return read;
  const refused = derivationRefusal(read.value);
  return refused === undefined ? read : { kind: 'refused', refusal: refused };
}
