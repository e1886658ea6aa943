/**
 * The ExecutionCell document as typed values (reference/01 §2). Types only; the tables in `document-shape.ts` read and write them.
 * Integer fields are `number` when safe, else `bigint`. An optional member is `undefined` when absent or `null` on the wire.
 */
import type { JsonFloat, JsonValue } from '../../base/json.ts';
import type { SpecIssue } from './issues.ts';

/** An unsigned 64-bit integer. */
export type U64 = number | bigint;
/** A double field: prints with a fraction or exponent always. */
export type Double = JsonFloat;

export interface ExecutionCellDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: ExecutionCellSpec;
}

export interface ExecutionCellSpec {
  readonly id: string;
  readonly correlation?: Correlation;
  readonly ingress?: Ingress;
  readonly environment?: EnvironmentSpec;
  readonly placement?: PlacementSpec;
  readonly policy?: PolicyRef;
  readonly identity?: WorkloadIdentity;
  readonly run?: RunSpec;
  readonly authority: AuthorityBundle;
  readonly lifetime: { readonly ttlSeconds: U64 };
  readonly export?: ExportChannels;
  readonly telemetry?: TelemetrySpec;
}

export interface Correlation {
  readonly platform?: string;
  readonly externalRunId?: string;
  readonly externalJobId?: string;
  readonly tenantId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly correlationId?: string;
}

export interface Ingress {
  readonly git?: { readonly url?: string; readonly ref?: string; readonly secretRef?: string };
  readonly ociImage?: { readonly reference: string; readonly digest?: string; readonly secretRef?: string };
}

export interface EnvironmentSpec {
  readonly imageReference: string;
  readonly imageDigest?: string;
  readonly templateId?: string;
}

export interface PlacementSpec {
  readonly poolId?: string;
  readonly kubernetesNamespace?: string;
  readonly queueName?: string;
}

export interface PolicyRef {
  readonly packId?: string;
  readonly packVersion?: string;
  readonly bundleDigest?: string;
}

export type WorkloadIdentityKind =
  | 'federatedOidc'
  | { readonly awsAssumeRole: { readonly role_arn: string; readonly sts_session_policy?: string } }
  | { readonly azureManagedIdentity: { readonly resource_id: string } };

export interface WorkloadIdentity {
  readonly kind: WorkloadIdentityKind;
  readonly provider: string;
  readonly audience: string;
  readonly subject?: string;
  readonly ttlSeconds?: U64;
  readonly secretRef: string;
}

export type SecretDeliveryMode = 'env' | 'runtimeBroker' | 'runtimeLeasedBroker';

export interface RunSpec {
  readonly argv: readonly string[];
  readonly workingDirectory?: string;
  readonly timeoutMs?: U64;
  readonly limits?: RunLimits;
  readonly secretDelivery: SecretDeliveryMode;
}

export interface RunLimits {
  readonly memoryMaxBytes?: U64;
  readonly cpuMax?: { readonly quotaMicros: U64; readonly periodMicros?: U64 };
  readonly gracefulShutdownSeconds?: U64;
}

export interface AuthorityBundle {
  readonly filesystem?: JsonValue;
  readonly network?: JsonValue;
  readonly egressRules?: readonly EgressRule[];
  readonly secretRefs?: readonly string[];
  readonly authorityDerivation?: AuthorityDerivationToken;
  readonly dnsAuthority?: DnsAuthority;
  readonly cdnAuthority?: CdnAuthority;
}

export interface EgressRule {
  readonly host: string;
  readonly port: number;
  readonly protocol?: string;
  readonly dnsEgressJustification?: string;
}

export interface AuthorityCapability {
  readonly egressRules: readonly EgressRule[];
  readonly secretRefs: readonly string[];
}

export interface DerivationStep {
  readonly fromCapability: AuthorityCapability;
  readonly toCapability: AuthorityCapability;
}

/** reference/01 §8. */
export interface AuthorityDerivationToken {
  readonly roleRoot: string;
  readonly parentRunId?: string;
  readonly derivationSteps: readonly DerivationStep[];
  readonly leafCapability: AuthorityCapability;
  readonly grantorSignature: { readonly algorithm: string; readonly bytes: string };
}

export type DnsProtocol = 'do53-udp' | 'do53-tcp' | 'dot' | 'doh' | 'doq';
export type DnsQueryType = 'A' | 'AAAA' | 'CNAME' | 'TXT' | 'MX' | 'SRV' | 'NS' | 'PTR' | 'HTTPS' | 'SVCB';

export interface DnsAuthority {
  readonly resolvers: readonly DnsResolver[];
  readonly allowedQueryTypes: readonly DnsQueryType[];
  readonly hostnameAllowlist: readonly string[];
  readonly refreshPolicy?: DnsRefreshPolicy;
  readonly rebindingPolicy?: DnsRebindingPolicy;
  readonly blockDirectWorkloadDns: boolean;
  readonly blockUdpDoq: boolean;
  readonly blockUdpHttp3: boolean;
}

export interface DnsRefreshPolicy {
  readonly minTtlSeconds?: number;
  readonly maxStaleSeconds?: number;
  readonly strategy?: 'ttl-honor' | 'fixed-interval' | 'manual';
}

export interface DnsRebindingPolicy {
  /** `hostname:address-or-block`. */
  readonly responseIpAllowlist: readonly string[];
  readonly maxNovelIpsPerHostname: number;
  readonly rejectOnRebind: boolean;
}

export interface DnsResolver {
  readonly resolverId: string;
  readonly endpoint: string;
  readonly protocol: DnsProtocol;
  readonly trustKid?: string;
  readonly dnssec?: { readonly validate: boolean; readonly failClosed: boolean; readonly trustAnchorsPath?: string };
}

export interface CdnAuthority {
  readonly providers: readonly { readonly providerId: string; readonly hostnamePattern: string; readonly acceptFronting: boolean }[];
}

export interface ExportChannels {
  readonly artifacts?: readonly ExportArtifact[];
  readonly targets?: readonly ExportTarget[];
}

export interface ExportArtifact {
  readonly name: string;
  readonly path: string;
  readonly target?: string;
  readonly contentType?: string;
}

export type ExportTarget =
  | { readonly kind: 'http'; readonly name: string; readonly baseUrl: string; readonly secretRef?: string }
  | { readonly kind: 's3'; readonly name: string; readonly bucket: string; readonly keyPrefix?: string; readonly region?: string; readonly secretRef?: string };

export interface TelemetrySpec {
  readonly channel: 'vsock-cbor';
  readonly events: readonly string[];
  readonly rateLimits?: { readonly eventsPerSecond?: number; readonly bytesPerSecond?: number };
  readonly hostVsGuestFields?: { readonly hostFields: readonly string[]; readonly guestFields: readonly string[] };
  readonly agentVersion: string;
}

/** What `parseSpec` returns: the document with both of its hashes. */
export interface SpecDocument {
  readonly document: ExecutionCellDocument;
  readonly format: 'json' | 'yaml';
  /** SHA-256 of the bytes as read, 64 lowercase hex digits without prefix (reference/01 §4, D). */
  readonly rawHash: string;
  /** `sha256:` + hex over the canonical spec (reference/01 §4.2, A). */
  readonly specHash: `sha256:${string}`;
  readonly warnings: readonly SpecIssue[];
}
