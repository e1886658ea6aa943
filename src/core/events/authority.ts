/** Data of the events about trust, policy, admission and used authority (reference/02 §3.3). */
import { jsonObject, type JsonObject } from '../../base/json.ts';
import type { ExecutionCellSpec } from '../spec/document.ts';
import { ADMISSION_REASONS } from '../spec/wire-types.ts';
import { aboutCell, aboutSpec, type CellContext, dataBuilder, egressRule, type Members, ofFields, placement, placementBlock, type SpecContext } from './blocks.ts';
import { PAYLOAD_SCHEMA } from './dns.ts';
import { constant, double, fieldsSchema, flag, i32, type Kind, listOf, nullable, objectOf, oneOf, optional, text, textOrU64, u32, u64 } from './shape.ts';
import { subjectUrn } from './subject.ts';

export const keysetVerifiedData = ofFields(
  { keysetId: text, payloadDigest: text, verifiedSignerKid: text, verifiedAt: text, correlationId: optional(text) },
  { schemaVersion: PAYLOAD_SCHEMA },
);

/** `attemptedKeysetPath` is the file's name alone, never its folder. */
export const keysetVerificationFailedData = ofFields({ attemptedKeysetPath: text, reason: text, failedAt: text, correlationId: optional(text) }, { schemaVersion: PAYLOAD_SCHEMA });

function complianceMembers({ spec }: CellContext): Members {
  return {
    lifetimeTtlSeconds: spec.lifetime.ttlSeconds,
    egressRuleCount: spec.authority.egressRules?.length ?? 0,
    resourceLimitsPresent: spec.run?.limits !== undefined,
    secretDeliveryMode: spec.run === undefined ? 'env' : spec.run.secretDelivery,
    exportTargetCount: spec.export?.targets?.length ?? 0,
    ...packMembers(spec),
    policyBundleDigest: spec.policy?.bundleDigest,
    placement: placementBlock(spec),
  };
}

const packMembers = (spec: ExecutionCellSpec): Members => ({ policyPackId: spec.policy?.packId, policyPackVersion: spec.policy?.packVersion });

const PACK = { policyPackId: optional(text), policyPackVersion: optional(text) };
const COMPLIANCE = { lifetimeTtlSeconds: u64, egressRuleCount: u64, resourceLimitsPresent: flag, secretDeliveryMode: text, exportTargetCount: u64, ...PACK, policyBundleDigest: optional(text), placement };

const complianceSummary = aboutCell({ commandExitCode: optional(i32), subjectUrns: optional(listOf(subjectUrn)) }, { fields: COMPLIANCE, of: complianceMembers });

/** `subjectUrns` is written only when it is not empty. */
export const complianceSummaryData = dataBuilder(
  (context: CellContext, args: { readonly commandExitCode?: number | bigint | undefined; readonly subjectUrns?: readonly string[] | undefined }) =>
    complianceSummary(context, args.subjectUrns?.length === 0 ? { commandExitCode: args.commandExitCode } : args),
  complianceSummary.schema,
);

/** Before there is a run: the run id is never written. */
export const policyRejectedData = aboutSpec(
  { violations: listOf(objectOf({ rule: text, message: text })) },
  { fields: { violationCount: u64, ...PACK }, of: ({ spec }, { violations }) => ({ violationCount: violations.length, runId: undefined, ...packMembers(spec) }) },
);

/** Before there is a run, as the one above. */
export const authzRejectedData = aboutSpec({ reason: text, message: text, deniedPoolId: optional(text), deniedPolicyPackId: optional(text) }, {
  fields: { tenantId: optional(text), subject: optional(text) },
  of: ({ spec }) => ({ runId: undefined, tenantId: spec.correlation?.tenantId, subject: spec.correlation?.tenantId }),
});

export interface CryptoIdentity {
  readonly name: string;
  readonly fipsMode: boolean;
  readonly moduleCert: string | null;
}

/** What the reference calls its default provider; written where its events demand an identity. */
export const DEFAULT_CRYPTO_IDENTITY: CryptoIdentity = { name: 'dalek', fipsMode: false, moduleCert: null };

const admission = aboutSpec({
  admitted: flag,
  reason: oneOf(...ADMISSION_REASONS),
  predicate: text,
  specHash: text,
  enforcementBinding: oneOf('linux-nftables', 'declared-audit'),
  providerIdentity: objectOf({ name: text, fipsMode: flag, moduleCert: nullable(text) }),
});

export interface AdmissionDecision {
  readonly admitted: boolean;
  readonly reason: (typeof ADMISSION_REASONS)[number];
  readonly predicate: string;
  readonly specHash: string;
  readonly enforcementBinding: 'linux-nftables' | 'declared-audit';
  readonly providerIdentity?: CryptoIdentity;
  /** The last value of a repeated name is the one written; nothing is written for none. */
  readonly context?: readonly (readonly [string, string])[];
}

const contextPairs: Kind<NonNullable<AdmissionDecision['context']>> = listOf(listOf(text)) as unknown as Kind<NonNullable<AdmissionDecision['context']>>;

export const admissionDecisionData = dataBuilder((context: SpecContext, decision: AdmissionDecision) => {
  const pairs = decision.context ?? [];
  contextPairs.read(pairs, 'context');
  const data = admission(context, { ...decision, providerIdentity: decision.providerIdentity ?? DEFAULT_CRYPTO_IDENTITY });
  return pairs.length === 0 ? data : jsonObject({ ...data, context: jsonObject(Object.fromEntries(pairs)) });
}, admission.schema);

export const auditReconciledData = ofFields({
  chainId: text,
  fromSeq: u64,
  toSeq: u64,
  headRowHash: text,
  deliveredCount: u64,
  integrity: text,
  signed: flag,
  brokerAckedHead: optional(textOrU64),
});

export type AuthorityComponent =
  | { readonly kind: 'egressRule'; readonly host: string; readonly port: number; readonly protocol?: string; readonly dnsEgressJustification?: string }
  | { readonly kind: 'secretRef'; readonly name: string };

const component: Kind<AuthorityComponent> = {
  read(value, path) {
    const member = objectOf({ kind: oneOf('egressRule', 'secretRef') }).read(value, path) as JsonObject;
    const rest = (member['kind'] === 'egressRule' ? egressRule : objectOf({ name: text })).read(value, path) as JsonObject;
    return jsonObject({ ...member, ...rest });
  },
  schema: () => jsonObject({ anyOf: [{ allOf: [fieldsSchema({ kind: constant('egressRule') }), egressRule.schema()] }, fieldsSchema({ kind: constant('secretRef'), name: text })] }),
};

export const homeostasisData = aboutCell({
  specHash: text,
  declaredEgressRules: u32,
  exercisedEgressConnections: nullable(u32),
  exercisedEgressReason: optional(text),
  declaredMountPaths: u32,
  accessedMountPaths: u32,
  declaredSecretCount: u32,
  authorityEfficiency: double,
  recommendedRemovals: listOf(component),
});

/** Share of the declared authority that was used: 1 where nothing was declared, or nothing is known. */
export function authorityEfficiency(declared: number, exercised: number | null): number {
  return declared === 0 || exercised === null ? 1 : Math.min(exercised / declared, 1);
}

const violation = ofFields({ cellId: text, declaredEgressRuleCount: u32, exercisedEgressConnections: u32, overage: u32, specHash: text }, { severity: 'critical' });

export const homeostasisViolationData = dataBuilder(
  ({ cellId, specHash, declared, exercised }: { readonly cellId: string; readonly specHash: string; readonly declared: number; readonly exercised: number }) =>
    violation({ cellId, specHash, declaredEgressRuleCount: declared, exercisedEgressConnections: exercised, overage: Math.max(exercised - declared, 0) }),
  violation.schema,
);
