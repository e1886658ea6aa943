/**
 * A policy pack against what a document asks (reference/01 §5.4–5.6): pure functions, every violation in the reference's order.
 *
 *   P1  `packViolations` is the reference's evaluation, with its two omissions kept: a pack whose scope does not match says nothing, and a cap
 *       says nothing about a value that is not there;
 *   P2  `strictViolations` closes both, and is what admission adds: it only ever adds violations;
 *   P3  asking less never turns a permitted request into a refused one, but where a pack demands that something is declared;
 *   P4  the time taken grows with the pack plus the document: hosts and names are looked up, and a message never lists the whole pack.
 */
import { asciiLower } from '../egress/names.ts';
import type { EgressRule, PlacementSpec, U64 } from '../spec/document.ts';
import { quoted } from '../spec/issues.ts';
import { trimWhiteSpace } from '../spec/predicates.ts';
import { HostPatterns } from './host-patterns.ts';
import type { PolicyInput } from './policy-input.ts';
import type { PolicyPack, PolicyRules } from './policy-shape.ts';

/** The reference's names of rules, in the order they are evaluated. */
export const POLICY_RULE_IDS = [
  'maxLifetimeTtlSeconds',
  'maxMemoryMaxBytes',
  'maxRunTimeoutMs',
  'requireEgressDeclared',
  'forbidOutboundEgressRules',
  'allowedEgressHosts',
  'requireRuntimeSecretDelivery',
  'requireResourceLimits',
  'flagDnsEgressWithoutAcknowledgment',
  'requireDnsEgressJustification',
] as const;
export type PolicyRuleId = (typeof POLICY_RULE_IDS)[number];
export type SecretRuleId = 'caller_unmapped' | 'secret_ref_denied';

export interface PolicyViolation<R extends string = string> {
  readonly rule: R;
  /** What breaks it, from the document root. */
  readonly path: string;
  readonly message: string;
}

const DNS_PORT = 53;
const PATTERNS_SHOWN_MAX = 8;
const PLACEMENT_KEYS = ['poolId', 'kubernetesNamespace', 'queueName'] as const;

/** Does the scope of a pack cover a document? A scope without keys covers all; else each of its keys has to be the document's, to the letter. */
export function matchesPlacement(placement: PlacementSpec | undefined, scope: PlacementSpec | undefined): boolean {
  return PLACEMENT_KEYS.every((key) => scope?.[key] === undefined || placement?.[key] === scope[key]);
}

const violation = (rule: PolicyRuleId, path: string, message: string): PolicyViolation<PolicyRuleId> => ({ rule, path, message });

interface Cap {
  readonly rule: 'maxLifetimeTtlSeconds' | 'maxMemoryMaxBytes' | 'maxRunTimeoutMs';
  readonly path: string;
  readonly value: U64 | undefined;
}

function capsOf({ ttlSeconds, memoryMaxBytes, timeoutMs }: PolicyInput): readonly Cap[] {
  return [
    { rule: 'maxLifetimeTtlSeconds', path: 'spec.lifetime.ttlSeconds', value: ttlSeconds },
    { rule: 'maxMemoryMaxBytes', path: 'spec.run.limits.memoryMaxBytes', value: memoryMaxBytes },
    { rule: 'maxRunTimeoutMs', path: 'spec.run.timeoutMs', value: timeoutMs },
  ];
}

function capViolations(rules: PolicyRules, input: PolicyInput): PolicyViolation<PolicyRuleId>[] {
  return capsOf(input).flatMap(({ rule, path, value }) => {
    const max = rules[rule];
    return max === undefined || value === undefined || value <= max ? [] : [violation(rule, path, `is ${value}, more than the ${max} the pack allows`)];
  });
}

function patternsText(patterns: readonly string[]): string {
  const shown = patterns.slice(0, PATTERNS_SHOWN_MAX).map(quoted).join(', ');
  return patterns.length > PATTERNS_SHOWN_MAX ? `${shown} and ${patterns.length - PATTERNS_SHOWN_MAX} more` : shown;
}

function egressViolations(rules: PolicyRules, egress: readonly EgressRule[]): PolicyViolation<PolicyRuleId>[] {
  const found: PolicyViolation<PolicyRuleId>[] = [];
  const path = 'spec.authority.egressRules';
  if (rules.requireEgressDeclared && egress.length === 0) found.push(violation('requireEgressDeclared', path, 'is empty: the pack demands that egress is declared'));
  if (rules.forbidOutboundEgressRules && egress.length > 0) found.push(violation('forbidOutboundEgressRules', path, `has ${egress.length} ${egress.length === 1 ? 'rule' : 'rules'}: the pack allows no egress`));
  const patterns = rules.allowedEgressHosts;
  if (patterns.length === 0 || egress.length === 0) return found;
  const allowed = new HostPatterns(patterns);
  const text = patternsText(patterns);
  for (const [i, { host }] of egress.entries()) {
    if (!allowed.allows(host)) found.push(violation('allowedEgressHosts', `${path}[${i}].host`, `is ${quoted(host)}, which the pack does not allow; it allows ${text}`));
  }
  return found;
}

function runViolations(rules: PolicyRules, { secretDelivery, limitsDeclared }: PolicyInput): PolicyViolation<PolicyRuleId>[] {
  const found: PolicyViolation<PolicyRuleId>[] = [];
  // A document without `run` counts as one that delivers by environment.
  if (rules.requireRuntimeSecretDelivery && (secretDelivery === 'env' || secretDelivery === 'none')) {
    found.push(violation('requireRuntimeSecretDelivery', 'spec.run.secretDelivery', `is ${secretDelivery === 'env' ? 'env' : 'missing'}: the pack demands runtimeBroker or runtimeLeasedBroker`));
  }
  if (rules.requireResourceLimits && !limitsDeclared) found.push(violation('requireResourceLimits', 'spec.run.limits', 'is missing: the pack demands that limits are declared'));
  return found;
}

const acknowledgesDns = ({ protocol }: EgressRule): boolean => protocol !== undefined && asciiLower(protocol) === 'dns-acknowledged';

function dnsViolations(rules: PolicyRules, egress: readonly EgressRule[]): PolicyViolation<PolicyRuleId>[] {
  const found: PolicyViolation<PolicyRuleId>[] = [];
  const path = 'spec.authority.egressRules';
  const silent = rules.flagDnsEgressWithoutAcknowledgment === true ? egress.findIndex((rule) => rule.port === DNS_PORT && !acknowledgesDns(rule)) : -1;
  if (silent >= 0) found.push(violation('flagDnsEgressWithoutAcknowledgment', `${path}[${silent}].protocol`, 'opens port 53 without saying so: data can leave in queries; write dns-acknowledged to take that risk knowingly'));
  if (rules.requireDnsEgressJustification !== true) return found;
  for (const [i, rule] of egress.entries()) {
    if (rule.port !== DNS_PORT || !acknowledgesDns(rule) || trimWhiteSpace(rule.dnsEgressJustification ?? '') !== '') continue;
    found.push(violation('requireDnsEgressJustification', `${path}[${i}].dnsEgressJustification`, 'is missing: the pack demands a reason for egress to port 53'));
  }
  return found;
}

/** The reference's evaluation [P1]: violations in the order of `POLICY_RULE_IDS`, all of them; empty when the scope does not match. */
export function packViolations(pack: PolicyPack, input: PolicyInput): PolicyViolation<PolicyRuleId>[] {
  if (!matchesPlacement(input.placement, pack.placement)) return [];
  const { rules } = pack;
  return [...capViolations(rules, input), ...egressViolations(rules, input.egressRules), ...runViolations(rules, input), ...dnsViolations(rules, input.egressRules)];
}

/** What admission adds [P2]: a cap on a value nobody gave, and a scope that a document dodges by saying nothing of its placement. */
export function strictViolations(pack: PolicyPack, input: PolicyInput): PolicyViolation[] {
  const { rules, placement: scope } = pack;
  const dodged = PLACEMENT_KEYS.filter((key) => scope?.[key] !== undefined && input.placement?.[key] === undefined);
  if (dodged.length > 0) return dodged.map((key) => ({ rule: 'placement.undeclared', path: `spec.placement.${key}`, message: `is missing: the pack is for ${quoted(scope?.[key] ?? '')}, and a document that names none would escape it` }));
  if (!matchesPlacement(input.placement, scope)) return [];
  const found: PolicyViolation[] = [];
  if (rules.maxMemoryMaxBytes !== undefined && input.memoryMaxBytes === undefined) found.push({ rule: 'maxMemoryMaxBytes', path: 'spec.run.limits.memoryMaxBytes', message: `is missing: the pack allows at most ${rules.maxMemoryMaxBytes} (--memory, for a command)` });
  const { maxRunTimeoutMs: max } = rules;
  // The lifetime of the cell bounds its command, too.
  if (max !== undefined && input.timeoutMs === undefined && BigInt(input.ttlSeconds) * 1000n > max) found.push({ rule: 'maxRunTimeoutMs', path: 'spec.run.timeoutMs', message: `is missing, and the lifetime of ${input.ttlSeconds} s is longer than the ${max} ms the pack allows a command` });
  return found;
}

/**
 * May the caller have the secrets the document asks for? In the order of `authority.secretRefs`, every one that is not granted. No wildcards, letters
 * count, and the scope of the pack does not matter. The reference has this function and never calls it.
 */
export function secretViolations(rules: PolicyRules, input: Pick<PolicyInput, 'caller' | 'secretRefs'>): PolicyViolation<SecretRuleId>[] {
  const { secretRefAllowlist: allowlist } = rules;
  if (allowlist === undefined) return [];
  const { caller, secretRefs } = input;
  const granted = Object.hasOwn(allowlist, caller) ? allowlist[caller] : undefined;
  if (granted === undefined) return [{ rule: 'caller_unmapped', path: 'caller', message: `is ${quoted(caller)}, which the pack's secretRefAllowlist does not name (CELLOS_CALLER_IDENTITY says who asks)` }];
  const names = new Set(granted);
  const found: PolicyViolation<SecretRuleId>[] = [];
  const who = quoted(caller);
  for (const [i, ref] of secretRefs.entries()) if (!names.has(ref)) found.push({ rule: 'secret_ref_denied', path: `spec.authority.secretRefs[${i}]`, message: `is ${quoted(ref)}, which the pack does not grant the caller ${who}` });
  return found;
}
