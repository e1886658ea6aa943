/**
 * The records of one run on their way into the log of its host.
 *
 *   RL1  records go in in their order, each once, also when another program has published in between: then the log is opened again, and what waits is
 *        appended to what is there now;
 *   RL2  the log is at most a second or 256 records behind; what could not be published is told at the next call, as `evidence.unwritable`;
 *   RL3  nothing is proved that was not published: the proofs are of the checkpoint that covers the last record.
 */
import type { Bytes } from '../../base/bytes.ts';
import { assert, CellError, ignore, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type LogAnchor, proofsBytes } from '../../core/evidence/log-proof.ts';
import { emptyRoot, leafHash } from '../../core/evidence/merkle.ts';
import { decidePublish } from '../../core/evidence/publish-policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostLog } from '../../ports/host-log.ts';

export interface RunLogDeps {
  /** Opens the log as it is now. @throws CellError `evidence.invalid` | `evidence.unwritable` | `state.unusable` */
  readonly open: () => Promise<HostLog>;
  /** Makes durable what was added: nothing is in a checkpoint that could be lost. @throws CellError `evidence.unwritable` */
  readonly durable: () => void;
  readonly clock: Clock;
}

/** What a bundle says about the log. */
export interface LogFilesOfRun {
  /** `checkpoint.txt` */
  readonly note: Bytes;
  /** `proofs.json` */
  readonly proofs: Bytes;
}

export class RunLog {
  /** Where the log was when the run began. */
  readonly anchor: LogAnchor;
  readonly #deps: RunLogDeps;
  #log: HostLog;
  /** Leaves that no checkpoint covers yet, and when the first of them came. */
  #waiting: Bytes[] = [];
  #sinceMs = 0;
  #first: bigint | undefined;
  #last: bigint | undefined;
  #ended = false;
  #failure: CellError | undefined;
  #timer: Disposable | undefined;
  /** One publication at a time, in their order. */
  #publishing: Promise<void> = Promise.resolve();

  private constructor(deps: RunLogDeps, log: HostLog) {
    this.#deps = deps;
    this.#log = log;
    const { origin, head } = log;
    this.anchor = { origin, size: head?.size ?? 0n, root: head?.root ?? emptyRoot() };
  }

  /** @throws CellError of `deps.open` */
  static async open(deps: RunLogDeps): Promise<RunLog> {
    return new RunLog(deps, await deps.open());
  }

  /** @param header of a record. @throws CellError `evidence.unwritable` when an earlier record could not be published [RL2] */
  add(header: Bytes): void {
    if (this.#failure !== undefined) throw this.#failure;
    assert(!this.#ended, 'nothing is added after the end');
    if (this.#waiting.length === 0) this.#sinceMs = this.#deps.clock.monotonicMs();
    this.#waiting.push(leafHash(header));
    this.#schedule();
  }

  /** [RL2] */
  #schedule(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#ended || this.#failure !== undefined) return;
    const due = decidePublish({ leaves: this.#waiting.length, sinceMs: this.#sinceMs, sealed: false, awaited: false }, this.#deps.clock.monotonicMs());
    if (due.kind === 'now') this.#later();
    else if (due.kind === 'later') this.#timer = this.#deps.clock.after(due.inMs, () => this.#later());
  }

  #later(): void {
    this.publish().then(() => this.#schedule(), (error: unknown) => ignore(error, 'the next call is told [RL2]'));
  }

  /** Everything that was added is covered by a checkpoint when it settles. @throws CellError `evidence.unwritable` | `evidence.invalid` | `signer.unavailable` */
  publish(): Promise<void> {
    const next = this.#publishing.then(() => this.#publishWaiting());
    this.#publishing = next.catch(() => undefined); // told to who asked
    return next;
  }

  async #publishWaiting(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const leaves = this.#waiting;
    if (leaves.length === 0) return;
    this.#waiting = [];
    try {
      await this.#put(leaves);
    } catch (error) {
      this.#failure = isCellError(error) ? error : new CellError('internal.bug', messageOf(error), { cause: error });
      throw this.#failure;
    }
  }

  async #put(leaves: readonly Bytes[]): Promise<void> {
    this.#deps.durable();
    for (let tries = 0; tries < LIMITS.logPublishTries; tries += 1) {
      const at = this.#log.append(leaves);
      const { kind } = await this.#log.publish();
      if (kind === 'published') {
        this.#first ??= at;
        this.#last = at + BigInt(leaves.length) - 1n;
        return;
      }
      this.#log = await this.#deps.open(); // RL1
    }
    throw new CellError('evidence.unwritable', `Cannot put the records of the run into the log of this host: ${LIMITS.logPublishTries} times another program was first`);
  }

  /** The last record was added: it is published, and proved [RL3]. Nothing can be added after. @throws CellError as `publish` */
  async end(): Promise<LogFilesOfRun> {
    this.#stop();
    await this.publish();
    const { head } = this.#log;
    assert(this.#first !== undefined && this.#last !== undefined && head !== undefined, 'a run that ends has records');
    const proof = (index: bigint) => ({ index, proof: this.#log.inclusionProof(index) });
    const since = this.anchor.size === 0n ? [] : this.#log.consistencyProof(this.anchor.size);
    return { note: head.note, proofs: proofsBytes({ first: proof(this.#first), last: proof(this.#last), since }) };
  }

  /** Publishes nothing more: the evidence cannot be written any more. */
  abandon(): void {
    this.#stop();
  }

  #stop(): void {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
