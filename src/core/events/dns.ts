/** Data of the events about names: resolution, authority, queries, and the decisions made by name (reference/02 §3.2, §3.3). */
import { aboutCell, ofFields } from './blocks.ts';
import { flag, i64, listOf, objectOf, oneOf, optional, text, u16, u32, u64, u8, word } from './shape.ts';

export const PAYLOAD_SCHEMA = '1.0.0';

const issued = { policyDigest: text, keysetId: text, issuerKid: text };
const maybeIssued = { policyDigest: optional(text), keysetId: optional(text), issuerKid: optional(text), correlationId: optional(text) };

export const dnsResolutionData = aboutCell({
  receiptId: optional(text),
  fqdn: text,
  resolvedAt: text,
  targets: listOf(objectOf({ address: text, family: word<'inet' | 'inet6'>(), port: optional(u16) })),
  ttlSeconds: i64,
  ...issued,
});

export const dnsTargetSetData = aboutCell({ fqdn: text, previousDigest: text, currentDigest: text, reason: text, updatedAt: text, keysetId: text, issuerKid: text });

export const l7EgressDecisionData = aboutCell({
  decisionId: text,
  action: word<'allow' | 'deny'>(),
  sniHost: text,
  ...issued,
  reasonCode: text,
  ruleRef: optional(text),
  streamId: optional(u32),
});

export const dnsAuthorityDriftData = ofFields({
  schemaVersion: text,
  cellId: text,
  runId: text,
  resolverId: text,
  hostname: text,
  previousTargets: listOf(text),
  currentTargets: listOf(text),
  addedTargets: listOf(text),
  removedTargets: listOf(text),
  /** `empty` the first time. */
  previousDigest: text,
  currentDigest: text,
  ttlSeconds: u32,
  staleSeconds: u32,
  ...maybeIssued,
  dnssecStatus: optional(word<'validated' | 'validation_failed' | 'unsigned' | 'not_attempted'>()),
  observedAt: text,
});

const rebind = {
  schemaVersion: text,
  cellId: text,
  runId: text,
  hostname: text,
  novelIp: text,
  previousIpCount: u32,
  cumulativeIpCount: u32,
  policyDigest: text,
  keysetId: optional(text),
  issuerKid: optional(text),
  correlationId: optional(text),
  resolverId: optional(text),
  observedAt: text,
};

export const dnsAuthorityRebindThresholdData = ofFields({ ...rebind, maxNovelIpsPerHostname: u32 });

export const dnsAuthorityRebindRejectedData = ofFields({ ...rebind, responseIpAllowlist: listOf(text) });

export const dnsAuthorityDnssecFailedData = ofFields({
  schemaVersion: text,
  cellId: text,
  runId: text,
  resolverId: text,
  hostname: text,
  reason: word<'validation_failed' | 'unsigned_zone' | 'trust_anchor_missing' | 'validator_internal' | 'unsigned_in_require_mode' | 'unsupported_query_type_in_require_mode'>(),
  failClosed: flag,
  trustAnchorSource: text,
  ...maybeIssued,
  source: optional(word<'resolver_refresh' | 'dataplane'>()),
  observedAt: text,
});

export const DNS_QUERY_TYPES = ['A', 'AAAA', 'CNAME', 'TXT', 'MX', 'SRV', 'NS', 'PTR', 'HTTPS', 'SVCB'] as const;
export type DnsQueryType = (typeof DNS_QUERY_TYPES)[number];

const BY_NUMBER: ReadonlyMap<number, DnsQueryType> = new Map([[1, 'A'], [2, 'NS'], [5, 'CNAME'], [12, 'PTR'], [15, 'MX'], [16, 'TXT'], [28, 'AAAA'], [33, 'SRV'], [64, 'SVCB'], [65, 'HTTPS']]);

/** IANA mnemonic of a query type number. @returns undefined for a type the reference has no name for */
export function dnsQueryType(qtype: number): DnsQueryType | undefined {
  return BY_NUMBER.get(qtype);
}

export const dnsQueryData = ofFields({
  schemaVersion: text,
  cellId: text,
  runId: text,
  queryId: text,
  queryName: text,
  queryType: oneOf(...DNS_QUERY_TYPES),
  decision: oneOf('allow', 'deny'),
  reasonCode: oneOf('allowed_by_allowlist', 'denied_not_in_allowlist', 'denied_query_type', 'malformed_query', 'upstream_failure', 'denied_dnssec'),
  responseRcode: optional(u8),
  upstreamResolverId: optional(text),
  upstreamLatencyMs: optional(u64),
  responseTargetCount: optional(u32),
  ...maybeIssued,
  observedAt: text,
});

export const dnsQueryPermittedData = ofFields({ queryName: text, queryType: text, cellId: text, resolver: text }, { schemaVersion: PAYLOAD_SCHEMA });

export const dnsQueryRefusedData = ofFields({ queryName: text, queryType: text, cellId: text, reason: text }, { schemaVersion: PAYLOAD_SCHEMA });
