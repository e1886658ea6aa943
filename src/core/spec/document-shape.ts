/** The ExecutionCell document as tables (reference/01 §2.1–2.3, §8.1). The types, with their comments, are in `document.ts`. */
import type * as Doc from './document.ts';
import { BOOLEAN, defaulted, list, map, nullable, omitted, oneOf, OPAQUE, optional, required, STRING, struct, tagged, U16, U32, UINT64, variants } from './shape.ts';

const CORRELATION = struct<Doc.Correlation>({
  platform: nullable(STRING),
  externalRunId: nullable(STRING),
  externalJobId: nullable(STRING),
  tenantId: optional(STRING),
  labels: nullable(map(STRING)),
  correlationId: optional(STRING),
});

const INGRESS = struct<Doc.Ingress>({
  git: nullable(struct<NonNullable<Doc.Ingress['git']>>({ url: nullable(STRING), ref: nullable(STRING), secretRef: nullable(STRING) })),
  ociImage: nullable(struct<NonNullable<Doc.Ingress['ociImage']>>({ reference: required(STRING), digest: nullable(STRING), secretRef: nullable(STRING) })),
});

const ENVIRONMENT = struct<Doc.EnvironmentSpec>({ imageReference: required(STRING), imageDigest: nullable(STRING), templateId: nullable(STRING) });

export const PLACEMENT = struct<Doc.PlacementSpec>({ poolId: optional(STRING), kubernetesNamespace: optional(STRING), queueName: optional(STRING) });

const POLICY_REF = struct<Doc.PolicyRef>({ packId: nullable(STRING), packVersion: nullable(STRING), bundleDigest: nullable(STRING) });

/** The inner keys are snake_case on the wire; camelCase is read too (reference/01 §2.2, "Do instead"). */
const IDENTITY_KIND = variants<Doc.WorkloadIdentityKind>(['federatedOidc'], {
  awsAssumeRole: struct<{ readonly role_arn: string; readonly sts_session_policy?: string }>({
    role_arn: required(STRING, 'roleArn'),
    sts_session_policy: optional(STRING, 'stsSessionPolicy'),
  }),
  azureManagedIdentity: struct<{ readonly resource_id: string }>({ resource_id: required(STRING, 'resourceId') }),
});

export const WORKLOAD_IDENTITY = struct<Doc.WorkloadIdentity>({
  kind: required(IDENTITY_KIND),
  provider: required(STRING),
  audience: required(STRING),
  subject: nullable(STRING),
  ttlSeconds: nullable(UINT64),
  secretRef: required(STRING),
});

const RUN_LIMITS = struct<Doc.RunLimits>({
  memoryMaxBytes: nullable(UINT64),
  cpuMax: nullable(struct<NonNullable<Doc.RunLimits['cpuMax']>>({ quotaMicros: required(UINT64), periodMicros: nullable(UINT64) })),
  gracefulShutdownSeconds: optional(UINT64),
});

export const RUN_SPEC = struct<Doc.RunSpec>({
  argv: required(list(STRING)),
  workingDirectory: nullable(STRING),
  timeoutMs: nullable(UINT64),
  limits: nullable(RUN_LIMITS),
  secretDelivery: defaulted(oneOf('env', 'runtimeBroker', 'runtimeLeasedBroker'), 'runtimeLeasedBroker'),
});

export const EGRESS_RULE = struct<Doc.EgressRule>({ host: required(STRING), port: required(U16), protocol: nullable(STRING), dnsEgressJustification: optional(STRING) });

export const AUTHORITY_CAPABILITY = struct<Doc.AuthorityCapability>({ egressRules: defaulted(list(EGRESS_RULE), []), secretRefs: defaulted(list(STRING), []) });

const DERIVATION_STEP = struct<Doc.DerivationStep>({ fromCapability: required(AUTHORITY_CAPABILITY), toCapability: required(AUTHORITY_CAPABILITY) });

export const DERIVATION_TOKEN = struct<Doc.AuthorityDerivationToken>({
  roleRoot: required(STRING),
  parentRunId: nullable(STRING),
  derivationSteps: defaulted(list(DERIVATION_STEP), []),
  leafCapability: required(AUTHORITY_CAPABILITY),
  grantorSignature: required(struct<Doc.AuthorityDerivationToken['grantorSignature']>({ algorithm: required(STRING), bytes: required(STRING) })),
});

export const DNS_RESOLVER = struct<Doc.DnsResolver>({
  resolverId: required(STRING),
  endpoint: required(STRING),
  protocol: required(oneOf('do53-udp', 'do53-tcp', 'dot', 'doh', 'doq')),
  trustKid: optional(STRING),
  dnssec: optional(struct<NonNullable<Doc.DnsResolver['dnssec']>>({ validate: defaulted(BOOLEAN, true), failClosed: defaulted(BOOLEAN, false), trustAnchorsPath: optional(STRING) })),
});

export const DNS_QUERY_TYPE = oneOf('A', 'AAAA', 'CNAME', 'TXT', 'MX', 'SRV', 'NS', 'PTR', 'HTTPS', 'SVCB');

export const DNS_REFRESH_POLICY = struct<Doc.DnsRefreshPolicy>({ minTtlSeconds: optional(U32), maxStaleSeconds: optional(U32), strategy: optional(oneOf('ttl-honor', 'fixed-interval', 'manual')) });

export const DNS_REBINDING_POLICY = struct<Doc.DnsRebindingPolicy>({ responseIpAllowlist: omitted(list(STRING)), maxNovelIpsPerHostname: defaulted(U32, 4), rejectOnRebind: defaulted(BOOLEAN, false) });

export const DNS_AUTHORITY = struct<Doc.DnsAuthority>({
  resolvers: omitted(list(DNS_RESOLVER)),
  allowedQueryTypes: omitted(list(DNS_QUERY_TYPE)),
  hostnameAllowlist: omitted(list(STRING)),
  refreshPolicy: optional(DNS_REFRESH_POLICY),
  rebindingPolicy: optional(DNS_REBINDING_POLICY),
  blockDirectWorkloadDns: omitted(BOOLEAN),
  blockUdpDoq: omitted(BOOLEAN),
  blockUdpHttp3: omitted(BOOLEAN),
});

export const CDN_AUTHORITY = struct<Doc.CdnAuthority>({
  providers: omitted(list(struct<Doc.CdnAuthority['providers'][number]>({ providerId: required(STRING), hostnamePattern: required(STRING), acceptFronting: defaulted(BOOLEAN, false) }))),
});

export const AUTHORITY_BUNDLE = struct<Doc.AuthorityBundle>({
  filesystem: nullable(OPAQUE),
  network: nullable(OPAQUE),
  egressRules: nullable(list(EGRESS_RULE)),
  secretRefs: nullable(list(STRING)),
  authorityDerivation: nullable(DERIVATION_TOKEN),
  dnsAuthority: optional(DNS_AUTHORITY),
  cdnAuthority: optional(CDN_AUTHORITY),
});

export const EXPORT_CHANNELS = struct<Doc.ExportChannels>({
  artifacts: nullable(list(struct<Doc.ExportArtifact>({ name: required(STRING), path: required(STRING), target: nullable(STRING), contentType: nullable(STRING) }))),
  targets: nullable(
    list(
      tagged<Doc.ExportTarget>({
        http: struct<Omit<Extract<Doc.ExportTarget, { kind: 'http' }>, 'kind'>>({ name: required(STRING), baseUrl: required(STRING), secretRef: nullable(STRING) }),
        s3: struct<Omit<Extract<Doc.ExportTarget, { kind: 's3' }>, 'kind'>>({ name: required(STRING), bucket: required(STRING), keyPrefix: nullable(STRING), region: nullable(STRING), secretRef: nullable(STRING) }),
      }),
    ),
  ),
});

const HOST_VS_GUEST = struct<NonNullable<Doc.TelemetrySpec['hostVsGuestFields']>>({ hostFields: omitted(list(STRING)), guestFields: omitted(list(STRING)) });

export const TELEMETRY_SPEC = struct<Doc.TelemetrySpec>({
  channel: required(oneOf('vsock-cbor')),
  events: required(list(STRING)),
  rateLimits: optional(struct<NonNullable<Doc.TelemetrySpec['rateLimits']>>({ eventsPerSecond: optional(U32), bytesPerSecond: optional(U32) })),
  hostVsGuestFields: optional(HOST_VS_GUEST),
  agentVersion: required(STRING),
});

export const EXECUTION_CELL_SPEC = struct<Doc.ExecutionCellSpec>({
  id: required(STRING),
  correlation: nullable(CORRELATION),
  ingress: nullable(INGRESS),
  environment: nullable(ENVIRONMENT),
  placement: optional(PLACEMENT),
  policy: nullable(POLICY_REF),
  identity: nullable(WORKLOAD_IDENTITY),
  run: nullable(RUN_SPEC),
  authority: required(AUTHORITY_BUNDLE),
  lifetime: required(struct<Doc.ExecutionCellSpec['lifetime']>({ ttlSeconds: required(UINT64) })),
  export: nullable(EXPORT_CHANNELS),
  telemetry: optional(TELEMETRY_SPEC),
});

export const EXECUTION_CELL_DOCUMENT = struct<Doc.ExecutionCellDocument>({ apiVersion: required(STRING), kind: required(STRING), spec: required(EXECUTION_CELL_SPEC) });

/** Every member that has a name of its own in the reference, by that name. */
export const DOCUMENT_SHAPES = {
  ExecutionCellDocument: EXECUTION_CELL_DOCUMENT,
  ExecutionCellSpec: EXECUTION_CELL_SPEC,
  Correlation: CORRELATION,
  Ingress: INGRESS,
  EnvironmentSpec: ENVIRONMENT,
  PlacementSpec: PLACEMENT,
  PolicyRef: POLICY_REF,
  WorkloadIdentityKind: IDENTITY_KIND,
  WorkloadIdentity: WORKLOAD_IDENTITY,
  RunSpec: RUN_SPEC,
  RunLimits: RUN_LIMITS,
  EgressRule: EGRESS_RULE,
  AuthorityBundle: AUTHORITY_BUNDLE,
  AuthorityCapability: AUTHORITY_CAPABILITY,
  AuthorityDerivationToken: DERIVATION_TOKEN,
  DnsAuthority: DNS_AUTHORITY,
  DnsResolver: DNS_RESOLVER,
  DnsRefreshPolicy: DNS_REFRESH_POLICY,
  DnsRebindingPolicy: DNS_REBINDING_POLICY,
  CdnAuthority: CDN_AUTHORITY,
  ExportChannels: EXPORT_CHANNELS,
  TelemetrySpec: TELEMETRY_SPEC,
} as const;
