/**
 * The chain of the profile `airgapped` as a whole: its seal, and its delivery when there is somebody to deliver to (reference/03 §12).
 *
 *   SK1  a chain that does not agree with the seal our key made over it is refused: who can write the folder can make chain and head anew, not this;
 *   SK2  rows are forwarded in order and the cursor stands at the last one that was acknowledged; what was sent twice is kept once, by its hash;
 *   SK3  the end of each run seals the chain. LIMIT: rows of a run that was killed are sealed by the next one.
 */
import { utf8 } from '../../base/bytes.ts';
import { type CellError, messageOf } from '../../base/errors.ts';
import { parseJson } from '../../base/json-parse.ts';
import type { AuditTrail } from '../../adapters/sink/audit-chain.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { SignedEventEnvelope } from '../../core/events/envelope.ts';
import { auditReconciledEvent, auditSealEvent, sealFault } from '../../core/evidence/audit-receipts.ts';
import { AUDIT_GENESIS, type AuditRow, auditRowText } from '../../core/evidence/audit-row.ts';
import { envelopeText, parseEnvelope, wrapEnvelope } from '../../core/signing/envelope.ts';
import type { SignEnvelope } from '../../core/signing/signing-config.ts';
import type { EventStream } from '../../runtime/stream/event-stream.ts';
import { asRefusal, startRefused } from './start-refused.ts';
import type { Transport } from './transport.ts';

export interface SpoolKeeping {
  readonly config: SupervisorConfig;
  readonly spool: AuditTrail;
  readonly transport: Transport;
  readonly stream: EventStream;
  /** Names the chain in what is said about it. */
  readonly runId: string;
  readonly warn: (text: string) => void;
}

interface Forwarded {
  readonly fromSeq: number;
  readonly delivered: number;
}

export class SpoolKeeper {
  readonly #keeping: SpoolKeeping;
  /** Seals and receipts are made with an Ed25519 key alone. */
  readonly #sign: SignEnvelope | undefined;
  /** Nothing is sealed that was not checked. */
  #checked = false;

  constructor(keeping: SpoolKeeping) {
    this.#keeping = keeping;
    const { config, transport } = keeping;
    this.#sign = config.events.signing.toggle?.trim().toLowerCase() === 'ed25519' ? transport.signing.sign : undefined;
  }

  #broken(why: string, cause?: unknown): CellError {
    return startRefused('spool-broken', `The chain of events in ${this.#keeping.config.events.spoolDir ?? ''} may not be continued: ${why}`, { code: 'evidence.invalid', ...(cause === undefined ? {} : { cause }) });
  }

  #envelope(text: string): SignedEventEnvelope {
    try {
      return parseEnvelope(parseJson(text));
    } catch (error) {
      throw this.#broken('its seal cannot be read', error);
    }
  }

  /** SK1. @throws CellError with the rule `spool-broken` */
  checkSeal(): void {
    const text = this.#keeping.spool.readSeal();
    if (text !== undefined && this.#sign !== undefined) this.#compare(this.#envelope(text), this.#sign);
    if (text === undefined && this.#keeping.spool.rows().length > 0) this.#keeping.warn('the chain has rows and no seal: whether somebody made it anew cannot be told');
    this.#checked = true;
  }

  #compare(seal: SignedEventEnvelope, sign: SignEnvelope): void {
    const { spool, warn } = this.#keeping;
    const again = sign(seal.event); // Ed25519 has one signature for a message
    if (again.signerKid !== seal.signerKid) {
      warn(`the chain is sealed by ${seal.signerKid}, which is not the key of this start: its seal is not checked`);
      return;
    }
    if (again.signature !== seal.signature) throw this.#broken('its seal is not one of our key');
    const fault = sealFault(seal, spool.rows().map((row) => row.rowHash));
    if (fault !== undefined) throw this.#broken(fault === 'row' ? 'it is not the one that was sealed: rows are missing or were made anew' : `its seal is none (${fault})`);
  }

  async #forward(rows: readonly AuditRow[], from: number): Promise<Forwarded> {
    const { spool, transport, warn } = this.#keeping;
    let delivered = 0;
    for (const row of rows.slice(from)) {
      try {
        await transport.jetstream?.publish(utf8(auditRowText(row)), row.rowHash);
      } catch (error) {
        warn(`forwarding stopped at row ${row.seq}: ${messageOf(error)}`);
        break;
      }
      delivered += 1;
    }
    if (delivered > 0) spool.writeCursor(from + delivered - 1); // SK2
    return { fromSeq: from, delivered };
  }

  /** Delivers what was not, and says so in the chain. Without a broker or an Ed25519 key nothing happens. @throws CellError with the rule `spool-broken` */
  async reconcile(): Promise<void> {
    const { spool, transport, stream, runId } = this.#keeping;
    if (transport.jetstream === undefined || this.#sign === undefined) return;
    const rows = spool.rows();
    const cursor = spool.readCursor();
    if (cursor !== undefined && cursor >= rows.length) throw this.#broken(`row ${cursor} was forwarded, and the last one is ${rows.length - 1}: rows are missing`);
    const { fromSeq, delivered } = await this.#forward(rows, cursor === undefined ? 0 : cursor + 1);
    const last = Math.max(rows.length - 1, 0);
    if (delivered < rows.length - fromSeq) return;
    const receipt = auditReconciledEvent({ chainId: runId, fromSeq: delivered === 0 ? last : fromSeq, toSeq: last, delivered, head: rows.at(-1)?.rowHash ?? '' });
    try {
      await stream.deliver(wrapEnvelope(this.#sign(receipt)));
    } catch (error) {
      throw asRefusal(error, 'spool-broken');
    }
  }

  /** SK3. Never throws: the run is over. */
  seal(): void {
    const { spool, runId, warn } = this.#keeping;
    if (this.#sign === undefined || !this.#checked) return;
    try {
      const rows = spool.rows();
      spool.writeSeal(envelopeText(this.#sign(auditSealEvent({ chainId: runId, count: rows.length, head: rows.at(-1)?.rowHash ?? AUDIT_GENESIS }))));
    } catch (error) {
      warn(`the chain could not be sealed: ${messageOf(error)}`);
    }
  }
}
