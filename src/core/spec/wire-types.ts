/**
 * The other wire types declared beside the spec, as tables (reference/01 §2.4, §5.1, §6, §7, §9, §10, §12): shapes only. What the values have
 * to agree on among themselves is checked where they are used.
 */
import { JsonFloat } from '../../base/json.ts';
import { DECLARED_SURFACE } from '../authority/declared-surface.ts';
import { AUTHORITY_DERIVATION, DERIVED, PROVEN } from '../authority/graph.ts';
import { AUTHORIZATION_POLICY_DOCUMENT, POLICY_PACK_DOCUMENT } from '../policy/policy-shape.ts';
import { PRINCIPAL, TRUST_ROOT } from '../policy/principal-shape.ts';
import { AUTHORITY_CAPABILITY, DNS_QUERY_TYPE, DOCUMENT_SHAPES, EGRESS_RULE } from './document-shape.ts';
import { type AnyShape, BOOLEAN, defaulted, DOUBLE, list, nullable, oneOf, OPAQUE, optional, record, required, type Shape, STRING, tagged, type TypeOf, U16, U32, U8, UINT64 } from './shape.ts';

const STRINGS = list(STRING);
const CAPABILITY: Shape<TypeOf<typeof AUTHORITY_CAPABILITY>> = AUTHORITY_CAPABILITY;

const EXPORT_RECEIPT = record({ targetKind: required(oneOf('local', 's3', 'http')), targetName: nullable(STRING), destination: required(STRING), bytesWritten: required(UINT64) });

const INFERENCE_REQUEST = record({
  cell_id: required(STRING),
  messages: required(list(record({ role: required(oneOf('system', 'user', 'assistant')), content: required(STRING) }))),
  max_tokens: nullable(U32),
  model_hint: nullable(STRING),
});
const INFERENCE_RESPONSE = record({ content: required(STRING), model: required(STRING), input_tokens: required(U32), output_tokens: required(U32) });

/** Other extension attributes are dropped, as the reference does; flattened, and so never a list. */
const CLOUD_EVENT = record(
  {
    specversion: required(STRING),
    id: required(STRING),
    source: required(STRING),
    type: required(STRING),
    datacontenttype: nullable(STRING),
    data: nullable(OPAQUE),
    time: nullable(STRING),
    traceparent: nullable(STRING),
    cexauthorityclass: optional(STRING),
    cextrustceiling: optional(STRING),
    cexsessionid: optional(STRING),
    cexparenttrace: optional(STRING),
    cexreceipthash: optional(STRING),
    cexdoctrinecite: optional(STRING),
    cexrevocation: optional(STRING),
  },
  { positional: false },
);

type AuthorityComponent = ({ readonly kind: 'egressRule' } & TypeOf<typeof EGRESS_RULE>) | { readonly kind: 'secretRef'; readonly name: string };
const AUTHORITY_COMPONENT = tagged<AuthorityComponent>({ egressRule: EGRESS_RULE, secretRef: record({ name: required(STRING) }) });

const HOMEOSTASIS_SIGNAL = record({
  specHash: required(STRING),
  declaredEgressRules: required(U32),
  exercisedEgressConnections: optional(U32),
  exercisedEgressReason: optional(STRING),
  declaredMountPaths: required(U32),
  accessedMountPaths: required(U32),
  declaredSecretCount: required(U32),
  authorityEfficiency: required(DOUBLE),
  recommendedRemovals: required(list(AUTHORITY_COMPONENT)),
});

const NAMED_CEILING = record({ name: required(STRING), ceiling: required(CAPABILITY) });
export const CEILING_MANIFEST = record({
  schemaVersion: required(STRING),
  ceilingId: required(STRING),
  ceilingEpoch: required(UINT64),
  ceilings: defaulted(list(NAMED_CEILING), []),
  notBefore: optional(STRING),
  notAfter: optional(STRING),
});

export const ADMISSION_REASONS = [
  'authority_exceeds_ceiling',
  'ceiling_manifest_unverified',
  'ceiling_manifest_unparseable',
  'ceiling_manifest_wrong_payload_type',
  'ceiling_dimension_uncomparable',
  'ceiling_epoch_stale',
  'ceiling_degraded_unconfigured',
  'formation_edge_not_narrowing',
  'admitted_within_ceiling',
] as const;

const EMPTY_CAPABILITY = { egressRules: [], secretRefs: [] };
const ADMISSION_VERDICT = record({
  admitted: required(BOOLEAN),
  reason: required(oneOf(...ADMISSION_REASONS)),
  exceeded: defaulted(CAPABILITY, EMPTY_CAPABILITY),
  ceilingId: optional(STRING),
  manifestDigest: optional(STRING),
  enforcementBinding: required(oneOf('linux-nftables', 'declared-audit')),
});

const REVOCATION_LIST = record({
  schemaVersion: required(STRING),
  revocationEpoch: required(UINT64),
  revocations: required(list(record({ kid: required(STRING), revokedAt: required(STRING), reason: required(STRING) }))),
});

const KEYSET_SIGNATURE = record({ signerKid: required(STRING), algorithm: required(STRING), signature: required(STRING), notBefore: optional(STRING), notAfter: optional(STRING) });
const KEYSET_ENVELOPE = record({
  schemaVersion: required(STRING),
  payloadType: required(STRING),
  payload: required(STRING),
  signatures: required(list(KEYSET_SIGNATURE)),
  payloadDigest: required(STRING),
  producedAt: required(STRING),
  replacesEnvelopeDigest: optional(STRING),
  requiredSignerCount: optional(U32),
});

const OF_CELL = { schemaVersion: required(STRING), cellId: required(STRING), runId: required(STRING) };
const OF_KEYSET = { keysetId: optional(STRING), issuerKid: optional(STRING) };

const DNS_DRIFT = record({
  ...OF_CELL,
  resolverId: required(STRING),
  hostname: required(STRING),
  previousTargets: required(STRINGS),
  currentTargets: required(STRINGS),
  addedTargets: required(STRINGS),
  removedTargets: required(STRINGS),
  previousDigest: required(STRING),
  currentDigest: required(STRING),
  ttlSeconds: required(U32),
  staleSeconds: required(U32),
  ...OF_KEYSET,
  policyDigest: optional(STRING),
  correlationId: optional(STRING),
  dnssecStatus: optional(oneOf('validated', 'validation_failed', 'unsigned', 'not_attempted')),
  observedAt: required(STRING),
});

const REBIND_HEAD = { ...OF_CELL, hostname: required(STRING), novelIp: required(STRING), previousIpCount: required(U32), cumulativeIpCount: required(U32) };
const REBIND_TAIL = { policyDigest: required(STRING), ...OF_KEYSET, correlationId: optional(STRING), resolverId: optional(STRING), observedAt: required(STRING) };
const REBIND_THRESHOLD = record({ ...REBIND_HEAD, maxNovelIpsPerHostname: required(U32), ...REBIND_TAIL });
const REBIND_REJECTED = record({ ...REBIND_HEAD, responseIpAllowlist: required(STRINGS), ...REBIND_TAIL });

const DNSSEC_FAILED = record({
  ...OF_CELL,
  resolverId: required(STRING),
  hostname: required(STRING),
  reason: required(oneOf('validation_failed', 'unsigned_zone', 'trust_anchor_missing', 'validator_internal')),
  failClosed: required(BOOLEAN),
  trustAnchorSource: required(STRING),
  policyDigest: optional(STRING),
  ...OF_KEYSET,
  correlationId: optional(STRING),
  source: optional(oneOf('resolver_refresh', 'dataplane')),
  observedAt: required(STRING),
});

const DNS_QUERY_EVENT = record({
  ...OF_CELL,
  queryId: required(STRING),
  queryName: required(STRING),
  queryType: required(DNS_QUERY_TYPE),
  decision: required(oneOf('allow', 'deny')),
  reasonCode: required(oneOf('allowed_by_allowlist', 'denied_not_in_allowlist', 'denied_query_type', 'malformed_query', 'upstream_failure', 'denied_dnssec')),
  responseRcode: optional(U8),
  upstreamResolverId: optional(STRING),
  upstreamLatencyMs: optional(UINT64),
  responseTargetCount: optional(U32),
  ...OF_KEYSET,
  policyDigest: optional(STRING),
  correlationId: optional(STRING),
  observedAt: required(STRING),
});

const FLOW_DECISION = record({
  ...OF_CELL,
  decisionId: required(STRING),
  direction: required(oneOf('egress', 'ingress')),
  decision: required(oneOf('allow', 'deny')),
  reasonCode: required(STRING),
  nftRuleRef: optional(STRING),
  dstAddr: optional(STRING),
  dstPort: optional(U16),
  protocol: optional(STRING),
  packetCount: optional(UINT64),
  byteCount: optional(UINT64),
  policyDigest: optional(STRING),
  ...OF_KEYSET,
  correlationId: optional(STRING),
  observedAt: required(STRING),
});


const HOST_BASELINE = record({
  schemaVersion: required(STRING),
  probeMode: required(STRING),
  controls: required(list(record({ name: required(STRING), satisfied: required(BOOLEAN), detail: required(STRING) }))),
  allSatisfied: required(BOOLEAN),
});

/** Every wire type by the reference's name for it. */
export const WIRE_SHAPES: Readonly<Record<string, AnyShape>> = {
  ...DOCUMENT_SHAPES,
  ExportReceipt: EXPORT_RECEIPT,
  InferenceRequest: INFERENCE_REQUEST,
  InferenceResponse: INFERENCE_RESPONSE,
  CloudEventV1: CLOUD_EVENT,
  AuthorityComponent: AUTHORITY_COMPONENT,
  HomeostasisSignal: HOMEOSTASIS_SIGNAL,
  NamedAuthorityCeiling: NAMED_CEILING,
  OrgAuthorityCeilingManifestV1: CEILING_MANIFEST,
  AdmissionVerdict: ADMISSION_VERDICT,
  RevocationListV1: REVOCATION_LIST,
  SignedTrustKeysetEnvelope: KEYSET_ENVELOPE,
  DnsAuthorityDrift: DNS_DRIFT,
  DnsAuthorityRebindThreshold: REBIND_THRESHOLD,
  DnsAuthorityRebindRejected: REBIND_REJECTED,
  DnsAuthorityDnssecFailed: DNSSEC_FAILED,
  DnsQueryEvent: DNS_QUERY_EVENT,
  NetworkFlowDecision: FLOW_DECISION,
  PolicyPackDocument: POLICY_PACK_DOCUMENT,
  AuthorizationPolicyDocument: AUTHORIZATION_POLICY_DOCUMENT,
  TrustRoot: TRUST_ROOT,
  Principal: PRINCIPAL,
  AuthorityDerivation: AUTHORITY_DERIVATION,
  ObservedAuthority: DERIVED,
  ImposedAuthority: DERIVED,
  DeclaredAuthority: DERIVED,
  ProvenAuthority: PROVEN,
  DeclaredAuthoritySurface: DECLARED_SURFACE,
  HostBaselineAttestationV1: HOST_BASELINE,
};

/** reference/01 §2.4: how much of what was declared was exercised; all of it when nothing was declared or nobody counted. */
export function authorityEfficiency(declared: number, exercised: number | undefined): JsonFloat {
  return new JsonFloat(declared === 0 || exercised === undefined ? 1 : Math.min(exercised / declared, 1));
}
