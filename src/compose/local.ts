/** Puts the parts together for work on this host. The only importer of adapters beside tests. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createBwrapBackend } from '../adapters/backend/bwrap/backend.ts';
import { seccompProgram } from '../adapters/backend/bwrap/seccomp.ts';
import { sweepRemains } from '../adapters/backend/bwrap/teardown.ts';
import { fileBytes } from '../adapters/os/bundle-files.ts';
import { systemClock } from '../adapters/os/clock.ts';
import { probeHost } from '../adapters/os/host-facts.ts';
import { bootId, boundSockets, selfIdentity } from '../adapters/os/procfs.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { removeTree } from '../adapters/os/remove-tree.ts';
import { claimUid } from '../adapters/os/uid-claim.ts';
import { createHostBroker } from '../adapters/secret/host-broker.ts';
import { openSecretSocket } from '../adapters/secret/secret-socket.ts';
import { hasKeyFile, type HostKeys, readKeys } from '../adapters/signer/key-files.ts';
import { createRunBundle } from '../adapters/store/bundle-writer.ts';
import { type LiveRun, StateFolder } from '../adapters/store/state.ts';
import { digestOf } from '../base/crypto.ts';
import { CellError, ignore } from '../base/errors.ts';
import { type CellId, type RunId, ulid } from '../base/ids.ts';
import { jsonObject, type JsonObject } from '../base/json.ts';
import { type Environment, environment, type Settings } from '../config/env.ts';
import { admit, type Violation } from '../core/admission/admit.ts';
import type { Redaction } from '../core/events/redact.ts';
import type { RunAsks } from '../core/plan/asks.ts';
import type { PolicyDecision, PolicyGate } from '../core/policy/decision.ts';
import type { CellPlan, HostFacts } from '../core/plan/plan.ts';
import { hostUidFor, planCell, type Planned } from '../core/plan/plan-cell.ts';
import type { SpecDocument } from '../core/spec/document.ts';
import type { CellBackend, CellFacts, LiveCell } from '../ports/cell-backend.ts';
import type { ExportSink } from '../ports/export-sink.ts';
import type { RunBundle } from '../ports/run-bundle.ts';
import type { SecretBroker, SecretSource } from '../ports/secret-broker.ts';
import { RunLog } from '../runtime/emitter/run-log.ts';
import { RunRecorder } from '../runtime/emitter/run-recorder.ts';
import { identityKey, SecretSession } from '../runtime/secrets/secret-session.ts';
import { CellSession } from '../runtime/supervisor/cell-session.ts';
import { recordRefusal, type Refusal } from '../runtime/supervisor/run-beginning.ts';
import type { WorkspaceOutcome } from '../runtime/supervisor/workspace-changes.ts';
import { VERSION } from '../version.ts';
import { openLog } from './host-log.ts';
import { refuseUnsafeMounts } from './unsafe-mounts.ts';
import { finishWorkspace } from './workspace.ts';

/** Where a static program of ours is: beside a built program, or where a clone builds it. No other place is tried. */
export function nativePath(name: 'cellos-cell' | 'cellos-attack'): string {
  const place = import.meta.url.endsWith('.ts') ? `../../build/native/${name}` : `./native/linux-${process.arch}/${name}`;
  return fileURLToPath(new URL(place, import.meta.url));
}

export const helperPath = (): string => nativePath('cellos-cell');

export function hostFacts(settings: Settings): HostFacts {
  return probeHost({ path: settings.path, helperPath: helperPath() });
}

export interface RunRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
  readonly evidence?: string;
  readonly signal: AbortSignal;
  /** Which of this process's cells: part of the host uid. Given by a program that makes one cell; others leave it to be claimed. */
  readonly slot?: number;
  /** Folder artifacts are delivered to, beside their copy in the bundle; default: CELLOS_EXPORT_DIR, else none. */
  readonly exportDir?: string;
  /** Who names the commands: the document's `run`, or the caller, one by one. */
  readonly commands?: 'document' | 'caller';
  /** What has to permit the document; its decision is recorded before anything else of the run. */
  readonly policy?: PolicyGate;
  /** Does this process end the run in order on SIGTERM? Then `cellos stop` may send one. */
  readonly endsOnSignal?: boolean;
  /** What is blanked in events before they are signed. */
  readonly redaction?: Redaction;
  /** In the place of the environment and files of this host. */
  readonly broker?: SecretBroker;
  /** The reference's socket: there though nothing is to be fetched. */
  readonly socketAlways?: boolean;
  /** Take a document without time to live, whose command is then never started. */
  readonly zeroTtl?: boolean;
}

interface PlanRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly commands?: 'document' | 'caller';
  readonly zeroTtl?: boolean;
  readonly slot?: number;
  readonly runId?: RunId;
  readonly policy?: PolicyGate;
}

/** Admits and plans, without touching anything. */
function decideRun(request: PlanRequest, host: HostFacts): ({ readonly kind: 'planned'; readonly plan: CellPlan; readonly policy?: PolicyDecision }) | Refusal {
  const verdict = admit({ document: request.document, commands: request.commands ?? 'document', zeroTtl: request.zeroTtl === true, nowMs: systemClock.nowMs(), asked: request.asks, ...(request.policy === undefined ? {} : { policy: request.policy }) });
  if (verdict.kind === 'refused') return verdict;
  const runId = request.runId ?? newRunId();
  const { policy } = verdict.admission;
  const planned = planCell({ admission: verdict.admission, asks: request.asks, host, runId, slot: request.slot ?? 0, seccompDigest: seccompProgram(host.arch).digest });
  return policy === undefined ? planned : { ...planned, policy };
}

/** The same for who wants to see the plan and starts nothing. @throws CellError `policy.refused` */
export function planRun(request: PlanRequest, host: HostFacts): Planned {
  const decided = decideRun(request, host);
  if (decided.kind === 'refused') throw notAdmitted(decided.violations);
  return decided;
}

export function newRunId(): RunId {
  return ulid(systemClock.nowMs(), systemRandom.bytes(10)).toLowerCase() as RunId;
}

function notAdmitted(violations: readonly Violation[], more: Readonly<Record<string, string>> = {}): CellError {
  const reasons = violations.map((violation) => violation.message);
  return new CellError('policy.refused', `Cannot admit the document: ${reasons.join('; ')}`, { facts: { rules: violations.map((violation) => violation.rule), reasons, ...more } });
}

function unsatisfiable(planned: Extract<Planned, { kind: 'unsatisfiable' }>, more: Readonly<Record<string, string>>): CellError {
  const lines = planned.missing.map((item) => `${item.name} (${item.asked}): ${item.reason ?? 'not available here'}`);
  return new CellError('plan.unsatisfiable', `Cannot run the cell as asked: ${lines.join('; ')}`, {
    facts: { items: planned.missing.map((item) => item.name), asked: planned.missing.map((item) => item.asked), weaker: planned.missing.map((item) => item.effective), reasons: planned.missing.map((item) => item.reason ?? 'Not available here'), ...more },
  });
}

/** Ends and removes what killed supervisors left; two starts may do it at once. @returns one entry a run, for the evidence */
export async function sweep(state: StateFolder): Promise<JsonObject[]> {
  const swept: JsonObject[] = [];
  const boot = bootId();
  state.tidyTemporaries();
  for (const run of state.abandoned()) {
    const { cgroups, scratch, cell, socketFolder } = run;
    // Process numbers of another boot are somebody else's by now.
    const lines = await sweepRemains({ cgroups, scratch, ...(cell === undefined || run.owner.bootId !== boot ? {} : cell) });
    const residue = lines.filter((line) => line.result === 'residue').map((line) => `${line.probe}: ${line.detail}`);
    if (socketFolder?.startsWith(SOCKET_FOLDER) === true) removeTree(socketFolder);
    const unfinished = state.tidyAbandoned(run);
    if (residue.length === 0) state.unmarkLive(run.runId);
    swept.push(jsonObject({ runId: run.runId, state: state.entry(run.runId).state, removed: lines.filter((line) => line.result === 'clean').map((line) => line.probe), unfinished, residue }));
  }
  return swept;
}

/** Notes the init of a cell as soon as there is one: without groups it is all that a sweep can find it by. */
function noting(backend: CellBackend, note: (facts: CellFacts) => void): CellBackend {
  return {
    name: backend.name,
    async create(plan, options) {
      const cell = await backend.create(plan, options);
      note(cell.facts);
      return cell;
    },
  };
}

export interface OpenRun {
  readonly session: CellSession;
  readonly plan: CellPlan;
  readonly bundle: RunBundle;
  readonly startedAtMs: number;
  /** Records what the command left in its workspace, and applies or keeps it; absent without a workspace. Once, before the session is closed. */
  readonly finishWorkspace?: (apply: boolean) => Promise<WorkspaceOutcome>;
  /** Where artifacts are delivered beside the bundle. */
  readonly sink: ExportSink | undefined;
  /** Removes the marks of a running cell: after `session.close`, and only when nothing of the cell is left. */
  release(): Promise<void>;
}

function secretSession(request: RunRequest, plan: CellPlan, places: { scratch: string; socketFolder: string | undefined }, env: Environment): SecretSession {
  const { scratch, socketFolder: ownPlace } = places;
  const { delivery } = plan.secrets;
  const { identity } = request.document.document.spec;
  // An identity is asked for by its audience or role; the caller names it as the document does.
  const identitySource = identity === undefined ? undefined : request.secretSources.get(identity.secretRef);
  const sources = identity === undefined || identitySource === undefined ? request.secretSources : new Map([...request.secretSources, [identityKey(identity), identitySource]]);
  const broker = request.broker ?? createHostBroker({ env, sources, clock: systemClock, random: systemRandom });
  return new SecretSession({
    plan,
    broker,
    ...(identity === undefined ? {} : { identity }),
    socketAlways: request.socketAlways === true,
    listen: ({ listener, ttlMs }) => {
      if (delivery === 'env') throw new CellError('internal.bug', 'A socket was asked for secrets in the environment');
      return openSecretSocket({ directory: ownPlace ?? `${scratch}/secrets`, ...(ownPlace === undefined ? {} : { pathInCell: `${ownPlace}/broker.sock` }), ...(plan.user.hostUid === undefined ? {} : { hostUid: plan.user.hostUid }), delivery, listener, ttlMs, clock: systemClock, random: systemRandom });
    },
  });
}

const SOCKET_FOLDER = '/tmp/cellos-rs-';

/** Where the reference puts its socket: a cell that sees the host's file system does not see our state folder. */
function freeSocketFolder(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return `${SOCKET_FOLDER}${Array.from(systemRandom.bytes(6), (byte) => letters.charAt(byte % letters.length)).join('')}`;
}

const needsSocket = (request: RunRequest, plan: CellPlan): boolean => plan.secrets.delivery !== 'env' && (plan.secrets.refs.length > 0 || request.socketAlways === true);

function prepareScratch(scratch: string, plan: CellPlan): void {
  mkdirSync(scratch, { mode: 0o700 });
  if (plan.workspace === undefined) return;
  const owner = plan.mounts.find((mount) => mount.kind === 'workspace')?.mapOwner;
  for (const name of ['upper', 'work']) {
    mkdirSync(`${scratch}/${name}`, { mode: 0o755 });
    chmodSync(`${scratch}/${name}`, 0o755);
    if (owner !== undefined) chownSync(`${scratch}/${name}`, owner.uid, owner.gid);
  }
}

/** Plans, records and makes one cell. @throws CellError; then nothing of the cell is left */
export async function openRun(state: StateFolder, settings: Settings, request: RunRequest): Promise<OpenRun> {
  const host = hostFacts(settings);
  // Another cell with the same user could signal this one's processes, so each has its own while it lives.
  const uid = host.privileged && request.slot === undefined ? await claimUid((slot) => hostUidFor(host.pid, slot)) : undefined;
  try {
    const runId = newRunId();
    const decided = decideRun({ ...request, runId, slot: uid?.slot ?? request.slot ?? 0 }, host);
    if (decided.kind !== 'planned') throw await refusalOf(state, request, host, runId, decided);
    const open = await openPlanned(state, request, host, decided);
    const exportDir = request.exportDir ?? settings.exportDir;
    const release = async (): Promise<void> => {
      state.unmarkLive(open.plan.runId);
      await uid?.release();
    };
    const sink = exportDir === undefined ? undefined : (await import('../adapters/export/local.ts')).createLocalExport(exportDir, systemRandom);
    return { ...open, sink, release };
  } catch (error) {
    await uid?.release();
    throw error;
  }
}

/** Making keys is work of the first run alone: no other loads it. */
async function signingKeys(state: StateFolder): Promise<HostKeys> {
  if (!hasKeyFile(state.keys)) (await import('./first-keys.ts')).initKeys(state, { roots: 1, threshold: 1 });
  return readKeys(state.keys);
}

/** Its records go into the log of this host while it writes them into its bundle. */
async function recorderOf(state: StateFolder, request: RunRequest, run: { runId: RunId; bundle: RunBundle; keys: HostKeys }): Promise<RunRecorder> {
  const { runId, bundle, keys } = run;
  const log = await RunLog.open({ open: () => openLog(state, keys), durable: () => bundle.sync(), clock: systemClock });
  return new RunRecorder({ runId, bundle, log, event: keys.event, attest: keys.bundle, clock: systemClock, random: systemRandom, ...(request.redaction === undefined ? {} : { redaction: request.redaction }) });
}

/** Leaves the sealed evidence of a run that never gets a cell. @returns what its caller is told. @throws CellError `evidence.unwritable` */
async function refusalOf(state: StateFolder, request: RunRequest, host: HostFacts, runId: RunId, refusal: Refusal): Promise<CellError> {
  const keys = await signingKeys(state);
  const bundle = createRunBundle(state.createRun(runId, request.evidence), keys.keyset, { keptBytesMax: 0 });
  const recorder = await recorderOf(state, request, { runId, bundle, keys });
  const { spec } = request.document.document;
  await recordRefusal({ version: VERSION, host, keysetDigest: digestOf(keys.keyset), clock: systemClock }, { recorder, run: { cellId: spec.id as CellId, runId, spec }, document: request.document, refusal });
  const where = { runId, evidence: bundle.path };
  return refusal.kind === 'refused' ? notAdmitted(refusal.violations, where) : unsatisfiable(refusal, where);
}

async function openPlanned(state: StateFolder, request: RunRequest, host: HostFacts, { plan, policy }: { plan: CellPlan; policy?: PolicyDecision }): Promise<Omit<OpenRun, 'sink' | 'release'>> {
  refuseUnsafeMounts(plan.mounts, { state: state.path, ...(request.evidence === undefined ? {} : { evidence: request.evidence }), sockets: boundSockets() });
  const swept = await sweep(state);
  const scratch = state.scratchOf(plan.runId);
  const socketFolder = plan.hostView === undefined ? undefined : freeSocketFolder();
  // There before anything of the cell is made: a start that finds it can clean up after us.
  const mark: LiveRun = { runId: plan.runId, owner: selfIdentity(), scratch, ...(socketFolder === undefined ? {} : { socketFolder }), bundle: state.bundleOf(plan.runId, request.evidence), cgroups: plan.cgroups.map(({ controller, version, path }) => ({ controller, version, path })), ...(request.endsOnSignal === true ? { endsOnSignal: true } : {}) };
  state.markLive(mark);
  let forming: Promise<LiveCell> | undefined;
  try {
    prepareScratch(scratch, plan);
    const backend = noting(createBwrapBackend(), ({ initPid, initStartTime, namespaces: { pid, net } }) =>
      state.markLive({ ...mark, cell: { init: { pid: initPid, startTime: initStartTime }, namespaces: { ...(pid === undefined ? {} : { pid }), ...(net === undefined || plan.hostView?.network === 'host' ? {} : { net }) } } }),
    );
    // What asks for secrets waits for them [X3]; any other cell forms while the keys are read and the beginning is written.
    if (plan.secrets.refs.length === 0 && !needsSocket(request, plan)) forming = backend.create(plan, { signal: request.signal, scratchDirectory: scratch });
    forming?.catch((error: unknown) => ignore(error, 'whoever waits for the cell sees it'));
    const keys = await signingKeys(state);
    const bundle = createRunBundle(state.createRun(plan.runId, request.evidence), keys.keyset, { keptBytesMax: plan.output.keptBytesMax });
    const recorder = await recorderOf(state, request, { runId: plan.runId, bundle, keys });
    const startedAtMs = systemClock.monotonicMs();
    const session = await CellSession.open(
      { backend, clock: systemClock, random: systemRandom, version: VERSION, host, keysetDigest: digestOf(keys.keyset) },
      { document: request.document, plan, scratchDirectory: scratch, recorder, secrets: secretSession(request, plan, { scratch, socketFolder }, environment), signal: request.signal, swept, ...(policy === undefined ? {} : { policy }), ...(forming === undefined ? {} : { forming }) },
    );
    const { workspace } = plan;
    return {
      session,
      plan,
      bundle,
      startedAtMs,
      ...(workspace === undefined ? {} : { finishWorkspace: (apply: boolean) => finishWorkspace(state, { session, bundle, source: workspace.source, scratch, helper: plan.programs.helper, apply }) }),
    };
  } catch (error) {
    await forming?.then((cell) => cell.destroy()).catch((failure: unknown) => ignore(failure, 'a cell that did not form left nothing; the sweep looks'));
    // The marks stay when something of the cell may still be there: the next start looks again.
    const left = await sweepRemains({ cgroups: plan.cgroups, scratch });
    if (!left.some((line) => line.result === 'residue')) state.unmarkLive(plan.runId);
    throw error;
  }
}

export { fileBytes, StateFolder, systemClock };
