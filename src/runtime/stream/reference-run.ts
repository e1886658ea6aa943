/**
 * One run as the reference tells it: its steps in its order, each with its events (reference/03 §6). What is done in the cell is the caller's
 * (`CellWork`); what is said about it, and when, is here.
 *
 *   RR1  the first thing that fails is the reason of the run, and the last event names it; nothing after it overwrites it;
 *   RR2  teardown comes whatever went before, and what is said about the end comes after it;
 *   RR3  an event that cannot be delivered stops what would come next, as a failure of the work does.
 */
import { messageOf } from '../../base/errors.ts';
import { ulid, uuidV4 } from '../../base/ids.ts';
import { jsonObject, type JsonObject } from '../../base/json.ts';
import { type DeclaredDecision, declaredDecision, gateDecisions } from '../../core/egress/declared-egress.ts';
import { referenceData, type RunContext } from '../../core/events/builders.ts';
import { dnsResolutionData, l7EgressDecisionData } from '../../core/events/dns.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { universalTokenAcceptedData } from '../../core/events/lifecycle.ts';
import type { CommandReport } from '../../core/lifecycle/command-report.ts';
import type { ExportArtifact } from '../../core/spec/document.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { ExportReceipt } from '../../ports/export-sink.ts';
import type { EventStream } from './event-stream.ts';

export type Delivery =
  | { readonly kind: 'delivered'; readonly receipt: ExportReceipt }
  | { readonly kind: 'failed'; readonly reason: string; readonly targetKind: ExportReceipt['targetKind']; readonly targetName?: string; readonly destination?: string };

/** The cell and what belongs to it, made before the first event is told. */
export interface CellWork {
  /** Why there is no cell: a secret or an identity that could not be had. */
  readonly failure?: string;
  readonly identity: 'none' | 'materialized' | 'failed';
  /** Masks of the cell's init, as the kernel reports them. */
  readonly capabilities?: Parameters<typeof referenceData.containerSecurity>[1];
  /** Why the program may not be run at all. */
  refuseProgram(): string | undefined;
  runCommand(): Promise<CommandReport & { readonly durationMs: number }>;
  deliver(artifact: ExportArtifact): Promise<Delivery>;
  /** Ends the cell and gives the secrets back; told why the run failed, if it did. Each failure is a text. */
  end(failure: string | undefined): Promise<{ readonly destroy?: string; readonly revoke?: string }>;
}

export interface ReferenceRunInput {
  readonly stream: EventStream;
  readonly clock: Clock;
  readonly random: Random;
  /** Ids as this stream has them. */
  readonly run: RunContext;
  readonly rawHash: string;
  readonly specHash: string;
  readonly trustPlane: { readonly events: boolean; readonly l7Gate: boolean; readonly keysetId: string; readonly resolverKid: string; readonly l7Kid: string };
  /** Addresses of a declared host; undefined: names are not resolved. */
  readonly resolve: ((host: string) => Promise<readonly { address: string; family: 'inet' | 'inet6' }[]>) | undefined;
  /** Of the derivation token that was verified. */
  readonly derivation: { readonly roleRoot: string; readonly parentRunId?: string } | undefined;
  /** Was a network namespace asked for, so that its policy and its enforcement are told? */
  readonly networkTold: boolean;
  readonly work: CellWork;
  readonly warn: (text: string) => void;
}

export interface ReferenceRunEnd {
  /** RR1; undefined: all went well. */
  readonly failure: string | undefined;
  readonly commandExitCode: number | undefined;
}

const TTL_OF_RESOLUTION_SECONDS = 300;
const ADDRESSES_MAX = 24;

class ReferenceRun {
  readonly #input: ReferenceRunInput;
  readonly #sessionId: string;
  #failure: string | undefined;
  #started: CloudEvent | undefined;
  #commandExitCode: number | undefined;
  #identityGiven = false;

  constructor(input: ReferenceRunInput) {
    this.#input = input;
    this.#sessionId = ulid(input.clock.nowMs(), input.random.bytes(10));
  }

  #fail(reason: string): void {
    this.#failure ??= reason; // RR1
  }

  async #step(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(messageOf(error)); // RR3
    }
  }

  /** What is only done while nothing has failed. */
  async #unlessFailed(work: () => Promise<void>): Promise<void> {
    if (this.#failure === undefined) await this.#step(work);
  }

  async #told(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#input.warn(messageOf(error));
    }
  }

  get #provenance(): { provenance?: JsonObject } {
    return this.#started === undefined ? {} : { provenance: jsonObject({ parent: this.#started.id, parentType: this.#started.type }) };
  }

  async #decision(decision: DeclaredDecision): Promise<void> {
    const { stream, run, specHash, trustPlane, random } = this.#input;
    await stream.emit('l7EgressDecision', l7EgressDecisionData(run, { decisionId: uuidV4(random.bytes(16)), ...decision, policyDigest: specHash, keysetId: trustPlane.keysetId, issuerKid: trustPlane.l7Kid }));
  }

  async #resolution(rule: { host: string; port: number }, resolve: NonNullable<ReferenceRunInput['resolve']>): Promise<void> {
    const { stream, run, specHash, trustPlane, clock } = this.#input;
    const targets = (await resolve(rule.host)).slice(0, ADDRESSES_MAX).map((target) => ({ ...target, port: rule.port }));
    const data = { receiptId: `rcp-${run.runId}-${rule.host}`, fqdn: rule.host, resolvedAt: clock.nowRfc3339(), targets, ttlSeconds: targets.length > 0 ? TTL_OF_RESOLUTION_SECONDS : 0, policyDigest: specHash, keysetId: trustPlane.keysetId, issuerKid: trustPlane.resolverKid };
    await stream.emit('dnsResolution', dnsResolutionData(run, data));
  }

  async #trustPlane(): Promise<void> {
    const { stream, run, specHash, trustPlane, clock, resolve } = this.#input;
    if (!trustPlane.events) return;
    await stream.emit('dnsTargetSet', referenceData.dnsTargetSet(run, { policyDigest: specHash, updatedAt: clock.nowRfc3339(), keysetId: trustPlane.keysetId, issuerKid: trustPlane.resolverKid }));
    for (const [index, rule] of (run.spec.authority.egressRules ?? []).entries()) {
      await this.#decision(declaredDecision(rule, index));
      if (resolve !== undefined) await this.#resolution(rule, resolve);
    }
  }

  async #secrets(): Promise<void> {
    const { stream, run, work } = this.#input;
    const { identity } = run.spec;
    if (identity !== undefined && work.identity === 'failed') await stream.emit('identityFailed', referenceData.identityFailed(run, identity, { operation: 'materialize', reason: work.failure ?? '' }));
    if (identity !== undefined && work.identity === 'materialized') {
      await stream.emit('identityMaterialized', referenceData.identityMaterialized(run, identity));
      this.#identityGiven = true;
    }
    if (work.failure !== undefined) this.#fail(work.failure);
  }

  async #begin(): Promise<void> {
    const { stream, run, rawHash, derivation, work } = this.#input;
    const verified = derivation === undefined ? {} : { derivationVerified: true, roleRoot: derivation.roleRoot, parentRunId: derivation.parentRunId };
    await this.#unlessFailed(async () => {
      this.#started = stream.make('started', referenceData.started(run, { ...verified, specHash: rawHash }), { cexauthorityclass: 'mutate', cextrustceiling: 'inferred', cexsessionid: this.#sessionId });
      await stream.deliver(this.#started);
    });
    if (derivation !== undefined && derivation.parentRunId === undefined) await this.#told(() => stream.emit('universalTokenAccepted', universalTokenData(run, rawHash, derivation.roleRoot)));
    const { capabilities } = work;
    if (this.#failure === undefined && capabilities !== undefined) await this.#told(() => stream.emit('containerSecurity', referenceData.containerSecurity(run, capabilities)));
  }

  async #command(): Promise<void> {
    const { stream, run, work, networkTold } = this.#input;
    const argv = run.spec.run?.argv;
    if (networkTold) await this.#unlessFailed(async () => void (await stream.emit('networkPolicy', referenceData.networkPolicy(run))));
    if (argv === undefined) return;
    await this.#unlessFailed(async () => {
      const refused = work.refuseProgram();
      if (refused !== undefined) return this.#fail(refused);
      await stream.emit('processSpawned', referenceData.processSpawned(run, argv));
      const { exitCode, spawnError, durationMs, failure } = await work.runCommand();
      this.#commandExitCode = exitCode;
      const about = { exitCode, ...(spawnError === undefined ? {} : { spawnError }) };
      if (networkTold) await stream.emit('networkEnforcement', referenceData.networkEnforcement(run, { nftRulesApplied: false, commandExitCode: exitCode, ...(spawnError === undefined ? {} : { spawnError }) }));
      await stream.emit('commandCompleted', referenceData.commandCompleted(run, { argv, durationMs, ...about }));
      if (failure !== undefined) this.#fail(failure);
    });
  }

  async #export(artifact: ExportArtifact): Promise<void> {
    const { stream, run, work } = this.#input;
    const { name } = artifact;
    await stream.emit('fsTouch', referenceData.fsTouchExport(run, { sourcePath: artifact.path, artifactName: name }));
    const delivery = await work.deliver(artifact);
    if (delivery.kind === 'failed') {
      const { kind: _, ...failed } = delivery;
      this.#fail(failed.reason);
      await stream.emit('exportFailed', referenceData.exportFailed(run, { artifactName: name, ...failed, ...this.#provenance }));
    } else {
      const receipt = { targetName: null, ...delivery.receipt };
      await stream.emit('exportCompleted', referenceData.exportCompleted(run, { artifactName: name, receipt, ...this.#provenance }));
    }
  }

  /** RR2 */
  async #end(): Promise<void> {
    const { stream, run, specHash, work } = this.#input;
    const { destroy, revoke } = await work.end(this.#failure);
    if (destroy !== undefined) this.#fail(destroy);
    if (revoke !== undefined) this.#fail(revoke);
    const { identity } = run.spec;
    if (identity !== undefined && this.#identityGiven) {
      await this.#step(async () => {
        if (revoke === undefined) await stream.emit('identityRevoked', referenceData.identityRevoked(run, identity, { reason: 'teardown', ...this.#provenance }));
        else await stream.emit('identityFailed', referenceData.identityFailed(run, identity, { operation: 'revoke', reason: revoke }));
      });
    }
    await this.#told(() => stream.emit('complianceSummary', referenceData.complianceSummary(run, this.#commandExitCode === undefined ? {} : { commandExitCode: this.#commandExitCode })));
    await this.#told(() => stream.emit('homeostasis', referenceData.homeostasis(run, { specHash, declaredSecretCount: run.spec.authority.secretRefs?.length ?? 0 })));
    await this.#step(async () => {
      const outcome = this.#failure === undefined ? ({ outcome: 'succeeded' } as const) : ({ outcome: 'failed', reason: this.#failure } as const);
      await stream.emit('destroyed', referenceData.destroyed(run, outcome), { cexauthorityclass: 'destroy', cextrustceiling: 'inferred', cexsessionid: this.#sessionId, ...(this.#started === undefined ? {} : { cexparenttrace: this.#started.id }) });
    });
  }

  async run(): Promise<ReferenceRunEnd> {
    const { stream, run, trustPlane } = this.#input;
    await this.#step(async () => void (await stream.emit('networkScope', referenceData.networkScope(run))));
    await this.#step(() => this.#trustPlane());
    if (trustPlane.l7Gate) {
      await this.#step(async () => {
        for (const decision of gateDecisions(run.spec)) await this.#decision(decision);
      });
    }
    await this.#step(() => this.#secrets());
    await this.#begin();
    await this.#command();
    for (const artifact of run.spec.export?.artifacts ?? []) await this.#unlessFailed(() => this.#export(artifact));
    await this.#end();
    return { failure: this.#failure, commandExitCode: this.#commandExitCode };
  }
}

/** Both sentences are ours; the reference has fixed ones of its own in these members. */
function universalTokenData(run: RunContext, specHash: string, roleRoot: string): JsonObject {
  return universalTokenAcceptedData({
    cellId: run.cellId,
    runId: run.runId,
    specId: run.spec.id,
    specHash,
    roleRoot,
    reason: 'The authority token names no parent run, so it fits any; it was let through as CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS says',
    remediation: 'Issue the token for one run, with parentRunId, and unset CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS',
  });
}

/** Tells one run from its first event to its last. Never throws for what the work or the sinks do. */
export async function runReference(input: ReferenceRunInput): Promise<ReferenceRunEnd> {
  return new ReferenceRun(input).run();
}

