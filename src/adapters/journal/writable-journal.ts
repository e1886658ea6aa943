/** The journal as its one writer sees it: appends, cursors, retention, and readers that follow. */
import { type Bytes, toHex } from '../../base/bytes.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { encodeCursor } from '../../core/journal/cursor.ts';
import { ownPayload } from '../../core/journal/own-records.ts';
import { OWN_TYPES } from '../../core/journal/record.ts';
import type { Journal, JournalPosition, JournalReadOptions, JournalRecord } from '../../ports/journal.ts';
import { type JournalDisk, replaceFile } from './journal-disk.ts';
import { cursorName, cursorsOf, segmentName } from './journal-names.ts';
import { type JournalWriter, refuseOwnType } from './journal-writer.ts';
import { SegmentsReader } from './segments-reader.ts';

export class WritableJournal implements Journal {
  readonly #disk: JournalDisk;
  readonly #writer: JournalWriter;
  readonly #reader: SegmentsReader;
  /** Small files are written one after the other. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(disk: JournalDisk, writer: JournalWriter) {
    this.#disk = disk;
    this.#writer = writer;
    this.#reader = new SegmentsReader({
      disk,
      extent: () => ({ first: writer.firstSegment, last: writer.live.header.number, durable: writer.durable, lastEnd: writer.live.end }),
      more: (signal) => this.#more(signal),
    });
  }

  get firstSequence(): number {
    return this.#reader.firstSequence;
  }

  get durable(): JournalPosition {
    return this.#writer.durable;
  }

  append(type: number, payload: Bytes, options: { readonly urgent?: boolean } = {}): Promise<JournalPosition> {
    refuseOwnType(type);
    return this.#writer.append(type, payload, options);
  }

  read(options: JournalReadOptions): AsyncIterable<JournalRecord> {
    return this.#reader.read(options);
  }

  cursor(name: string): Promise<JournalPosition | undefined> {
    return this.#reader.cursor(name);
  }

  /** Settles at the next change. @returns false when there will be none */
  async #more(signal: AbortSignal | undefined): Promise<boolean> {
    const writer = this.#writer;
    if (writer.poison !== undefined) throw writer.poison;
    if (writer.closed) return false;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stop();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const stop = writer.onChange(done);
      signal?.addEventListener('abort', done, { once: true });
    });
    signal?.throwIfAborted();
    return true;
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#line.then(work);
    this.#line = result.catch(() => undefined);
    return result;
  }

  moveCursor(name: string, position: JournalPosition): Promise<void> {
    const file = cursorName(name);
    return this.#inLine(async () => {
      this.#refuseClosed();
      if (position.sequence > this.durable.sequence) throw new CellError('usage.invalid', `Cannot move cursor "${name}" to ${position.sequence}: the journal ends at ${this.durable.sequence}`);
      this.#writer.checkEpoch();
      try {
        const names = cursorsOf(this.#disk.list());
        if (!names.includes(name) && names.length >= LIMITS.journalCursorsMax) throw new CellError('usage.invalid', `Cannot keep another cursor: there are ${names.length}`);
        await replaceFile(this.#disk, file, encodeCursor(position));
      } catch (error) {
        if (isCellError(error)) throw error;
        throw new CellError('evidence.unwritable', `Cannot move cursor "${name}" in ${this.#disk.path}: ${messageOf(error)}; it may be where it was`, { cause: error, facts: { path: this.#disk.path } });
      }
    });
  }

  drop(options: { readonly below: number }): Promise<number> {
    return this.#inLine(() => this.#drop(options.below));
  }

  #refuseClosed(): void {
    if (this.#writer.closed) throw new CellError('evidence.unwritable', `Cannot write to the journal in ${this.#disk.path}: it is closed`);
  }

  async #drop(below: number): Promise<number> {
    this.#refuseClosed();
    const writer = this.#writer;
    let limit = below;
    for (const name of cursorsOf(this.#disk.list())) limit = Math.min(limit, ((await this.cursor(name))?.sequence ?? 0) + 1);
    let first = writer.firstSegment;
    const live = writer.live.header.number;
    while (first < live && this.#reader.header(first + 1).firstSequence <= limit) first += 1;
    const header = this.#reader.header(first);
    if (first === writer.firstSegment) return header.firstSequence;
    const { firstSequence, previous } = header;
    const oldest = writer.firstSegment;
    await writer.append(OWN_TYPES.dropped, ownPayload({ firstSegment: first, firstSequence, chain: toHex(previous) }), { firstSegment: first });
    try {
      for (let number = oldest; number < first; number += 1) this.#disk.remove(segmentName(number));
      await this.#disk.syncFolder();
    } catch (error) {
      // They do not count any more; the next opening removes what is left.
      throw new CellError('evidence.unwritable', `Cannot remove dropped segments of the journal in ${this.#disk.path}: ${messageOf(error)}`, { cause: error, facts: { path: this.#disk.path } });
    }
    return firstSequence;
  }

  close(): Promise<void> {
    return this.#inLine(() => this.#writer.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
