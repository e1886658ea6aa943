/**
 * The closed vocabulary of event types: every type we write, and every type of the reference that we read. A type string stands nowhere else.
 * `docs/events.md` is made from this table (`npm run docs`).
 */
const cell = (name: string): string => `dev.cellos.events.cell.${name}`;

export interface EventTypeInfo {
  readonly type: string;
  /** One sentence for `docs/events.md`. */
  readonly about: string;
  /** Is the type one the reference knows? */
  readonly origin: 'reference' | 'cellos';
}

const reference = (name: string, about: string): EventTypeInfo => ({ type: cell(name), about, origin: 'reference' });
const own = (name: string, about: string): EventTypeInfo => ({ type: cell(name), about, origin: 'cellos' });

/** What our own runs record. */
const OF_RUNS = {
  genesis: own('evidence.v1.genesis', 'First record of a run: which document, plan, keys, program and host'),
  planEffective: own('plan.v1.effective', 'What was asked, and what this host enforces of it, before the first instruction runs'),
  planRefused: own('plan.v1.refused', 'What this host cannot enforce or provide of what was asked; nothing was run'),
  admissionRefused: own('admission.v1.refused', 'Why a document was not admitted; nothing was run'),
  policyDecided: own('policy.v1.decided', 'What policy decided about the document, with the pack and the inputs it was decided by: cellos verify decides again'),
  networkScope: reference('observability.v1.network_scope', 'How many egress rules the document declares'),
  dnsTargetSet: reference('observability.v1.dns_target_set', 'The digest of the declared egress at the start'),
  isolationObserved: own('isolation.v1.observed', 'Namespaces, capabilities, filter and host user, as the kernel reports them for the finished cell'),
  identityMaterialized: reference('identity.v1.materialized', 'The workload identity was obtained'),
  identityRevoked: reference('identity.v1.revoked', 'The workload identity was given back'),
  identityFailed: reference('identity.v1.failed', 'The workload identity could not be obtained or given back'),
  started: reference('lifecycle.v1.started', 'The cell exists and its isolation is in force'),
  containerSecurity: reference('observability.v1.container_security', 'The capability sets of the cell'),
  networkPolicy: reference('observability.v1.network_policy', 'The network isolation and the declared egress'),
  processSpawned: reference('observability.v1.process_spawned', 'A command was started: recorded after its image is in place'),
  processExited: own('process.v1.exited', 'How a command ended, as the kernel said: exit code, or signal, or why it was ended'),
  limitReached: own('limit.v1.reached', 'A limit took effect'),
  outputCaptured: own('output.v1.captured', 'Length and digest of what a command wrote, and how much of it is kept'),
  networkEnforcement: reference('observability.v1.network_enforcement', 'The network isolation that was in force during the command'),
  commandCompleted: reference('command.v1.completed', 'The command is over'),
  workspaceChanged: own('workspace.v1.changed', 'What a command changed in the workspace overlay'),
  workspaceApplied: own('workspace.v1.applied', 'Whether the changes of the overlay were brought into the folder'),
  fileTouched: own('file.v1.touched', 'A file of the cell was read, written, made or removed on behalf of the caller, from outside'),
  fsTouch: reference('observability.v1.fs_touch', 'An artifact is about to be read'),
  exportCompleted: reference('export.v2.completed', 'An artifact was delivered'),
  exportFailed: reference('export.v2.failed', 'An artifact could not be delivered'),
  secretLease: own('secret.v1.lease', 'A step in the life of a secret lease; never the value'),
  complianceSummary: reference('compliance.v1.summary', 'What the document declared, in numbers'),
  homeostasis: reference('authority.v1.homeostasis', 'Declared against used authority'),
  teardownCertificate: own('teardown.v1.certificate', 'Each thing the cell was made of, probed after the kill'),
  recoverySwept: own('recovery.v1.swept', 'What a start found and removed of runs whose supervisor was killed'),
  destroyed: reference('lifecycle.v1.destroyed', 'The cell is gone'),
  sealed: own('evidence.v1.sealed', 'Last record of a run: how many records there are, and the digest of the one before'),
} as const satisfies Record<string, EventTypeInfo>;

/** The other types of the reference. */
const OF_THE_REFERENCE = {
  manifestFailed: reference('lifecycle.v1.manifest-failed', 'A boot image does not have the digest of its manifest'),
  universalTokenAccepted: reference('identity.v1.universal_token_accepted_in_permissive_mode', 'An authority token without a parent run was let through'),
  exportCompletedV1: reference('export.v1.completed', 'An artifact was delivered (older form, only read)'),
  dnsResolution: reference('observability.v1.dns_resolution', 'What a declared name resolved to at the start'),
  l7EgressDecision: reference('observability.v1.l7_egress_decision', 'A connection was let through or stopped by its server name'),
  dnsAuthorityDrift: reference('observability.v1.dns_authority_drift', 'The addresses behind a declared name changed'),
  dnsAuthorityRebindThreshold: reference('observability.v1.dns_authority_rebind_threshold', 'A name showed more new addresses than its document allows'),
  dnsAuthorityRebindRejected: reference('observability.v1.dns_authority_rebind_rejected', 'A name showed an address outside its allowed ranges'),
  dnsAuthorityDnssecFailed: reference('observability.v1.dns_authority_dnssec_failed', 'The signatures behind a name could not be validated'),
  dnsQuery: reference('observability.v1.dns_query', 'A query of the cell, and what was decided about it'),
  networkFlowDecision: reference('observability.v1.network_flow_decision', 'A flow was let through or stopped by the packet filter'),
  evidenceBundleStub: reference('observability.v1.evidence_bundle_emitted', 'The name of the evidence bundle a run will have'),
  guestAgentSilenced: reference('observability.v1.guest.agent_silenced', 'The agent inside a cell stopped speaking'),
  dnsQueryPermitted: reference('dns.v1.query_permitted', 'A query is about to be forwarded'),
  dnsQueryRefused: reference('dns.v1.query_refused', 'A query was refused'),
  keysetVerified: reference('trust.v1.keyset_verified', 'The trust keyset verifies, and who signed it'),
  keysetVerificationFailed: reference('trust.v1.keyset_verification_failed', 'The trust keyset does not verify, and the start went on without it'),
  policyRejected: reference('policy.v1.rejected', 'A policy pack refuses the document; each broken rule is named'),
  admissionAllowed: reference('admission.v1.allowed', 'The authority asked for lies within the ceiling'),
  admissionRejected: reference('admission.v1.rejected', 'The authority asked for does not lie within the ceiling'),
  authzRejected: reference('authz.v1.rejected', 'The tenant may not run this document, in this pool, under this pack'),
  homeostasisViolation: reference('authority.v1.homeostasis_violation', 'More authority was used than declared'),
  auditReconciled: reference('audit.v1.reconciled', 'A spooled chain of events was delivered and agrees with its head'),
  auditSegmentSealed: reference('audit.v1.segment-sealed', 'A segment of the spool is closed'),
  crossHostEntry: reference('audit.v1.cross-host-entry', 'One entry of the chain a node keeps across hosts'),
  hostBaseline: reference('host.v1.baseline-attestation', 'Which controls the host provides'),
  evidencePackage: reference('evidence.v1.package', 'The digests of the evidence of one period'),
  evidenceBundleEmitted: reference('evidence_bundle.v1.emitted', 'The ids of the events that are the evidence of one run'),
  cortexDispatched: reference('cortex.v1.dispatched', 'A doctrine pack was handed to a cell'),
  firecrackerPoolCheckout: reference('firecracker.v1.pool_checkout', 'A machine was taken from the warm pool, or none was left'),
  hostFcMetrics: reference('observability.host.v1.fc_metrics', 'Counters of the virtual machine monitor'),
  hostCgroup: reference('observability.host.v1.cgroup', 'Memory, processor and process counters of the cell'),
  hostNftables: reference('observability.host.v1.nftables', 'Counters of the packet filter rules of the cell'),
  hostTap: reference('observability.host.v1.tap', 'Counters of the network device of the cell'),
  hostTapLink: reference('observability.host.v1.tap_link', 'The same under the name its only producer gives it'),
  formationCreated: reference('formation.v1.created', 'A formation was accepted'),
  formationLaunching: reference('formation.v1.launching', 'The cells of a formation are being started'),
  formationRunning: reference('formation.v1.running', 'All cells of a formation run'),
  formationDegraded: reference('formation.v1.degraded', 'Some cells of a formation failed'),
  formationCompleted: reference('formation.v1.completed', 'All cells of a formation ended well'),
  formationFailed: reference('formation.v1.failed', 'A formation ended without reaching its aim'),
  signedEnvelope: { type: 'dev.cellos.events.signed_envelope.v1', about: 'A transport event around a signed envelope', origin: 'reference' },
} as const satisfies Record<string, EventTypeInfo>;

export const EVENTS = { ...OF_RUNS, ...OF_THE_REFERENCE };

export type EventName = keyof typeof EVENTS;

/** Types by their short names, as `cellos events` shows them, or by their whole ones. */
export function typesNamed(name: string): string[] {
  const types = [...new Set(Object.values(EVENTS).map(({ type }) => type))];
  return types.filter((type) => type === name || type.split('.').at(-1) === name || type.replace(/^dev\.cellos\.events\.cell\./, '').replace(/\.v\d+\./, '.') === name);
}
