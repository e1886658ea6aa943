/**
 * Turns what happens into signed, chained records of one run.
 *
 *   M1  a record is signed and in the file before `record` returns; it is durable after `barrier`;
 *   M2  when a record cannot be written nothing may go on: the error is thrown to the caller, and every later call throws it again.
 */
import { uuidV4 } from '../../base/ids.ts';
import { jsonObject, type JsonObject } from '../../base/json.ts';
import { type EventName, EVENTS } from '../../core/events/catalogue.ts';
import type { CloudEvent, EvidenceTier } from '../../core/events/envelope.ts';
import { type Redaction, redactData } from '../../core/events/redact.ts';
import { BUNDLE, makeAttestation } from '../../core/evidence/bundle.ts';
import { type AppendedRecord, ChainWriter, SALT_BYTES } from '../../core/evidence/chain.ts';
import type { LogAnchor } from '../../core/evidence/log-proof.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import type { Signer } from '../../ports/signer.ts';
import type { RunLog } from './run-log.ts';

export interface RecorderOptions {
  readonly runId: string;
  readonly bundle: RunBundle;
  readonly event: Signer;
  readonly attest: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** The log of this host, when it keeps one. */
  readonly log?: RunLog;
  /** What is blanked in events before they are signed. */
  readonly redaction?: Redaction;
}

export class RunRecorder {
  readonly #options: RecorderOptions;
  readonly #chain: ChainWriter;
  readonly #listeners = new Set<(event: CloudEvent) => void>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { clock, random } = options;
    this.#chain = new ChainWriter({
      stream: options.runId,
      signer: options.event,
      source: 'cellos-supervisor',
      salt: () => random.bytes(SALT_BYTES),
      eventId: () => uuidV4(random.bytes(16)),
      time: () => clock.nowRfc3339(),
    });
  }

  /** Items of the redaction that was asked for. */
  get redacted(): readonly string[] {
    return this.#options.redaction?.asked ?? [];
  }

  /** Where the log of this host was when the run began; undefined: it keeps none. */
  get anchor(): LogAnchor | undefined {
    return this.#options.log?.anchor;
  }

  get count(): number {
    return this.#chain.count;
  }

  /** Told of each record after it is in the file. @returns what takes the listener off again */
  onEvent(listener: (event: CloudEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws CellError `evidence.unwritable` [M2] */
  record(name: EventName, data: JsonObject, options: { tier?: EvidenceTier; cex?: NonNullable<CloudEvent['cex']> } = {}): CloudEvent {
    const { type } = EVENTS[name];
    const { redaction } = this.#options;
    const appended = this.#chain.append({ type, data: redaction === undefined ? data : redactData(type, data, redaction), tier: options.tier ?? 'host', ...(options.cex === undefined ? {} : { cex: options.cex }) });
    this.#keep(appended); // M1
    return appended.event;
  }

  #keep({ line, event, header }: AppendedRecord): void {
    this.#options.bundle.append(line);
    this.#options.log?.add(header);
    for (const listener of this.#listeners) listener(event);
  }

  /** Nothing more is written: the evidence cannot be, or nobody wants it. */
  abandon(): void {
    this.#options.log?.abandon();
  }

  barrier(): void {
    this.#options.bundle.sync();
  }

  /** Everything recorded so far is durable, and in a checkpoint of the log of this host where it keeps one. @throws CellError `evidence.unwritable` */
  async publish(): Promise<void> {
    this.barrier();
    await this.#options.log?.publish();
  }

  /** Seals the chain and attests the bundle. Nothing can be recorded after. */
  async seal(input: { outcome: string; exitCode: number; unchecked: number }): Promise<void> {
    const { runId, bundle, attest, log } = this.#options;
    const sealed = this.#chain.seal(jsonObject({ runId, outcome: input.outcome, exitCode: input.exitCode, gaps: 0, unchecked: input.unchecked }));
    this.#keep(sealed);
    if (log !== undefined) {
      const { note, proofs } = await log.end();
      bundle.keepDocument(BUNDLE.checkpoint, note);
      bundle.keepDocument(BUNDLE.proofs, proofs);
    }
    const files = await bundle.close();
    bundle.attest(makeAttestation({ files, predicate: { runId, count: this.#chain.count, head: this.#chain.head, gaps: 0, outcome: input.outcome }, signer: attest }));
  }
}
