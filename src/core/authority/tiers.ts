/**
 * The vocabulary of derived authority (reference/01 §10.1): which kinds of rule there are, how far each may be trusted, and what a set of
 * them says about what is known. Tables and lookups only; what a derivation claims is checked in `validate-graph.ts`.
 *
 *   T1  every rule has exactly one class: the class follows from the rule, never from what a document says beside it;
 *   T2  the order of `RULE_CLASSES` is the order of a set of classes, and decides which class a refusal names.
 */

/** The rules by class. */
export const RULES_BY_CLASS = {
  RAW_OBSERVATION: ['RAW_SNI_OBSERVED', 'RAW_HOST_HEADER_OBSERVED', 'RAW_H2_AUTHORITY_OBSERVED'],
  STRUCTURAL_ALIGNMENT: ['SNI_HOST_MATCH', 'H2_AUTHORITY_HOST_MATCH', 'SNI_CDN_PROVIDER_MATCH'],
  CRYPTOGRAPHIC_PROOF: ['JWS_SIGNATURE_VERIFIED', 'DANE_TLSA_BOUND', 'SVID_CHAIN_VERIFIED'],
  OPACITY: ['ECH_DETECTED', 'ENCRYPTED_INNER_SNI'],
  IMPOSED_INTERCEPTION: ['MITM_HANDSHAKE_TERMINATED'],
  GUEST_AGENT_DECLARATION: ['GUEST_PROC_SPAWN_OBSERVED', 'GUEST_PROC_EXIT_OBSERVED', 'GUEST_FS_INOTIFY_FIRED', 'GUEST_CAP_DENIAL_OBSERVED', 'GUEST_NET_CONNECT_ATTEMPTED'],
} as const;

export type RuleClass = keyof typeof RULES_BY_CLASS;
export type DerivationRule = (typeof RULES_BY_CLASS)[RuleClass][number];
/** A rule only a guest's own word stands behind. */
export type GuestRule = (typeof RULES_BY_CLASS)['GUEST_AGENT_DECLARATION'][number];

export const RULE_CLASSES = ['RAW_OBSERVATION', 'STRUCTURAL_ALIGNMENT', 'CRYPTOGRAPHIC_PROOF', 'OPACITY', 'IMPOSED_INTERCEPTION', 'GUEST_AGENT_DECLARATION'] as const satisfies readonly RuleClass[];

const CLASS_OF = new Map<DerivationRule, RuleClass>(RULE_CLASSES.flatMap((name) => RULES_BY_CLASS[name].map((rule) => [rule, name] as const)));

/** All rules, class by class. */
export const DERIVATION_RULES: readonly DerivationRule[] = [...CLASS_OF.keys()];

/** The class of a rule [T1]. */
export function classOfRule(rule: DerivationRule): RuleClass {
  return CLASS_OF.get(rule) as RuleClass;
}

export const MAX_TIER = 4;

/** The highest tier, 0–4, that a derivation with a rule of this class may claim. */
export const TIER_CEILINGS = {
  RAW_OBSERVATION: 2,
  STRUCTURAL_ALIGNMENT: 3,
  CRYPTOGRAPHIC_PROOF: MAX_TIER,
  OPACITY: 1,
  IMPOSED_INTERCEPTION: MAX_TIER,
  GUEST_AGENT_DECLARATION: 1,
} as const satisfies Readonly<Record<RuleClass, number>>;

export const EPISTEMIC_STATUSES = ['DIRECT_OBSERVATION', 'STRUCTURALLY_BOUND', 'CRYPTOGRAPHIC_PROOF', 'OPAQUE', 'IMPOSED', 'DECLARED'] as const;
export type EpistemicStatus = (typeof EPISTEMIC_STATUSES)[number];

export const BINDING_STATUSES = ['BOUND', 'UNKNOWN', 'IMPOSED_BOUND', 'NOT_APPLICABLE'] as const;
export type BindingStatus = (typeof BINDING_STATUSES)[number];

/** What decides first stands first (reference/01 §10.2): interception and opacity hide what any other rule has seen. */
const EPISTEMIC_PRECEDENCE: readonly (readonly [RuleClass, EpistemicStatus])[] = [
  ['IMPOSED_INTERCEPTION', 'IMPOSED'],
  ['OPACITY', 'OPAQUE'],
  ['CRYPTOGRAPHIC_PROOF', 'CRYPTOGRAPHIC_PROOF'],
  ['STRUCTURAL_ALIGNMENT', 'STRUCTURALLY_BOUND'],
  ['RAW_OBSERVATION', 'DIRECT_OBSERVATION'],
  ['GUEST_AGENT_DECLARATION', 'DECLARED'],
];

/** @returns undefined for the empty set: nothing is known by no rule */
export function epistemicStatusOf(classes: ReadonlySet<RuleClass>): EpistemicStatus | undefined {
  return EPISTEMIC_PRECEDENCE.find(([name]) => classes.has(name))?.[1];
}

/** @param inputs how many inputs the derivation has: one alone has nothing to be bound to */
export function bindingStatusOf(classes: ReadonlySet<RuleClass>, inputs: number): BindingStatus {
  if (classes.has('IMPOSED_INTERCEPTION')) return 'IMPOSED_BOUND';
  if (classes.has('OPACITY')) return 'UNKNOWN';
  if (classes.has('STRUCTURAL_ALIGNMENT') || classes.has('CRYPTOGRAPHIC_PROOF')) return 'BOUND';
  return inputs === 1 ? 'NOT_APPLICABLE' : 'UNKNOWN';
}

export interface TierLimit {
  readonly ceiling: number;
  /** The class that sets it; the first in set order of several [T2]. */
  readonly by: RuleClass;
}

/** The lowest ceiling of the classes: the weakest of them bounds the whole. @returns undefined for the empty set */
export function tierLimitOf(classes: ReadonlySet<RuleClass>): TierLimit | undefined {
  let limit: TierLimit | undefined;
  for (const by of RULE_CLASSES) {
    const ceiling = TIER_CEILINGS[by];
    if (classes.has(by) && (limit === undefined || ceiling < limit.ceiling)) limit = { ceiling, by };
  }
  return limit;
}
