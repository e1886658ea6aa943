/**
 * Judges a document by a policy pack (reference/01 §5.5, §5.6).
 *
 *   PE1  all violations are told, in the order of the reference; the time taken grows with pack and document, not with their product;
 *   PE2  a pack whose scope is about other documents has no violations, and the decision says that it did not apply;
 *   PE3  `strict` adds what the reference lets through: a limit that is left out where the pack sets one.
 */
import { asciiLower } from '../egress/names.ts';
import type { EgressRule, ExecutionCellSpec } from '../spec/document.ts';
import { quoted } from '../spec/issues.ts';
import { trimWhiteSpace } from '../spec/predicates.ts';
import { HostPatterns } from './host-patterns.ts';
import type { PolicyPackSpec, PolicyRules } from './pack.ts';
import { matchesScope } from './placement.ts';

export type PolicyRuleId =
  | 'maxLifetimeTtlSeconds'
  | 'maxMemoryMaxBytes'
  | 'maxRunTimeoutMs'
  | 'requireEgressDeclared'
  | 'forbidOutboundEgressRules'
  | 'allowedEgressHosts'
  | 'requireRuntimeSecretDelivery'
  | 'requireResourceLimits'
  | 'flagDnsEgressWithoutAcknowledgment'
  | 'requireDnsEgressJustification'
  | 'secretRefAllowlist';

export interface PolicyViolation {
  readonly rule: PolicyRuleId;
  readonly message: string;
}

type Report = (rule: PolicyRuleId, message: string) => void;
type Amount = number | bigint | undefined;

const DNS_PORT = 53;
const ACKNOWLEDGED = 'dns-acknowledged';
/** Patterns named in one message. */
const NAMED_MAX = 8;

const rulesOf = (spec: ExecutionCellSpec): readonly EgressRule[] => spec.authority.egressRules ?? [];
const isAcknowledged = ({ port, protocol }: EgressRule): boolean => port === DNS_PORT && asciiLower(protocol ?? '') === ACKNOWLEDGED;

/** What a document says of each thing a pack can limit. */
function amounts({ lifetime, run }: ExecutionCellSpec): readonly (readonly [rule: 'maxLifetimeTtlSeconds' | 'maxMemoryMaxBytes' | 'maxRunTimeoutMs', member: string, value: Amount])[] {
  return [
    ['maxLifetimeTtlSeconds', 'spec.lifetime.ttlSeconds', lifetime.ttlSeconds],
    ['maxMemoryMaxBytes', 'spec.run.limits.memoryMaxBytes', run?.limits?.memoryMaxBytes],
    ['maxRunTimeoutMs', 'spec.run.timeoutMs', run?.timeoutMs],
  ];
}

function checkAmounts(spec: ExecutionCellSpec, rules: PolicyRules, strict: boolean, report: Report): void {
  for (const [rule, member, value] of amounts(spec)) {
    const most = rules[rule];
    if (most === undefined) continue;
    if (value !== undefined && BigInt(value) > BigInt(most)) report(rule, `${member} is ${value}, and the policy allows at most ${most}`);
    else if (value === undefined && strict) report(rule, `${member} is left out, and the policy allows at most ${most}: say how much`); // PE3
  }
}

function checkHosts(spec: ExecutionCellSpec, patterns: readonly string[], report: Report): void {
  if (patterns.length === 0) return;
  const allowed = new HostPatterns(patterns);
  const named = patterns.slice(0, NAMED_MAX).map(quoted).join(', ');
  for (const { host } of rulesOf(spec)) {
    if (!allowed.allow(host)) report('allowedEgressHosts', `the egress host ${quoted(host)} is none that the policy allows: ${named}${patterns.length > NAMED_MAX ? ` and ${patterns.length - NAMED_MAX} more` : ''}`);
  }
}

function checkEgress(spec: ExecutionCellSpec, rules: PolicyRules, report: Report): void {
  const count = rulesOf(spec).length;
  if (rules.requireEgressDeclared && count === 0) report('requireEgressDeclared', 'spec.authority.egressRules is empty, and the policy demands that egress is declared');
  if (rules.forbidOutboundEgressRules && count > 0) report('forbidOutboundEgressRules', `spec.authority.egressRules holds ${count}, and the policy allows none`);
  checkHosts(spec, rules.allowedEgressHosts, report);
}

function checkRun({ run }: ExecutionCellSpec, rules: PolicyRules, report: Report): void {
  // A document that runs nothing would give its secrets by the environment, as the reference has it.
  if (rules.requireRuntimeSecretDelivery && (run === undefined || run.secretDelivery === 'env')) report('requireRuntimeSecretDelivery', 'spec.run.secretDelivery is env, and the policy demands runtimeBroker or runtimeLeasedBroker');
  if (rules.requireResourceLimits && run?.limits === undefined) report('requireResourceLimits', 'spec.run.limits is missing, and the policy demands limits');
}

function checkDns(spec: ExecutionCellSpec, rules: PolicyRules, report: Report): void {
  const dns = rulesOf(spec).filter(({ port }) => port === DNS_PORT);
  if (rules.flagDnsEgressWithoutAcknowledgment === true && !dns.every(isAcknowledged)) report('flagDnsEgressWithoutAcknowledgment', `an egress rule leads to port ${DNS_PORT}, by which data can leave unseen: set its protocol to ${ACKNOWLEDGED}, or take it out`);
  if (rules.requireDnsEgressJustification !== true) return;
  for (const rule of dns) {
    if (isAcknowledged(rule) && trimWhiteSpace(rule.dnsEgressJustification ?? '') === '') report('requireDnsEgressJustification', `the egress rule to port ${DNS_PORT} of ${quoted(rule.host)} has no dnsEgressJustification, and the policy demands one`);
  }
}

/** Is the pack about this document at all [PE2]? */
export function packApplies(spec: ExecutionCellSpec, pack: PolicyPackSpec): boolean {
  return matchesScope(spec.placement, pack.placement);
}

/** @param options.strict see PE3; default false, as the reference. @returns empty: permitted */
export function evaluatePack(spec: ExecutionCellSpec, pack: PolicyPackSpec, options: { strict?: boolean } = {}): readonly PolicyViolation[] {
  if (!packApplies(spec, pack)) return [];
  const found: PolicyViolation[] = [];
  const report: Report = (rule, message) => void found.push({ rule, message });
  const { rules } = pack;
  checkAmounts(spec, rules, options.strict === true, report);
  checkEgress(spec, rules, report);
  checkRun(spec, rules, report);
  checkDns(spec, rules, report);
  return found;
}

export interface SecretRefusal {
  readonly reason: 'caller-unmapped' | 'secret-ref-denied';
  readonly message: string;
}

/**
 * May this caller have every secret the document asks for? Names are compared letter for letter, and no name stands for others.
 * @returns the first refusal; undefined: it may, or the pack has no such list
 */
export function secretRefusal(spec: ExecutionCellSpec, rules: PolicyRules, caller: string): SecretRefusal | undefined {
  const { secretRefAllowlist } = rules;
  if (secretRefAllowlist === undefined) return undefined;
  const granted = Object.hasOwn(secretRefAllowlist, caller) ? secretRefAllowlist[caller] : undefined;
  if (granted === undefined) return { reason: 'caller-unmapped', message: `the caller ${quoted(caller)} is granted no secrets: the policy does not name it in secretRefAllowlist` };
  const names = new Set(granted);
  const denied = (spec.authority.secretRefs ?? []).find((ref) => !names.has(ref));
  return denied === undefined ? undefined : { reason: 'secret-ref-denied', message: `the caller ${quoted(caller)} is not granted the secret ${quoted(denied)} by secretRefAllowlist of the policy` };
}
