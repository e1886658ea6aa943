/**
 * `data` of the reference's events that a local run emits, made from what a run knows: each calls the builder of its type, which checks the
 * arguments (reference/02 §3). Keys are sorted when written, so their order is free; a member that is undefined is left out.
 */
import type { JsonObject } from '../../base/json.ts';
import type { EgressRule, WorkloadIdentity } from '../spec/document.ts';
import { authorityEfficiency, complianceSummaryData, homeostasisData } from './authority.ts';
import type { Provenance, RunContext } from './blocks.ts';
import { dnsTargetSetData } from './dns.ts';
import {
  commandCompletedData,
  exportCompletedData,
  exportFailedData,
  identityFailedData,
  identityMaterializedData,
  identityRevokedData,
  lifecycleDestroyedData,
  lifecycleStartedData,
} from './lifecycle.ts';
import { containerSecurityData, fsTouchExportData, networkEnforcementData, networkPolicyData, networkScopeData, processSpawnedData } from './network.ts';

export type { RunContext } from './blocks.ts';

type Args<B extends (context: never, args: never) => JsonObject> = Parameters<B>[1];

const rulesOf = ({ spec }: RunContext): readonly EgressRule[] => spec.authority.egressRules ?? [];
/** `provenance` is made by us; the builder checks its members again. */
const parentOf = (provenance: JsonObject | undefined): Provenance | undefined => provenance as Provenance | undefined;

export const referenceData = {
  networkScope: (run: RunContext): JsonObject => networkScopeData(run, { egressRuleCount: rulesOf(run).length, hasOpaqueNetworkAuthority: run.spec.authority.network !== undefined }),

  dnsTargetSet: (run: RunContext, set: { policyDigest: string; updatedAt: string; keysetId: string; issuerKid: string }): JsonObject =>
    dnsTargetSetData(run, {
      fqdn: 'declared-egress.trust.cellos.internal',
      previousDigest: 'empty',
      currentDigest: set.policyDigest,
      reason: 'refresh',
      updatedAt: set.updatedAt,
      keysetId: set.keysetId,
      issuerKid: set.issuerKid,
    }),

  started: (run: RunContext, extra: Args<typeof lifecycleStartedData> = {}): JsonObject => lifecycleStartedData(run, extra),

  destroyed: (run: RunContext, end: Args<typeof lifecycleDestroyedData>): JsonObject => lifecycleDestroyedData(run, end),

  identityMaterialized: (run: RunContext, identity: WorkloadIdentity): JsonObject => identityMaterializedData(run, { identity }),

  identityRevoked: (run: RunContext, identity: WorkloadIdentity, extra: { reason?: string; provenance?: JsonObject }): JsonObject =>
    identityRevokedData(run, { identity, reason: extra.reason, provenance: parentOf(extra.provenance) }),

  identityFailed: (run: RunContext, identity: WorkloadIdentity, failure: { operation: 'materialize' | 'revoke'; reason: string }): JsonObject => identityFailedData(run, { identity, ...failure }),

  containerSecurity: (run: RunContext, caps: { eff: string; prm: string; bnd: string; amb: string; inh: string }): JsonObject =>
    containerSecurityData(run, { capEff: caps.eff, capPrm: caps.prm, capBnd: caps.bnd, capAmb: caps.amb, capInh: caps.inh }),

  networkPolicy: (run: RunContext): JsonObject => networkPolicyData(run, { isolationMode: 'clone_newnet', egressRules: rulesOf(run) }),

  networkEnforcement: (run: RunContext, seen: { nftRulesApplied: boolean; commandExitCode: number; spawnError?: string }): JsonObject =>
    networkEnforcementData(run, { ...seen, declaredEgressRuleCount: rulesOf(run).length }),

  processSpawned: (run: RunContext, argv: readonly string[]): JsonObject => processSpawnedData(run, { program: argv[0] ?? '', argc: argv.length }),

  commandCompleted: (run: RunContext, command: Args<typeof commandCompletedData>): JsonObject => commandCompletedData(run, command),

  fsTouchExport: (run: RunContext, touch: Args<typeof fsTouchExportData>): JsonObject => fsTouchExportData(run, touch),

  exportCompleted: (run: RunContext, done: Omit<Args<typeof exportCompletedData>, 'provenance'> & { provenance?: JsonObject }): JsonObject =>
    exportCompletedData(run, { ...done, provenance: parentOf(done.provenance) }),

  exportFailed: (run: RunContext, failed: Omit<Args<typeof exportFailedData>, 'provenance'> & { provenance?: JsonObject }): JsonObject =>
    exportFailedData(run, { ...failed, provenance: parentOf(failed.provenance) }),

  complianceSummary: (run: RunContext, seen: { commandExitCode?: number }): JsonObject => complianceSummaryData(run, seen),

  homeostasis: (run: RunContext, seen: { specHash: string; declaredSecretCount: number }): JsonObject =>
    homeostasisData(run, {
      specHash: seen.specHash,
      declaredEgressRules: rulesOf(run).length,
      exercisedEgressConnections: null,
      exercisedEgressReason: 'telemetry_pending_L2-04',
      declaredMountPaths: 0,
      accessedMountPaths: 0,
      declaredSecretCount: seen.declaredSecretCount,
      authorityEfficiency: authorityEfficiency(rulesOf(run).length, null),
      recommendedRemovals: [],
    }),
};
