/**
 * The first records of a run: of one that is about to have a cell, and, with the refusal and the seal, of one that never gets one.
 *
 *   BG1  a refusal is evidence as well: who was asked for what, and that nothing was run, is signed and sealed before the refusal is told.
 */
import type { Digest } from '../../base/crypto.ts';
import { EXIT } from '../../base/errors.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import type { Violation } from '../../core/admission/admit.ts';
import { referenceData, type RunContext } from '../../core/events/builders.ts';
import type { CellPlan, HostFacts, PlanItem } from '../../core/plan/plan.ts';
import { planDigest } from '../../core/plan/plan-cell.ts';
import { anchorJson } from '../../core/evidence/log-proof.ts';
import { decisionData, type PolicyDecision } from '../../core/policy/decision.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RunRecorder } from '../emitter/run-recorder.ts';

export interface BeginningDeps {
  readonly version: string;
  readonly host: HostFacts;
  readonly keysetDigest: Digest;
  readonly clock: Clock;
}

/** Why a run never gets a cell. */
export type Refusal = (
  | { readonly kind: 'refused'; readonly violations: readonly Violation[] }
  | { readonly kind: 'unsatisfiable'; readonly items: readonly PlanItem[]; readonly missing: readonly PlanItem[] }
) & { /** What policy decided, if there was one. */ readonly policy?: PolicyDecision };

interface Beginning {
  readonly recorder: RunRecorder;
  readonly run: RunContext;
  readonly document: SpecDocument;
}

const idsOf = (run: RunContext): { runId: string; cellId: string; specId: string } => ({ runId: run.runId, cellId: run.cellId, specId: run.spec.id });
const itemsJson = (items: readonly PlanItem[]): JsonValue[] => items.map((item) => jsonObject({ ...item }));

function recordGenesis(deps: BeginningDeps, { recorder, run, document }: Beginning, more: Readonly<Record<string, JsonValue>>): void {
  const { host } = deps;
  recorder.record(
    'genesis',
    jsonObject({
      ...idsOf(run),
      v: 1,
      specHash: document.rawHash,
      canonicalSpecHash: document.specHash,
      ...more,
      keysetDigest: deps.keysetDigest,
      ...(recorder.anchor === undefined ? {} : { log: anchorJson(recorder.anchor) }),
      cellosVersion: deps.version,
      bootId: host.bootId,
      hostKernel: host.kernel,
      hostArch: host.arch,
      salted: true,
      ...(recorder.redacted.length === 0 ? {} : { redacted: recorder.redacted }),
    }),
  );
}

/** Before anything else of the run, whatever comes of it. */
function recordDecision({ recorder, run }: Beginning, policy: PolicyDecision | undefined): void {
  if (policy !== undefined) recorder.record('policyDecided', jsonObject({ ...idsOf(run), decision: decisionData(policy) }));
}

/** What was asked and what is enforced, before there is a cell. Not durable yet. @param input.swept what this start removed of others */
export function recordBeginning(deps: BeginningDeps, input: Beginning & { plan: CellPlan; policy?: PolicyDecision; swept: readonly JsonObject[] }): void {
  const { recorder, run, plan, document } = input;
  recordGenesis(deps, input, { planDigest: planDigest(plan) });
  recordDecision(input, input.policy);
  if (input.swept.length > 0) recorder.record('recoverySwept', jsonObject({ ...idsOf(run), runs: input.swept }));
  recorder.record('planEffective', jsonObject({ ...idsOf(run), backend: plan.backend, planDigest: planDigest(plan), argv: plan.argv, items: itemsJson(plan.items), downgrades: plan.downgrades }));
  recorder.record('networkScope', referenceData.networkScope(run));
  recorder.record('dnsTargetSet', referenceData.dnsTargetSet(run, { policyDigest: document.specHash, updatedAt: deps.clock.nowRfc3339(), keysetId: 'cellos:builtin-v0', issuerKid: 'cellos-local-resolve-v0' }));
}

/** The whole evidence of a refused run [BG1]. @throws CellError `evidence.unwritable` */
export async function recordRefusal(deps: BeginningDeps, input: Beginning & { refusal: Refusal }): Promise<void> {
  const { recorder, run, refusal } = input;
  const argv = [...(run.spec.run?.argv ?? [])];
  recordGenesis(deps, input, {});
  recordDecision(input, refusal.policy);
  if (refusal.kind === 'refused') recorder.record('admissionRefused', jsonObject({ ...idsOf(run), argv, violations: refusal.violations.map((violation) => jsonObject({ ...violation })) }));
  else recorder.record('planRefused', jsonObject({ ...idsOf(run), argv, items: itemsJson(refusal.items), missing: refusal.missing.map((item) => item.name) }));
  await recorder.seal({ outcome: 'refused', exitCode: refusal.kind === 'refused' ? EXIT.refused : EXIT.unsatisfiable, unchecked: 0 });
}
