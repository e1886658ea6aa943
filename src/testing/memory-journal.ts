/** A journal in memory that can fail before and after its effect, and be killed: what was not acknowledged may be there afterwards, or not. */
import { type Bytes, concatBytes, equalBytes } from '../base/bytes.ts';
import { sha256 } from '../base/crypto.ts';
import { CellError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { isOwnType, OWN_TYPES } from '../core/journal/record.ts';
import { JOURNAL_GENESIS } from '../core/journal/segment-header.ts';
import type { Journal, JournalPosition, JournalReadOptions, JournalRecord } from '../ports/journal.ts';
import { Faults } from './faults.ts';

/** Records that retention drops together. */
const SEGMENT_RECORDS = 16;

/** What the memory journals of one place share: the disk, so to speak. */
export class MemoryJournalPlace {
  readonly records: JournalRecord[] = [];
  readonly cursors = new Map<string, JournalPosition>();
  firstSequence = 1;

  get end(): JournalPosition {
    const last = this.records.at(-1);
    return last === undefined ? { sequence: this.firstSequence - 1, chain: JOURNAL_GENESIS } : { sequence: last.sequence, chain: last.chain };
  }

  add(type: number, payload: Bytes): JournalPosition {
    const { sequence, chain } = this.end;
    const record: JournalRecord = { sequence: sequence + 1, type, payload: payload.slice(), chain: sha256(concatBytes([chain, Uint8Array.of(type & 0xff, type >> 8), payload])) };
    this.records.push(record);
    return { sequence: record.sequence, chain: record.chain };
  }
}

export class MemoryJournal implements Journal {
  readonly faults = new Faults<'append' | 'cursor' | 'drop'>();
  readonly #place: MemoryJournalPlace;
  readonly #listeners = new Set<() => void>();
  #durable: JournalPosition;
  #poison: CellError | undefined;
  #full = false;
  #closed = false;

  constructor(place: MemoryJournalPlace = new MemoryJournalPlace()) {
    this.#place = place;
    this.#durable = place.end;
  }

  /** From now on only urgent records are taken. */
  fill(): void {
    this.#full = true;
  }

  get firstSequence(): number {
    return this.#place.firstSequence;
  }

  get durable(): JournalPosition {
    return this.#durable;
  }

  #refusal(urgent: boolean): CellError | undefined {
    if (this.#closed) return new CellError('evidence.unwritable', 'Cannot write to the journal: it is closed');
    if (this.#poison !== undefined) return this.#poison;
    return this.#full && !urgent ? new CellError('journal.full', 'Cannot write to the journal: there is no space for more') : undefined;
  }

  /** After the first failure nothing is known of what is there, so all later calls fail too. */
  append(type: number, payload: Bytes, options: { readonly urgent?: boolean } = {}): Promise<JournalPosition> {
    if (!Number.isInteger(type) || type < 0 || isOwnType(type)) throw new CellError('usage.invalid', `Cannot write a record of type ${type}`);
    const refusal = this.#refusal(options.urgent === true);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (payload.byteLength > LIMITS.journalPayloadBytesMax) return Promise.reject(new CellError('evidence.unwritable', 'Cannot take a record that is too large'));
    try {
      const position = this.faults.run('append', () => {
        const added = this.#place.add(type, payload);
        this.#place.add(OWN_TYPES.commit, new Uint8Array(0));
        return added;
      });
      this.#durable = this.#place.end;
      this.#tell();
      return Promise.resolve(position);
    } catch (error) {
      this.#poison = new CellError('evidence.unwritable', 'Cannot write to the journal', { cause: error });
      this.#tell();
      return Promise.reject(this.#poison);
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async *read(options: JournalReadOptions): AsyncGenerator<JournalRecord> {
    const { from, own = false, follow = false, signal } = options;
    if (from < this.firstSequence && this.firstSequence > 1) throw new CellError('journal.dropped', `Cannot read the journal from record ${from}: the oldest that is kept is ${this.firstSequence}`);
    for (let next = from; ; ) {
      signal?.throwIfAborted();
      const record = next > this.#durable.sequence ? undefined : this.#place.records[next - this.firstSequence];
      if (record !== undefined) {
        next += 1;
        if (own || !isOwnType(record.type)) yield record;
      } else {
        if (!follow || this.#closed) return;
        if (this.#poison !== undefined) throw this.#poison;
        await this.#change(signal);
      }
    }
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#listeners.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#listeners.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  async cursor(name: string): Promise<JournalPosition | undefined> {
    const position = this.#place.cursors.get(name);
    if (position === undefined || position.sequence < this.firstSequence) return position;
    const record = this.#place.records[position.sequence - this.firstSequence];
    if (record === undefined || !equalBytes(record.chain, position.chain)) throw new CellError('journal.corrupt', `The journal is damaged: cursor "${name}" is not in it`);
    return position;
  }

  moveCursor(name: string, position: JournalPosition): Promise<void> {
    if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new CellError('usage.invalid', `Cannot keep a cursor "${name}"`);
    if (position.sequence > this.#durable.sequence) return Promise.reject(new CellError('usage.invalid', `Cannot move cursor "${name}" to ${position.sequence}`));
    if (this.#closed) return Promise.reject(this.#refusal(true));
    const { sequence, chain } = position;
    return this.faults.runAsync('cursor', async () => void this.#place.cursors.set(name, { sequence, chain }));
  }

  drop(options: { readonly below: number }): Promise<number> {
    if (this.#closed) return Promise.reject(this.#refusal(true));
    return this.faults.runAsync('drop', async () => {
      const place = this.#place;
      const limit = Math.min(options.below, ...[...place.cursors.values()].map(({ sequence }) => sequence + 1), this.#durable.sequence);
      const count = Math.floor(Math.max(0, limit - place.firstSequence) / SEGMENT_RECORDS) * SEGMENT_RECORDS;
      place.records.splice(0, count);
      place.firstSequence += count;
      return place.firstSequence;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tell();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
