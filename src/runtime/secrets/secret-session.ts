/**
 * The secrets of one run: leased before the cell is made, delivered as the document says, given back at teardown.
 *
 *   X1  a value goes to the workload and nowhere else: not into a plan, an event, a log line or an error;
 *   X2  each step in the life of a lease is a record: minted, used, refused, revoked, expired, revocation-failed;
 *   X3  the first secret that cannot be had stops the run before the cell exists;
 *   X4  a workload that asks without end cannot fill the evidence: beyond a bound its requests are counted, and the count is a record.
 */
import { jsonObject, type JsonObject } from '../../base/json.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Secret } from '../../base/secret.ts';
import { referenceData, type RunContext } from '../../core/events/builders.ts';
import type { CellPlan } from '../../core/plan/plan.ts';
import type { WorkloadIdentity } from '../../core/spec/document.ts';
import type { TeardownLine } from '../../ports/cell-backend.ts';
import type { SecretBroker, SecretLease } from '../../ports/secret-broker.ts';
import type { SecretChannel, SecretListener } from '../../ports/secret-channel.ts';
import type { RunRecorder } from '../emitter/run-recorder.ts';

export interface SecretSessionOptions {
  readonly plan: CellPlan;
  readonly broker: SecretBroker;
  /** Opens the socket for the delivery modes that need one. */
  readonly listen: (request: { listener: SecretListener; ttlMs: number }) => Promise<SecretChannel>;
  readonly identity?: WorkloadIdentity;
  /** Open the socket though there is nothing to fetch, as the reference does. */
  readonly socketAlways?: boolean;
}

interface Held {
  readonly ref: string;
  readonly lease: SecretLease;
  uses: number;
}

/** What the identity is resolved by (reference/03 §9.1). */
export function identityKey(identity: WorkloadIdentity): string {
  if (identity.kind === 'federatedOidc') return identity.audience;
  return 'awsAssumeRole' in identity.kind ? identity.kind.awsAssumeRole.role_arn : identity.kind.azureManagedIdentity.resource_id;
}

export class SecretSession {
  readonly #options: SecretSessionOptions;
  readonly #held: Held[] = [];
  readonly #env = new Map<string, Secret>();
  /** Requests of the workload by lease and state. */
  readonly #asked = new Map<string, { ref: string; leaseId: string; state: string; count: number }>();
  #channel: SecretChannel | undefined;
  #identityRecorded = false;
  #recorder: RunRecorder | undefined;
  #run: RunContext | undefined;

  constructor(options: SecretSessionOptions) {
    this.#options = options;
  }

  /** Environment entries for the workload. */
  get env(): ReadonlyMap<string, Secret> {
    return this.#env;
  }

  get socketDirectory(): string | undefined {
    return this.#channel?.directory;
  }

  #recordLease(ref: string, leaseId: string, state: string, uses: number, reason?: string): void {
    if (this.#recorder === undefined || this.#run === undefined) return;
    const { runId, cellId, spec } = this.#run;
    this.#recorder.record('secretLease', jsonObject({ runId, cellId, specId: spec.id, ref, leaseId, broker: this.#options.broker.name, state, uses, reason }));
  }

  /** A record of what the workload did, as long as there are few [X4]. */
  #recordAsked(ref: string, leaseId: string, state: 'used' | 'refused', uses: number, reason?: string): void {
    const key = `${leaseId} ${state}`;
    const asked = this.#asked.get(key) ?? { ref, leaseId, state, count: 0 };
    this.#asked.set(key, { ...asked, count: asked.count + 1 });
    if (asked.count < LIMITS.secretLeaseRecordsMax) this.#recordLease(ref, leaseId, state, uses, reason);
  }

  #recordRest(): void {
    for (const { ref, leaseId, state, count } of this.#asked.values()) {
      const more = count - LIMITS.secretLeaseRecordsMax;
      if (more > 0) this.#recordLease(ref, leaseId, state, this.#held.find((held) => held.lease.leaseId === leaseId)?.uses ?? 0, `${more} more, not recorded one by one`);
    }
  }

  /** @throws CellError `secret.missing` | `secret.broker` */
  async prepare(recorder: RunRecorder, run: RunContext, signal: AbortSignal): Promise<void> {
    const { plan, broker, identity } = this.#options;
    this.#recorder = recorder;
    this.#run = run;
    for (const ref of plan.secrets.refs) {
      const isIdentity = identity?.secretRef === ref;
      try {
        const key = isIdentity && identity !== undefined && plan.secrets.delivery !== 'runtimeLeasedBroker' ? identityKey(identity) : ref;
        const lease = await broker.lease(key, { ttlMs: this.#ttlMs(ref), signal });
        this.#held.push({ ref, lease, uses: 0 });
        this.#recordLease(ref, lease.leaseId, 'minted', 0);
      } catch (error) {
        if (isIdentity && identity !== undefined) recorder.record('identityFailed', referenceData.identityFailed(run, identity, { operation: 'materialize', reason: messageOf(error) }));
        throw error;
      }
    }
    if (plan.secrets.delivery === 'env') {
      for (const held of this.#held) {
        const value = await this.#read(held, signal);
        if (value.reveal().includes(0)) throw new CellError('secret.missing', `Cannot deliver secret "${held.ref}" in a variable: it holds a NUL byte; let the document say runtimeBroker`, { facts: { ref: held.ref } });
        this.#env.set(held.ref, value);
      }
    } else if (this.#held.length > 0 || this.#options.socketAlways === true) await this.#open(signal);
  }

  /** Of the identity its own, of everything else the cell's; never under a second, as the reference has it. */
  #ttlMs(ref: string): number {
    const { plan, identity } = this.#options;
    const own = identity?.secretRef === ref ? identity.ttlSeconds : undefined;
    return Math.max(own === undefined ? plan.time.ttlMs : Math.min(Number(own) * 1000, plan.time.ttlMs), 1000);
  }

  async #read(held: Held, signal: AbortSignal): Promise<Secret> {
    const value = await held.lease.read({ signal });
    held.uses += 1;
    this.#recordAsked(held.ref, held.lease.leaseId, 'used', held.uses);
    return value;
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { plan } = this.#options;
    const snapshot = new Map<string, Secret>();
    if (plan.secrets.delivery === 'runtimeBroker') for (const held of this.#held) snapshot.set(held.ref, await held.lease.read({ signal }));
    const listener: SecretListener = {
      knows: (key) => this.#held.some((held) => held.ref === key),
      ttlMs: (key) => this.#ttlMs(key),
      read: async (key) => {
        const held = this.#held.find((one) => one.ref === key);
        if (held === undefined) throw new Error('unknown key');
        const taken = snapshot.get(key);
        if (taken === undefined) return this.#read(held, signal);
        held.uses += 1;
        this.#recordAsked(key, held.lease.leaseId, 'used', held.uses);
        return taken;
      },
      refused: (key, reason) => {
        const held = this.#held.find((one) => one.ref === key);
        this.#recordAsked(held?.ref ?? '(unknown)', held?.lease.leaseId ?? '', 'refused', held?.uses ?? 0, reason);
      },
    };
    this.#channel = await this.#options.listen({ listener, ttlMs: Math.max(plan.time.ttlMs, 1000) });
    for (const [name, value] of this.#channel.variables) this.#env.set(name, value);
  }

  recordIdentity(recorder: RunRecorder, run: RunContext): void {
    const { identity } = this.#options;
    if (identity === undefined) return;
    recorder.record('identityMaterialized', referenceData.identityMaterialized(run, identity));
    this.#identityRecorded = true;
  }

  /** Gives everything back, and records nothing yet: a failed disk must not leave a lease behind. Never throws for a broker. */
  async #release(): Promise<{ lines: TeardownLine[]; ended: { held: Held; state: 'revoked' | 'expired' | 'revocation-failed'; detail: string }[] }> {
    for (const secret of this.#env.values()) secret[Symbol.dispose]();
    this.#env.clear();
    const channel = this.#channel;
    this.#channel = undefined;
    const lines = channel === undefined ? [] : [await channel.close()];
    const ended = [];
    for (const held of this.#held.splice(0)) {
      try {
        ended.push({ held, state: await held.lease.revoke(), detail: '' });
      } catch (error) {
        ended.push({ held, state: 'revocation-failed' as const, detail: messageOf(error) });
      }
    }
    return { lines, ended };
  }

  /** For a run whose evidence cannot be written any more. Idempotent. */
  async abandon(): Promise<void> {
    await this.#release();
  }

  /** Revokes every lease and closes the socket; each is one line of the certificate. Never throws for a broker. @throws CellError `evidence.unwritable` */
  async end(recorder: RunRecorder, run: RunContext, provenance: JsonObject | undefined): Promise<readonly TeardownLine[]> {
    const { lines, ended } = await this.#release();
    this.#recordRest();
    const { identity } = this.#options;
    for (const { held: { ref, lease, uses }, state, detail } of ended) {
      this.#recordLease(ref, lease.leaseId, state, uses);
      lines.push({ probe: `lease.${ref}`, result: state === 'revocation-failed' ? 'residue' : 'clean', detail: detail === '' ? state : `${state}: ${detail}` });
      if (identity?.secretRef !== ref || !this.#identityRecorded) continue;
      if (state === 'revocation-failed') recorder.record('identityFailed', referenceData.identityFailed(run, identity, { operation: 'revoke', reason: detail }));
      else recorder.record('identityRevoked', referenceData.identityRevoked(run, identity, { reason: 'teardown', ...(provenance === undefined ? {} : { provenance }) }));
    }
    return lines;
  }
}
