/** DNS and CDN rules (reference/01 §3.3, rows 12 and 13). */
import { isHostnamePattern } from '../egress/names.ts';
import { quoted } from './issues.ts';
import type { RuleGroup } from './rule-set.ts';

const PATTERN = 'is not a fully qualified host name; one first label * is allowed, addresses are not';

export const DNS_RULES: RuleGroup = {
  reads: ['authority'],
  check: ({ spec }, report) => {
    const dns = spec.authority.dnsAuthority;
    if (dns === undefined) return;
    const path = ['spec', 'authority', 'dnsAuthority'];
    const seen = new Set<string>();
    for (const [i, resolver] of dns.resolvers.entries()) {
      const at = [...path, 'resolvers', i];
      report.portable(resolver.resolverId, 'dns.resolver.id', [...at, 'resolverId']);
      report.unless(!seen.has(resolver.resolverId))?.add('dns.resolver.duplicate', [...at, 'resolverId'], `${quoted(resolver.resolverId)} names another resolver already`);
      seen.add(resolver.resolverId);
      report.unless(resolver.endpoint !== '')?.add('dns.resolver.endpoint', [...at, 'endpoint'], 'has to be non-empty');
      report.portable(resolver.trustKid, 'dns.resolver.trust-kid', [...at, 'trustKid']);
    }
    for (const [i, entry] of dns.hostnameAllowlist.entries()) report.unless(isHostnamePattern(entry))?.add('dns.allowlist', [...path, 'hostnameAllowlist', i], `${quoted(entry)} ${PATTERN}`);
    const { minTtlSeconds, maxStaleSeconds } = dns.refreshPolicy ?? {};
    report.unless(minTtlSeconds === undefined || maxStaleSeconds === undefined || minTtlSeconds <= maxStaleSeconds)?.add('dns.refresh', [...path, 'refreshPolicy', 'minTtlSeconds'], `has to be at most maxStaleSeconds, ${maxStaleSeconds}`);
  },
};

export const CDN_RULES: RuleGroup = {
  reads: ['authority'],
  check: ({ spec }, report) => {
    const seen = new Set<string>();
    for (const [i, { providerId, hostnamePattern }] of (spec.authority.cdnAuthority?.providers ?? []).entries()) {
      const at = ['spec', 'authority', 'cdnAuthority', 'providers', i];
      report.portable(providerId, 'cdn.provider.id', [...at, 'providerId']);
      report.unless(!seen.has(providerId))?.add('cdn.provider.duplicate', [...at, 'providerId'], `${quoted(providerId)} names another provider already`);
      seen.add(providerId);
      report.unless(isHostnamePattern(hostnamePattern))?.add('cdn.pattern', [...at, 'hostnamePattern'], `${quoted(hostnamePattern)} ${PATTERN}`);
    }
  },
};
