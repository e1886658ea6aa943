/** The reference's builders by their names, each as our builder of the same type. Arguments come as the vectors hold them. */
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import * as authority from '../../src/core/events/authority.ts';
import type { CellContext } from '../../src/core/events/blocks.ts';
import { type EventName, EVENTS } from '../../src/core/events/catalogue.ts';
import * as dns from '../../src/core/events/dns.ts';
import * as probes from '../../src/core/events/host-probes.ts';
import * as lifecycle from '../../src/core/events/lifecycle.ts';
import * as network from '../../src/core/events/network.ts';
import { FORMATION_PHASES, cortexDispatchedData, firecrackerPoolData, formationData } from '../../src/core/events/platform.ts';
import type { ExecutionCellSpec } from '../../src/core/spec/document.ts';

/** Vector arguments are untyped on purpose: the builders have to check them. */
type Args = Record<string, never>;
type Build = (args: Args) => JsonObject;

/** A parsed document has no null members, and its delivery mode has a default (reference/01 §2). */
export function specOf(value: JsonValue | undefined): ExecutionCellSpec {
  const spec = withoutNulls(value ?? {}) as Record<string, JsonValue>;
  if (isJsonObject(spec['run'])) spec['run'] = jsonObject({ secretDelivery: 'runtimeLeasedBroker', ...spec['run'] });
  return spec as unknown as ExecutionCellSpec;
}

function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null).map(([key, member]) => [key, withoutNulls(member)]));
}

const contextOf = (args: Args): CellContext => ({ cellId: args['cellId'] as unknown as string, runId: (args['runId'] as unknown as string | null) ?? undefined, spec: specOf(args['spec']) });
/** Null arguments were not given. */
const given = (args: Args): Args => Object.fromEntries(Object.entries(args).filter(([, value]) => (value as unknown) !== null)) as Args;

const cell =
  (build: (context: CellContext, args: never) => JsonObject): Build =>
  (args) => build(contextOf(args), given(args) as never);
const plain =
  (build: (args: never) => JsonObject): Build =>
  (args) => build(given(args) as never);
const payload =
  (build: (args: never) => JsonObject): Build =>
  (args) => build(args['payload'] as never);

interface Builder {
  readonly event: EventName;
  readonly build: Build;
}

const row = (event: EventName, build: Build): Builder => ({ event, build });

const DATA: Readonly<Record<string, Builder>> = {
  lifecycle_started_data_v1: row('started', cell(lifecycle.lifecycleStartedData)),
  lifecycle_destroyed_data_v1: row('destroyed', cell(lifecycle.lifecycleDestroyedData)),
  lifecycle_destroyed_data_v1_typed: row('destroyed', cell(lifecycle.lifecycleDestroyedData)),
  manifest_failed_data_v1: row('manifestFailed', plain(lifecycle.manifestFailedData)),
  identity_materialized_data_v1: row('identityMaterialized', cell(lifecycle.identityMaterializedData)),
  identity_materialized_data_v1_provisioned: row('identityMaterialized', cell(lifecycle.identityMaterializedData)),
  identity_revoked_data_v1: row('identityRevoked', cell(lifecycle.identityRevokedData)),
  identity_failed_data_v1: row('identityFailed', cell(lifecycle.identityFailedData)),
  command_completed_data_v1: row('commandCompleted', cell(lifecycle.commandCompletedData)),
  export_completed_data_v1: row('exportCompletedV1', cell(lifecycle.exportCompletedV1Data)),
  export_completed_data_v2: row('exportCompleted', cell(lifecycle.exportCompletedData)),
  export_failed_data_v2: row('exportFailed', cell(lifecycle.exportFailedData)),
  observability_network_scope_data_v1: row('networkScope', cell(network.networkScopeData)),
  observability_network_policy_data_v1: row('networkPolicy', cell(network.networkPolicyData)),
  observability_network_enforcement_data_v1: row('networkEnforcement', cell(network.networkEnforcementData)),
  observability_process_spawned_data_v1: row('processSpawned', cell(network.processSpawnedData)),
  observability_fs_touch_export_data_v1: row('fsTouch', cell(network.fsTouchExportData)),
  observability_container_security_data_v1: row('containerSecurity', (args) => network.containerSecurityData(given(args) as never, given(args))),
  observability_dns_resolution_data_v1: row('dnsResolution', cell(dns.dnsResolutionData)),
  observability_dns_target_set_data_v1: row('dnsTargetSet', cell(dns.dnsTargetSetData)),
  observability_l7_egress_decision_data_v1: row('l7EgressDecision', cell(dns.l7EgressDecisionData)),
  dns_authority_drift_data_v1: row('dnsAuthorityDrift', payload(dns.dnsAuthorityDriftData)),
  dns_authority_rebind_threshold_data_v1: row('dnsAuthorityRebindThreshold', payload(dns.dnsAuthorityRebindThresholdData)),
  dns_authority_rebind_rejected_data_v1: row('dnsAuthorityRebindRejected', payload(dns.dnsAuthorityRebindRejectedData)),
  dns_authority_dnssec_failed_data_v1: row('dnsAuthorityDnssecFailed', payload(dns.dnsAuthorityDnssecFailedData)),
  dns_query_data_v1: row('dnsQuery', payload(dns.dnsQueryData)),
  network_flow_decision_data_v1: row('networkFlowDecision', payload(network.networkFlowDecisionData)),
  dns_query_permitted_data_v1: row('dnsQueryPermitted', plain(dns.dnsQueryPermittedData)),
  dns_query_refused_data_v1: row('dnsQueryRefused', plain(dns.dnsQueryRefusedData)),
  keyset_verified_data_v1: row('keysetVerified', plain(authority.keysetVerifiedData)),
  keyset_verification_failed_data_v1: row('keysetVerificationFailed', plain(authority.keysetVerificationFailedData)),
  compliance_summary_data_v1: row('complianceSummary', cell(authority.complianceSummaryData)),
  compliance_summary_data_v1_with_subjects: row('complianceSummary', cell(authority.complianceSummaryData)),
  policy_rejected_data_v1: row('policyRejected', cell(authority.policyRejectedData)),
  admission_decision_data_v1: row('admissionAllowed', cell(authority.admissionDecisionData)),
  authz_rejected_data_v1: row('authzRejected', cell(authority.authzRejectedData)),
  audit_reconciled_data_v1: row('auditReconciled', plain(authority.auditReconciledData)),
  homeostasis_signal_data_v1: row('homeostasis', (args) => authority.homeostasisData(contextOf(args), args['signal'] as never)),
  homeostasis_violation_data_v1: row('homeostasisViolation', plain(authority.homeostasisViolationData)),
  observability_host_fc_metrics_data_v1: row('hostFcMetrics', cell(probes.hostFcMetricsData)),
  observability_host_cgroup_data_v1: row('hostCgroup', cell(probes.hostCgroupData)),
  observability_host_nftables_data_v1: row('hostNftables', cell(probes.hostNftablesData)),
  observability_host_tap_data_v1: row('hostTap', cell(probes.hostTapData)),
  evidence_bundle_emitted_data_v1: row('evidenceBundleEmitted', cell(probes.evidenceBundleEmittedData)),
  cortex_dispatched_data_v1: row('cortexDispatched', plain(cortexDispatchedData)),
  firecracker_pool_event_data_v1: row('firecrackerPoolCheckout', plain(firecrackerPoolData)),
};

const FORMATION_EVENTS = { created: 'formationCreated', launching: 'formationLaunching', running: 'formationRunning', degraded: 'formationDegraded', completed: 'formationCompleted', failed: 'formationFailed' } as const;

/** `cloud_event_v1_X` is the event around the data of `X_data_v1`. */
const EVENTS_BY_NAME: Readonly<Record<string, Builder>> = Object.fromEntries([
  ...Object.entries(DATA).map(([name, builder]) => [`cloud_event_v1_${name.replace(/_data_v1$/, '')}`, builder]),
  ['cloud_event_v1_firecracker_pool_checkout', row('firecrackerPoolCheckout', plain(firecrackerPoolData))],
  ...FORMATION_PHASES.map((phase) => [`cloud_event_v1_formation_${phase}`, row(FORMATION_EVENTS[phase], plain(formationData))]),
]);

/** @returns type and data of what the reference's builder of this name makes */
export function buildByName(name: string, args: JsonObject): { readonly type: string; readonly data: JsonObject } {
  const builder = DATA[name] ?? EVENTS_BY_NAME[name];
  if (builder === undefined) throw new Error(`no builder is named ${name}`);
  const data = builder.build(args as unknown as Args);
  const event = name === 'admission_decision_data_v1' && data['admitted'] === false ? 'admissionRejected' : builder.event;
  return { type: EVENTS[event].type, data };
}
