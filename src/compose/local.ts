/** Puts the parts together for work on this host. The only importer of adapters beside tests. */
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createBwrapBackend } from '../adapters/backend/bwrap/backend.ts';
import { seccompProgram } from '../adapters/backend/bwrap/seccomp.ts';
import { sweepRemains } from '../adapters/backend/bwrap/teardown.ts';
import { systemClock } from '../adapters/os/clock.ts';
import { probeHost } from '../adapters/os/host-facts.ts';
import { selfIdentity } from '../adapters/os/procfs.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { createHostBroker, type SecretSource } from '../adapters/secret/host-broker.ts';
import { openSecretSocket } from '../adapters/secret/secret-socket.ts';
import { createRunBundle } from '../adapters/store/bundle-writer.ts';
import { type RunFolder, StateFolder } from '../adapters/store/state.ts';
import { digestOf } from '../base/crypto.ts';
import { CellError } from '../base/errors.ts';
import { type RunId, ulid } from '../base/ids.ts';
import { jsonObject, type JsonObject } from '../base/json.ts';
import { type Environment, environment, type Settings } from '../config/env.ts';
import { admit } from '../core/admission/admit.ts';
import type { RunAsks } from '../core/plan/asks.ts';
import type { CellPlan, HostFacts } from '../core/plan/plan.ts';
import { planCell, type Planned } from '../core/plan/plan-cell.ts';
import type { SpecDocument } from '../core/spec/document.ts';
import type { RunBundle } from '../ports/run-bundle.ts';
import { RunRecorder } from '../runtime/emitter/run-recorder.ts';
import { SecretSession } from '../runtime/secrets/secret-session.ts';
import { CellSession } from '../runtime/supervisor/cell-session.ts';
import { VERSION } from '../version.ts';
import { openKeys } from './host-keys.ts';

/** The helper beside a built program, else the one a clone built. */
export function helperPath(): string {
  const built = fileURLToPath(new URL(`./native/linux-${process.arch}/cellos-cell`, import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL('../../build/native/cellos-cell', import.meta.url));
}

export function hostFacts(settings: Settings): HostFacts {
  return probeHost({ path: settings.path, helperPath: helperPath() });
}

export interface RunRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
  readonly evidence?: string;
  readonly signal: AbortSignal;
  /** Which of this process's cells: part of the host uid. */
  readonly slot?: number;
  /** Does this process end the run in order on SIGTERM? Then `cellos stop` may send one. */
  readonly endsOnSignal?: boolean;
}

/** Admits and plans, without touching anything. @throws CellError `policy.refused` */
export function planRun(request: { document: SpecDocument; asks: RunAsks; slot?: number; runId?: RunId }, host: HostFacts): Planned {
  const verdict = admit({ document: request.document, nowMs: systemClock.nowMs() });
  if (verdict.kind === 'refused') {
    throw new CellError('policy.refused', `Cannot admit the document: ${verdict.violations.map((violation) => violation.message).join('; ')}`, { facts: { rules: verdict.violations.map((violation) => violation.rule), reasons: verdict.violations.map((violation) => violation.message) } });
  }
  const runId = request.runId ?? newRunId();
  return planCell({ admission: verdict.admission, asks: request.asks, host, runId, slot: request.slot ?? 0, seccompDigest: seccompProgram(host.arch).digest });
}

export function newRunId(): RunId {
  return ulid(systemClock.nowMs(), systemRandom.bytes(10)).toLowerCase() as RunId;
}

export function unsatisfiable(planned: Extract<Planned, { kind: 'unsatisfiable' }>): CellError {
  const lines = planned.missing.map((item) => `${item.name} (${item.asked}): ${item.reason ?? 'not available here'}`);
  return new CellError('plan.unsatisfiable', `Cannot run the cell as asked: ${lines.join('; ')}`, {
    facts: { items: planned.missing.map((item) => item.name), asked: planned.missing.map((item) => item.asked), weaker: planned.missing.map((item) => item.effective), reasons: planned.missing.map((item) => item.reason ?? 'Not available here') },
  });
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

function prepareScratch(folder: RunFolder, plan: CellPlan): void {
  mkdirSync(folder.scratch, { mode: 0o700 });
  if (plan.workspace === undefined) return;
  const owner = plan.mounts.find((mount) => mount.kind === 'workspace')?.mapOwner;
  for (const name of ['upper', 'work']) {
    mkdirSync(`${folder.scratch}/${name}`, { mode: 0o755 });
    chmodSync(`${folder.scratch}/${name}`, 0o755);
    if (owner !== undefined) chownSync(`${folder.scratch}/${name}`, owner.uid, owner.gid);
  }
}

/** Plans, records and makes one cell. @throws CellError; then nothing of the cell is left */
export async function openRun(state: StateFolder, settings: Settings, request: RunRequest): Promise<OpenRun> {
  const host = hostFacts(settings);
  const planned = planRun(request, host);
  if (planned.kind === 'unsatisfiable') throw unsatisfiable(planned);
  const { plan } = planned;
  const keys = openKeys(state);
  const swept = await sweep(state);
  const owner = selfIdentity();
  const scratch = state.scratchOf(plan.runId);
  // Durable before anything of the cell is made: a start that finds it can clean up after us.
  state.markLive({ runId: plan.runId, owner, scratch, cgroups: plan.cgroups.map(({ controller, version, path }) => ({ controller, version, path })), ...(request.endsOnSignal === true ? { endsOnSignal: true } : {}) });
  try {
    const folder = state.createRun(plan.runId, request.evidence);
    prepareScratch(folder, plan);
    const bundle = createRunBundle(folder, keys.keyset);
    bundle.keepOutput('stdout', plan.output.keptBytesMax);
    bundle.keepOutput('stderr', plan.output.keptBytesMax);
    const recorder = new RunRecorder({ runId: plan.runId, bundle, event: keys.event, attest: keys.bundle, clock: systemClock, random: systemRandom });
    const startedAtMs = systemClock.monotonicMs();
    const session = await CellSession.open(
      { backend: createBwrapBackend(), clock: systemClock, random: systemRandom, version: VERSION, host, keysetDigest: digestOf(keys.keyset) },
      { document: request.document, plan, scratchDirectory: scratch, recorder, secrets: secretSession(request, plan, scratch, environment), signal: request.signal, swept },
    );
    return { session, plan, bundle, startedAtMs, release: () => state.unmarkLive(plan.runId) };
  } catch (error) {
    // The marks stay when something of the cell may still be there: the next start looks again.
    const left = await sweepRemains({ cgroups: plan.cgroups, scratch });
    if (!left.some((line) => line.result === 'residue')) state.unmarkLive(plan.runId);
    throw error;
  }
}

export { openKeys, type SecretSource, StateFolder, systemClock };
