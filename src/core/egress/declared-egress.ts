/** What a document declares of its egress, as the reference mirrors it into decisions at the start of a run (reference/04). Pure. */
import type { DnsAuthority, EgressRule, ExecutionCellSpec } from '../spec/document.ts';

export interface DeclaredDecision {
  readonly action: 'allow' | 'deny';
  readonly sniHost: string;
  readonly reasonCode: 'egress_declared_allowlist' | 'hostname_allowlist_evaluated' | 'workload_direct_dns_blocked';
  /** Where in the document the rule stands. */
  readonly ruleRef: string;
}

export function declaredDecision(rule: EgressRule, index: number): DeclaredDecision {
  return { action: 'allow', sniHost: rule.host, reasonCode: 'egress_declared_allowlist', ruleRef: `authority.egressRules[${index}]` };
}

const DNS_PORT = 53;

/** Host and port of a plain DNS resolver, as its endpoint is written. */
function plainResolvers(authority: DnsAuthority): Set<string> {
  return new Set(authority.resolvers.filter((resolver) => resolver.protocol === 'do53-udp' || resolver.protocol === 'do53-tcp').map((resolver) => resolver.endpoint));
}

/** Decisions of the gate over names: one for each allowed name, and a denial for each rule that would go around the declared resolvers. */
export function gateDecisions({ authority }: ExecutionCellSpec): DeclaredDecision[] {
  const { dnsAuthority, egressRules = [] } = authority;
  if (dnsAuthority === undefined) return [];
  const decisions: DeclaredDecision[] = dnsAuthority.hostnameAllowlist.map((name, index) => ({ action: 'allow', sniHost: name, reasonCode: 'hostname_allowlist_evaluated', ruleRef: `authority.dnsAuthority.hostnameAllowlist[${index}]` }));
  if (!dnsAuthority.blockDirectWorkloadDns) return decisions;
  const resolvers = plainResolvers(dnsAuthority);
  for (const [index, rule] of egressRules.entries()) {
    if (rule.port === DNS_PORT && !resolvers.has(`${rule.host}:${rule.port}`)) decisions.push({ action: 'deny', sniHost: rule.host, reasonCode: 'workload_direct_dns_blocked', ruleRef: `authority.egressRules[${index}]` });
  }
  return decisions;
}
