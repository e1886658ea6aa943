/** What a pack lets a cell do, rule by rule, for people: what each rule says, and what it says of one document. Pure. */
import type { PlacementSpec, U64 } from '../spec/document.ts';
import { decidePolicy, type PolicyGate } from './decision.ts';
import type { PolicyInput } from './policy-input.ts';
import type { PolicyRules } from './policy-shape.ts';

export interface EffectiveRule {
  /** Name of the rule in the pack. */
  readonly rule: string;
  /** `pack`: the pack sets it; `default`: it does not, and nothing is demanded. */
  readonly source: 'pack' | 'default';
  readonly says: string;
  /** Of a document: `kept`, `broken`, or `silent` for a rule that is not set. */
  readonly decision?: 'kept' | 'broken' | 'silent';
}

const SHOWN_MAX = 8;

function shown(values: readonly string[]): string {
  return values.length <= SHOWN_MAX ? values.join(', ') : `${values.slice(0, SHOWN_MAX).join(', ')} and ${values.length - SHOWN_MAX} more`;
}

interface Row {
  readonly rule: string;
  /** What the pack says; undefined: nothing. */
  readonly set: string | undefined;
  readonly unset: string;
}

const cap = (value: U64 | undefined, what: string): string | undefined => (value === undefined ? undefined : `at most ${value} ${what}, and it has to be given`);

function scopeText(scope: PlacementSpec | undefined): string | undefined {
  const keys = Object.entries(scope ?? {}).map(([key, value]) => `${key} ${String(value)}`);
  return keys.length === 0 ? undefined : `only documents of ${keys.join(', ')}; one that names none is refused`;
}

function rowsOf(rules: PolicyRules, scope: PlacementSpec | undefined): readonly Row[] {
  const { maxLifetimeTtlSeconds: ttl, allowedEgressHosts: hosts, secretRefAllowlist: allowlist } = rules;
  return [
    { rule: 'placement', set: scopeText(scope), unset: 'all documents' },
    { rule: 'maxLifetimeTtlSeconds', set: ttl === undefined ? undefined : `a cell lives at most ${ttl} s`, unset: 'any lifetime' },
    { rule: 'maxMemoryMaxBytes', set: cap(rules.maxMemoryMaxBytes, 'bytes of memory'), unset: 'any memory limit' },
    { rule: 'maxRunTimeoutMs', set: rules.maxRunTimeoutMs === undefined ? undefined : `a command takes at most ${rules.maxRunTimeoutMs} ms, by its timeout or its lifetime`, unset: 'any time' },
    { rule: 'requireEgressDeclared', set: rules.requireEgressDeclared ? 'egress has to be declared' : undefined, unset: 'egress need not be declared' },
    { rule: 'forbidOutboundEgressRules', set: rules.forbidOutboundEgressRules ? 'no egress' : undefined, unset: 'egress may be declared' },
    { rule: 'allowedEgressHosts', set: hosts.length === 0 ? undefined : `egress only to ${shown(hosts)}`, unset: 'egress to any host' },
    { rule: 'requireRuntimeSecretDelivery', set: rules.requireRuntimeSecretDelivery ? 'secrets by runtimeBroker or runtimeLeasedBroker' : undefined, unset: 'secrets by any delivery' },
    { rule: 'requireResourceLimits', set: rules.requireResourceLimits ? 'limits have to be declared' : undefined, unset: 'limits need not be declared' },
    { rule: 'flagDnsEgressWithoutAcknowledgment', set: rules.flagDnsEgressWithoutAcknowledgment === true ? 'egress to port 53 only as dns-acknowledged' : undefined, unset: 'egress to port 53 like any other' },
    { rule: 'requireDnsEgressJustification', set: rules.requireDnsEgressJustification === true ? 'acknowledged egress to port 53 with a reason' : undefined, unset: 'no reason for egress to port 53' },
    { rule: 'secretRefAllowlist', set: allowlist === undefined ? undefined : `secrets by caller; known callers: ${shown(Object.keys(allowlist)) || 'none'}`, unset: 'any secret for any caller' },
  ];
}

/** Names under which a rule of the pack is broken. */
const BROKEN_AS: Readonly<Record<string, readonly string[]>> = { placement: ['placement.undeclared'], secretRefAllowlist: ['caller_unmapped', 'secret_ref_denied'] };

/** One row a rule, in the order they are decided. @param input of a document: then each row has a decision */
export function effectiveRules(gate: PolicyGate & { readonly pack: NonNullable<PolicyGate['pack']> }, input?: PolicyInput): EffectiveRule[] {
  const { rules, placement } = gate.pack.document.spec;
  const broken = input === undefined ? undefined : new Set(decidePolicy(gate, input, '').violations.map(({ rule }) => rule));
  return rowsOf(rules, placement).map(({ rule, set, unset }): EffectiveRule => {
    const row = { rule, source: set === undefined ? ('default' as const) : ('pack' as const), says: set ?? unset };
    if (broken === undefined) return row;
    const isBroken = (BROKEN_AS[rule] ?? [rule]).some((name) => broken.has(name));
    return { ...row, decision: isBroken ? 'broken' : set === undefined ? 'silent' : 'kept' };
  });
}
