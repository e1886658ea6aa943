/**
 * `data` of the reference's events that a local run emits (reference/02 §3), as typed functions. Keys are sorted when written, so their order
 * here is free; a member that is undefined is left out.
 */
import { JsonFloat, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import type { ExecutionCellSpec, WorkloadIdentity } from '../spec/document.ts';

export interface RunContext {
  readonly cellId: string;
  readonly runId: string;
  readonly spec: ExecutionCellSpec;
}

type Members = { readonly [key: string]: JsonValue | undefined };

/** Correlation as the reference writes it: four members always there, null when unset. */
export function correlationBlock(spec: ExecutionCellSpec): JsonObject | undefined {
  const { correlation } = spec;
  if (correlation === undefined) return undefined;
  return jsonObject({
    platform: correlation.platform ?? null,
    externalRunId: correlation.externalRunId ?? null,
    externalJobId: correlation.externalJobId ?? null,
    labels: correlation.labels === undefined ? null : jsonObject(correlation.labels),
    tenantId: correlation.tenantId,
    correlationId: correlation.correlationId,
  });
}

export function placementBlock(spec: ExecutionCellSpec): JsonObject | undefined {
  if (spec.placement === undefined) return undefined;
  const block = jsonObject({ poolId: spec.placement.poolId, kubernetesNamespace: spec.placement.kubernetesNamespace, queueName: spec.placement.queueName });
  return Object.keys(block).length === 0 ? undefined : block;
}

export function identityBlock(identity: WorkloadIdentity): JsonObject {
  return jsonObject({
    kind: identity.kind as unknown as JsonValue,
    provider: identity.provider,
    audience: identity.audience,
    subject: identity.subject ?? null,
    ttlSeconds: identity.ttlSeconds ?? null,
    secretRef: identity.secretRef,
  });
}

function common(run: RunContext, members: Members): JsonObject {
  return jsonObject({ cellId: run.cellId, specId: run.spec.id, runId: run.runId, correlation: correlationBlock(run.spec), ...members });
}

const rulesOf = (spec: ExecutionCellSpec): NonNullable<ExecutionCellSpec['authority']['egressRules']> => spec.authority.egressRules ?? [];

export const referenceData = {
  networkScope: (run: RunContext): JsonObject => common(run, { egressRuleCount: rulesOf(run.spec).length, hasOpaqueNetworkAuthority: run.spec.authority.network !== undefined }),

  dnsTargetSet: (run: RunContext, set: { policyDigest: string; updatedAt: string; keysetId: string; issuerKid: string }): JsonObject =>
    common(run, {
      fqdn: 'declared-egress.trust.cellos.internal',
      previousDigest: 'empty',
      currentDigest: set.policyDigest,
      reason: 'refresh',
      updatedAt: set.updatedAt,
      keysetId: set.keysetId,
      issuerKid: set.issuerKid,
    }),

  started: (run: RunContext, extra: { specHash?: string; derivationVerified?: boolean; roleRoot?: string; parentRunId?: string } = {}): JsonObject =>
    common(run, { ttlSeconds: run.spec.lifetime.ttlSeconds, ...extra, placement: placementBlock(run.spec), tenantId: run.spec.correlation?.tenantId }),

  destroyed: (run: RunContext, end: { outcome: 'succeeded' | 'failed'; reason?: string; terminalState?: 'clean' | 'forced'; evidenceBundleRef?: string; residueClass?: 'none' | 'documented_exception' }): JsonObject =>
    common(run, { ttlSeconds: run.spec.lifetime.ttlSeconds, ...end, tenantId: run.spec.correlation?.tenantId }),

  identityMaterialized: (run: RunContext, identity: WorkloadIdentity): JsonObject => common(run, { identity: identityBlock(identity) }),

  identityRevoked: (run: RunContext, identity: WorkloadIdentity, extra: { reason?: string; provenance?: JsonObject }): JsonObject => common(run, { identity: identityBlock(identity), ...extra }),

  identityFailed: (run: RunContext, identity: WorkloadIdentity, failure: { operation: 'materialize' | 'revoke'; reason: string }): JsonObject => common(run, { identity: identityBlock(identity), ...failure }),

  /** No specId, no correlation: as the reference. `privileged` by bits, not by one exact mask. */
  containerSecurity: (run: RunContext, caps: { eff: string; prm: string; bnd: string; amb: string; inh: string }): JsonObject =>
    jsonObject({ cellId: run.cellId, runId: run.runId, capEff: caps.eff, capPrm: caps.prm, capBnd: caps.bnd, capAmb: caps.amb, capInh: caps.inh, privileged: isFullRoot(caps.eff) }),

  networkPolicy: (run: RunContext): JsonObject =>
    common(run, {
      isolationMode: 'clone_newnet',
      declaredEgressCount: rulesOf(run.spec).length,
      declaredEgress: rulesOf(run.spec).map((rule) => jsonObject({ host: rule.host, port: rule.port, protocol: rule.protocol ?? null, dnsEgressJustification: rule.dnsEgressJustification })),
    }),

  networkEnforcement: (run: RunContext, seen: { nftRulesApplied: boolean; commandExitCode: number; spawnError?: string }): JsonObject =>
    common(run, { isolationMode: 'clone_newnet', declaredEgressRuleCount: rulesOf(run.spec).length, supplementaryEgressFilterActive: seen.nftRulesApplied && rulesOf(run.spec).length > 0, ...seen }),

  processSpawned: (run: RunContext, argv: readonly string[]): JsonObject => common(run, { program: argv[0] ?? '', argc: argv.length }),

  commandCompleted: (run: RunContext, command: { argv: readonly string[]; exitCode: number; durationMs: number; spawnError?: string }): JsonObject => common(run, command),

  fsTouchExport: (run: RunContext, touch: { sourcePath: string; artifactName: string }): JsonObject => common(run, { purpose: 'export', ...touch }),

  exportCompleted: (run: RunContext, done: { artifactName: string; receipt: { targetKind: string; targetName?: string; destination: string; bytesWritten: number }; provenance?: JsonObject }): JsonObject =>
    common(run, { artifactName: done.artifactName, receipt: jsonObject({ ...done.receipt, targetName: done.receipt.targetName ?? null }), provenance: done.provenance }),

  exportFailed: (run: RunContext, failed: { artifactName: string; targetKind: string; reason: string; targetName?: string; destination?: string; provenance?: JsonObject }): JsonObject => common(run, failed),

  complianceSummary: (run: RunContext, seen: { commandExitCode?: number }): JsonObject =>
    common(run, {
      lifetimeTtlSeconds: run.spec.lifetime.ttlSeconds,
      egressRuleCount: rulesOf(run.spec).length,
      resourceLimitsPresent: run.spec.run?.limits !== undefined,
      secretDeliveryMode: run.spec.run === undefined ? 'env' : run.spec.run.secretDelivery,
      exportTargetCount: run.spec.export?.targets?.length ?? 0,
      policyPackId: run.spec.policy?.packId,
      policyPackVersion: run.spec.policy?.packVersion,
      policyBundleDigest: run.spec.policy?.bundleDigest,
      placement: placementBlock(run.spec),
      ...seen,
    }),

  homeostasis: (run: RunContext, seen: { specHash: string; declaredSecretCount: number }): JsonObject =>
    common(run, {
      specHash: seen.specHash,
      declaredEgressRules: rulesOf(run.spec).length,
      exercisedEgressConnections: null,
      exercisedEgressReason: 'telemetry_pending_L2-04',
      declaredMountPaths: 0,
      accessedMountPaths: 0,
      declaredSecretCount: seen.declaredSecretCount,
      authorityEfficiency: new JsonFloat(1),
      recommendedRemovals: [],
    }),
};

/** Every capability the reference's 37-bit mask names. */
function isFullRoot(capEff: string): boolean {
  const all = 0x1fffffffffn;
  return /^[0-9a-f]+$/.test(capEff) && (BigInt(`0x${capEff}`) & all) === all;
}
