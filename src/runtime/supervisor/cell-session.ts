/**
 * One run: a cell from its plan to its teardown certificate, with every step in the evidence.
 *
 *   Q1  asked and effective are durable before the first instruction of a workload runs;
 *   Q2  teardown happens whatever went before, with a budget of its own; then, and only then, the run is sealed;
 *   Q3  evidence that cannot be written ends the cell: nothing runs unrecorded.
 */
import { CellError, EXIT, isCellError, messageOf } from '../../base/errors.ts';
import { jsonObject, type JsonObject } from '../../base/json.ts';
import { ulid } from '../../base/ids.ts';
import { referenceData, type RunContext } from '../../core/events/builders.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { cancelExit } from '../../core/lifecycle/ending.ts';
import type { CellPlan } from '../../core/plan/plan.ts';
import type { PolicyDecision } from '../../core/policy/decision.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import type { CellBackend, CellFacts, LiveCell, TeardownLine } from '../../ports/cell-backend.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { RunRecorder } from '../emitter/run-recorder.ts';
import type { SecretSession } from '../secrets/secret-session.ts';
import { type BeginningDeps, recordBeginning } from './run-beginning.ts';
import { RunningCommands } from './running-commands.ts';

export interface SessionDeps extends BeginningDeps {
  readonly backend: CellBackend;
  readonly clock: Clock;
  readonly random: Random;
}

export interface SessionInput {
  readonly document: SpecDocument;
  readonly plan: CellPlan;
  readonly scratchDirectory: string;
  readonly recorder: RunRecorder;
  readonly secrets: SecretSession;
  readonly signal: AbortSignal;
  /** A cell on its way: it may form while the beginning is written, as nothing runs in it before `exec` [Q1]. */
  readonly forming?: Promise<LiveCell>;
  /** What the start before this run found and removed, if anything. */
  readonly swept: readonly JsonObject[];
  /** What policy decided about the document, if there was one. */
  readonly policy?: PolicyDecision;
}

/** How a run ended, for the last records. */
export interface SessionEnd {
  readonly outcome: 'succeeded' | 'failed';
  /** One word for the seal: exited, signalled, timed-out … */
  readonly ending: string;
  readonly exitCode: number;
  readonly reason?: string;
  readonly forced: boolean;
}

export function factsJson(facts: CellFacts): JsonObject {
  const { initPid, initStartTime, namespaces, capabilities, noNewPrivs, seccompMode, seccompFilters, hostUid } = facts;
  return jsonObject({ initPid, initStartTime, namespaces: jsonObject(namespaces), capabilities: jsonObject(capabilities), noNewPrivs, seccompMode, seccompFilters, hostUid });
}

export class CellSession {
  readonly cell: LiveCell;
  readonly plan: CellPlan;
  readonly recorder: RunRecorder;
  readonly run: RunContext;
  readonly secrets: SecretSession;
  readonly commands: RunningCommands;
  readonly #deps: SessionDeps;
  readonly #document: SpecDocument;
  readonly #sessionId: string;
  readonly #startedEvent: CloudEvent;
  #closed: Promise<readonly TeardownLine[]> | undefined;

  private constructor(deps: SessionDeps, input: SessionInput, made: { cell: LiveCell; run: RunContext; sessionId: string; started: CloudEvent }) {
    this.#deps = deps;
    this.#document = input.document;
    this.#sessionId = made.sessionId;
    this.#startedEvent = made.started;
    this.cell = made.cell;
    this.commands = new RunningCommands(made.cell);
    this.plan = input.plan;
    this.recorder = input.recorder;
    this.run = made.run;
    this.secrets = input.secrets;
  }

  /** @throws CellError of the backend, the brokers or the evidence; then the run is torn down and sealed as failed, unless evidence itself failed */
  static async open(deps: SessionDeps, input: SessionInput): Promise<CellSession> {
    const { plan, recorder, document } = input;
    const run: RunContext = { cellId: plan.cellId, runId: plan.runId, spec: document.document.spec };
    const sessionId = ulid(deps.clock.nowMs(), deps.random.bytes(10));
    recordBeginning(deps, { recorder, run, document, plan, swept: input.swept, ...(input.policy === undefined ? {} : { policy: input.policy }) });
    if (plan.secrets.refs.length > 0) recorder.barrier(); // no lease is taken that nobody would know of
    let cell: LiveCell | undefined;
    try {
      await input.secrets.prepare(recorder, run, input.signal);
      const { socketDirectory } = input.secrets;
      cell = await (input.forming ?? deps.backend.create(plan, { signal: input.signal, scratchDirectory: input.scratchDirectory, ...(socketDirectory === undefined ? {} : { secretSocketDirectory: socketDirectory }) }));
      recorder.record('isolationObserved', jsonObject({ runId: run.runId, cellId: run.cellId, specId: run.spec.id, ...factsJson(cell.facts) }), { tier: 'kernel' });
      const started = recorder.record('started', referenceData.started(run, { specHash: document.rawHash }), { cex: { cexauthorityclass: 'mutate', cextrustceiling: 'inferred', cexsessionid: sessionId } });
      input.secrets.recordIdentity(recorder, run);
      recorder.record('containerSecurity', referenceData.containerSecurity(run, cell.facts.capabilities), { tier: 'kernel' });
      if (plan.hostView?.network !== 'host') recorder.record('networkPolicy', referenceData.networkPolicy(run));
      recorder.barrier(); // Q1
      return new CellSession(deps, input, { cell, run, sessionId, started });
    } catch (error) {
      const cause = input.signal.aborted ? new CellError('cancelled', `The run was given up before its command began: ${String(input.signal.reason)}`, { cause: error }) : error;
      await closeFailed({ deps, input, run, sessionId, cell, error: cause });
      throw cause;
    }
  }

  /** Tears the cell down, certifies it and seals the run [Q2]. Idempotent. @throws CellError `evidence.unwritable` */
  close(end: SessionEnd): Promise<readonly TeardownLine[]> {
    this.#closed ??= finish({
      deps: this.#deps,
      recorder: this.recorder,
      run: this.run,
      specHash: this.#document.specHash,
      sessionId: this.#sessionId,
      startedEvent: this.#startedEvent,
      cell: this.cell,
      secrets: this.secrets,
      end,
    });
    return this.#closed;
  }

  /** Ends everything and records nothing: for evidence that cannot be written any more [Q3]. */
  async abandon(): Promise<readonly TeardownLine[]> {
    const lines = await this.cell.destroy();
    await this.secrets.abandon();
    this.recorder.abandon();
    return lines;
  }

  get provenance(): JsonObject {
    return jsonObject({ parent: this.#startedEvent.id, parentType: this.#startedEvent.type });
  }
}

interface Closing {
  readonly deps: SessionDeps;
  readonly recorder: RunRecorder;
  readonly run: RunContext;
  readonly specHash: string;
  readonly sessionId: string;
  readonly startedEvent?: CloudEvent;
  readonly cell: LiveCell | undefined;
  readonly secrets: SecretSession;
  readonly end: SessionEnd;
}

async function finish(closing: Closing): Promise<readonly TeardownLine[]> {
  const { recorder, run, end, startedEvent } = closing;
  // Every step of the teardown runs before anything is written about it: a failed disk must not leave a cell behind.
  const lines: TeardownLine[] = closing.cell === undefined ? [] : [...(await closing.cell.destroy())];
  lines.push(...(await closing.secrets.end(recorder, run, startedEvent === undefined ? undefined : jsonObject({ parent: startedEvent.id, parentType: startedEvent.type }))));
  const residue = lines.filter((line) => line.result === 'residue').length;
  const unchecked = lines.filter((line) => line.result === 'unchecked').length;
  const ids = { runId: run.runId, cellId: run.cellId, specId: run.spec.id };
  recorder.record('complianceSummary', referenceData.complianceSummary(run, closing.startedEvent === undefined ? {} : { commandExitCode: end.exitCode }));
  recorder.record('homeostasis', referenceData.homeostasis(run, { specHash: closing.specHash, declaredSecretCount: run.spec.authority.secretRefs?.length ?? 0 }));
  recorder.record('teardownCertificate', jsonObject({ ...ids, lines: lines.map((line) => jsonObject({ ...line })), residue, unchecked }), { tier: 'kernel' });
  recorder.record(
    'destroyed',
    referenceData.destroyed(run, {
      outcome: end.outcome,
      ...(end.reason === undefined ? {} : { reason: end.reason }),
      terminalState: end.forced ? 'forced' : 'clean',
      evidenceBundleRef: `urn:cellos:evidence-bundle:${run.runId}`,
      residueClass: residue > 0 ? 'documented_exception' : 'none',
    }),
    { cex: { cexauthorityclass: 'destroy', cextrustceiling: 'inferred', cexsessionid: closing.sessionId, ...(startedEvent === undefined ? {} : { cexparenttrace: startedEvent.id }) } },
  );
  await recorder.seal({ outcome: end.ending, exitCode: end.exitCode, unchecked });
  return lines;
}

/** A start that failed half-way is torn down and sealed too; only a failure of the evidence itself leaves the run unsealed. */
async function closeFailed(failed: { deps: SessionDeps; input: SessionInput; run: RunContext; sessionId: string; cell: LiveCell | undefined; error: unknown }): Promise<void> {
  const { input, error } = failed;
  const cancelled = isCellError(error, 'cancelled');
  const exitCode = cancelled ? cancelExit(String(input.signal.reason)) : isCellError(error) ? error.info.exit : EXIT.failure;
  const closing: Closing = {
    deps: failed.deps,
    recorder: input.recorder,
    run: failed.run,
    specHash: input.document.specHash,
    sessionId: failed.sessionId,
    cell: failed.cell,
    secrets: input.secrets,
    end: { outcome: 'failed', ending: cancelled ? 'cancelled' : 'start-failed', exitCode, reason: messageOf(error), forced: true },
  };
  if (isCellError(error, 'evidence.unwritable')) {
    await failed.cell?.destroy();
    await input.secrets.abandon();
    input.recorder.abandon();
    return;
  }
  await finish(closing);
}
