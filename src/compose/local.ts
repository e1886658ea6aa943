/** Puts the parts together for work on this host. The only importer of adapters beside tests. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createBwrapBackend } from '../adapters/backend/bwrap/backend.ts';
import { seccompProgram } from '../adapters/backend/bwrap/seccomp.ts';
import { sweepRemains } from '../adapters/backend/bwrap/teardown.ts';
import { systemClock } from '../adapters/os/clock.ts';
import { probeHost } from '../adapters/os/host-facts.ts';
import { selfIdentity } from '../adapters/os/procfs.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { createHostBroker } from '../adapters/secret/host-broker.ts';
import { openSecretSocket } from '../adapters/secret/secret-socket.ts';
import { type HostKeys, loadOrCreateKeys } from '../adapters/signer/key-files.ts';
import { createRunBundle } from '../adapters/store/bundle-writer.ts';
import { type RunEntry, StateFolder } from '../adapters/store/state.ts';
import { diffFiles } from '../adapters/workspace/diff-files.ts';
import { openOverlay } from '../adapters/workspace/overlay.ts';
import { digestOf } from '../base/crypto.ts';
import { CellError, ignore } from '../base/errors.ts';
import { type RunId, ulid } from '../base/ids.ts';
import { jsonObject, type JsonObject } from '../base/json.ts';
import { currentSettings, type Environment, environment, type Settings } from '../config/env.ts';
import { admit } from '../core/admission/admit.ts';
import type { RunAsks } from '../core/plan/asks.ts';
import type { CellPlan, HostFacts } from '../core/plan/plan.ts';
import { planCell, type Planned } from '../core/plan/plan-cell.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import { makeKeyset } from '../core/signing/keyset.ts';
import type { SpecDocument } from '../core/spec/document.ts';
import { parseWorkspaceDocument, type WorkspaceDocument } from '../core/workspace/changes.ts';
import type { LiveCell } from '../ports/cell-backend.ts';
import type { RunBundle } from '../ports/run-bundle.ts';
import type { SecretSource } from '../ports/secret-broker.ts';
import { RunRecorder } from '../runtime/emitter/run-recorder.ts';
import { SecretSession } from '../runtime/secrets/secret-session.ts';
import { CellSession } from '../runtime/supervisor/cell-session.ts';
import { recordWorkspace, type WorkspaceOutcome } from '../runtime/supervisor/workspace-changes.ts';
import { VERSION } from '../version.ts';

/** Where the cell helper is: beside a built program, or where a clone builds it. No other place is tried. */
export function helperPath(): string {
  const place = import.meta.url.endsWith('.ts') ? '../../build/native/cellos-cell' : `./native/linux-${process.arch}/cellos-cell`;
  return fileURLToPath(new URL(place, import.meta.url));
}

export function hostFacts(settings: Settings): HostFacts {
  return probeHost({ path: settings.path, helperPath: helperPath() });
}

export function openKeys(state: StateFolder): HostKeys {
  return loadOrCreateKeys(state.keys, {
    random: systemRandom,
    makeKeyset: ({ root, event, bundle }) =>
      makeKeyset({
        keysetId: `host:${root.kid}`,
        epoch: 1,
        producedAt: systemClock.nowRfc3339(),
        keys: [
          { kid: event.kid, algorithm: 'ed25519', purpose: 'event', publicKey: event.publicKey },
          { kid: bundle.kid, algorithm: 'ecdsa-p256-sha256', purpose: 'bundle', publicKey: bundle.publicKey },
        ],
        root,
      }),
  });
}

export interface RunRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
  readonly evidence?: string;
  readonly signal: AbortSignal;
  /** Which of this process's cells: part of the host uid. */
  readonly slot?: number;
}

/** Admits and plans, without touching anything. @throws CellError `policy.refused` */
export function planRun(request: { document: SpecDocument; asks: RunAsks; slot?: number; runId?: RunId }, host: HostFacts): Planned {
  const verdict = admit({ document: request.document, nowMs: systemClock.nowMs() });
  if (verdict.kind === 'refused') {
    throw new CellError('policy.refused', `Cannot admit the document: ${verdict.violations.map((violation) => violation.message).join('; ')}`, { facts: { rules: verdict.violations.map((violation) => violation.rule) } });
  }
  const runId = request.runId ?? newRunId();
  return planCell({ admission: verdict.admission, asks: request.asks, host, runId, slot: request.slot ?? 0, seccompDigest: seccompProgram(host.arch).digest });
}

export function newRunId(): RunId {
  return ulid(systemClock.nowMs(), systemRandom.bytes(10)).toLowerCase() as RunId;
}

export function unsatisfiable(planned: Extract<Planned, { kind: 'unsatisfiable' }>): CellError {
  const lines = planned.missing.map((item) => `${item.name} (${item.asked}): ${item.reason ?? 'not available here'}`);
  return new CellError('plan.unsatisfiable', `Cannot run the cell as asked: ${lines.join('; ')}`, { facts: { items: planned.missing.map((item) => item.name) } });
}

/** Ends and removes what killed supervisors left. @returns one entry a run, for the evidence */
export async function sweep(state: StateFolder): Promise<JsonObject[]> {
  const swept: JsonObject[] = [];
  for (const run of state.abandoned()) {
    const lines = await sweepRemains({ cgroups: run.cgroups, scratch: run.scratch });
    const residue = lines.filter((line) => line.result === 'residue').map((line) => `${line.probe}: ${line.detail}`);
    if (residue.length === 0) state.unmarkLive(run.runId);
    swept.push(jsonObject({ runId: run.runId, state: 'unsealed', removed: lines.filter((line) => line.result === 'clean').map((line) => line.probe), residue }));
  }
  return swept;
}

export interface OpenRun {
  readonly session: CellSession;
  readonly plan: CellPlan;
  readonly bundle: RunBundle;
  readonly startedAtMs: number;
  /** Records what the command left in its workspace, and applies or keeps it; absent without a workspace. Once, before the session is closed. */
  readonly finishWorkspace?: (apply: boolean) => Promise<WorkspaceOutcome>;
  /** Removes the marks of a running cell: after `session.close`, and only when nothing of the cell is left. */
  release(): void;
}

function secretSession(request: RunRequest, plan: CellPlan, scratch: string, env: Environment): SecretSession {
  const broker = createHostBroker({ env, sources: request.secretSources, clock: systemClock, random: systemRandom });
  const { delivery } = plan.secrets;
  const { identity } = request.document.document.spec;
  return new SecretSession({
    plan,
    broker,
    ...(identity === undefined ? {} : { identity }),
    listen: ({ listener, ttlMs }) => {
      if (delivery === 'env') throw new CellError('internal.bug', 'A socket was asked for secrets in the environment');
      return openSecretSocket({ directory: `${scratch}/secrets`, ...(plan.user.hostUid === undefined ? {} : { hostUid: plan.user.hostUid }), delivery, listener, ttlMs, clock: systemClock, random: systemRandom });
    },
  });
}

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

async function finishWorkspace(state: StateFolder, input: { session: CellSession; bundle: RunBundle; source: string; scratch: string; helper: string; apply: boolean }): Promise<WorkspaceOutcome> {
  const { session, bundle, source, apply } = input;
  const upper = `${input.scratch}/upper`;
  const outcome = await recordWorkspace({ session, bundle, overlay: openOverlay({ source, upper, helper: input.helper }), source, apply });
  if (outcome.changes.length > 0 && !outcome.applied) {
    const kept = state.overlayOf(session.run.runId);
    mkdirSync(kept, { mode: 0o700 });
    renameSync(upper, `${kept}/upper`);
  }
  return outcome;
}

/** The changes a finished run left in its workspace, as its bundle lists them. @throws CellError `run.unknown` when it had none */
export function workspaceOf(state: StateFolder, run: RunEntry): WorkspaceDocument & { readonly kept: boolean; readonly upper: string } {
  const path = `${run.bundle}/${BUNDLE.workspace}`;
  if (!existsSync(path)) throw new CellError('run.unknown', `Cannot tell the changes of run ${run.runId}: it had no workspace, or did not come to its end`, { facts: { runId: run.runId } });
  const upper = `${state.overlayOf(run.runId)}/upper`;
  return { ...parseWorkspaceDocument(readFileSync(path)), kept: existsSync(upper), upper };
}

/** Changed lines of the text files, as `diff -u` prints them. @throws CellError `run.unknown` when the overlay is gone | `workspace.unreadable` */
export async function workspacePatch(workspace: ReturnType<typeof workspaceOf>): Promise<Uint8Array> {
  if (!workspace.kept) throw new CellError('run.unknown', 'Cannot show the changed lines: the overlay was applied or removed; without --patch the list is shown');
  const files = workspace.changes.filter(({ before, after }) => (before ?? after)?.kind === 'file' && (after ?? before)?.kind === 'file');
  return diffFiles(files.map(({ path, before, after }) => ({ path, ...(before === undefined ? {} : { before: `${workspace.source}/${path}` }), ...(after === undefined ? {} : { after: `${workspace.upper}/${path}` }) })), currentSettings().path);
}

/** Brings kept changes into the folder, then drops the overlay. @throws CellError `workspace.conflict` | `workspace.failed` | `run.unknown` */
export function applyKept(state: StateFolder, run: RunEntry): WorkspaceDocument {
  const { kept, upper, ...document } = workspaceOf(state, run);
  if (!kept) throw new CellError('run.unknown', `Cannot apply the changes of run ${run.runId}: ${document.changes.length === 0 ? 'there are none' : 'they were applied already, or removed'}`, { facts: { runId: run.runId } });
  openOverlay({ source: document.source, upper, helper: helperPath() }).apply(document.changes);
  rmSync(state.overlayOf(run.runId), { recursive: true, force: true });
  return document;
}

/** Plans, records and makes one cell. @throws CellError; then nothing of the cell is left */
export async function openRun(state: StateFolder, settings: Settings, request: RunRequest): Promise<OpenRun> {
  const host = hostFacts(settings);
  const planned = planRun(request, host);
  if (planned.kind === 'unsatisfiable') throw unsatisfiable(planned);
  const { plan } = planned;
  const swept = await sweep(state);
  const scratch = state.scratchOf(plan.runId);
  // There before anything of the cell is made: a start that finds it can clean up after us.
  state.markLive({ runId: plan.runId, owner: selfIdentity(), scratch, cgroups: plan.cgroups.map(({ controller, version, path }) => ({ controller, version, path })) });
  let forming: Promise<LiveCell> | undefined;
  try {
    prepareScratch(scratch, plan);
    const backend = createBwrapBackend();
    // What asks for secrets waits for them [X3]; any other cell forms while the keys are read and the beginning is written.
    if (plan.secrets.refs.length === 0) forming = backend.create(plan, { signal: request.signal, scratchDirectory: scratch });
    forming?.catch((error: unknown) => ignore(error, 'whoever waits for the cell sees it'));
    const keys = openKeys(state);
    const bundle = createRunBundle(state.createRun(plan.runId, request.evidence), keys.keyset);
    bundle.keepOutput('stdout', plan.output.keptBytesMax);
    bundle.keepOutput('stderr', plan.output.keptBytesMax);
    const recorder = new RunRecorder({ runId: plan.runId, bundle, event: keys.event, attest: keys.bundle, clock: systemClock, random: systemRandom });
    const startedAtMs = systemClock.monotonicMs();
    const session = await CellSession.open(
      { backend, clock: systemClock, random: systemRandom, version: VERSION, host, keysetDigest: digestOf(keys.keyset) },
      { document: request.document, plan, scratchDirectory: scratch, recorder, secrets: secretSession(request, plan, scratch, environment), signal: request.signal, swept, ...(forming === undefined ? {} : { forming }) },
    );
    const { workspace } = plan;
    return {
      session,
      plan,
      bundle,
      startedAtMs,
      ...(workspace === undefined ? {} : { finishWorkspace: (apply: boolean) => finishWorkspace(state, { session, bundle, source: workspace.source, scratch, helper: plan.programs.helper, apply }) }),
      release: () => state.unmarkLive(plan.runId),
    };
  } catch (error) {
    await forming?.then((cell) => cell.destroy()).catch((failure: unknown) => ignore(failure, 'a cell that did not form left nothing; the sweep looks'));
    // The marks stay when something of the cell may still be there: the next start looks again.
    const left = await sweepRemains({ cgroups: plan.cgroups, scratch });
    if (!left.some((line) => line.result === 'residue')) state.unmarkLive(plan.runId);
    throw error;
  }
}

export type { SecretSource };
export { StateFolder, systemClock };
