/**
 * The closed vocabulary of event types a local run speaks. A type string stands nowhere else. `docs/events.md` is made from this table.
 */
const cell = (name: string): string => `dev.cellos.events.cell.${name}`;

export interface EventTypeInfo {
  readonly type: string;
  readonly about: string;
  /** Is the type one the reference knows? */
  readonly origin: 'reference' | 'cellos';
}

const reference = (name: string, about: string): EventTypeInfo => ({ type: cell(name), about, origin: 'reference' });
const own = (name: string, about: string): EventTypeInfo => ({ type: cell(name), about, origin: 'cellos' });

export const EVENTS = {
  genesis: own('evidence.v1.genesis', 'First record of a run: which document, plan, keys, program and host'),
  planEffective: own('plan.v1.effective', 'What was asked, and what this host enforces of it, before the first instruction runs'),
  planRefused: own('plan.v1.refused', 'What this host cannot enforce: nothing was run'),
  admissionRefused: own('admission.v1.refused', 'Why a document was not admitted: nothing was run'),
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

export type EventName = keyof typeof EVENTS;
