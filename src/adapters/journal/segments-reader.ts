/**
 * Reads records over all segments, in order, each verified before it is given out. Holds one window of one segment at a time.
 *
 *   R1  nothing beyond the durable end is looked at: what is being written there is nobody's yet;
 *   R2  a segment that another one follows ends exactly with its last record, and the next one goes on with its chain;
 *   R3  a reading never ends early without saying so: damage is thrown where it stands.
 */
import { type Bytes, equalBytes } from '../../base/bytes.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { CURSOR_BYTES, parseCursor } from '../../core/journal/cursor.ts';
import { isOwnType } from '../../core/journal/record.ts';
import { type ByteSource, type ScannedRecord, SegmentScanner } from '../../core/journal/scan.ts';
import { JOURNAL_GENESIS, type SegmentHeader } from '../../core/journal/segment-header.ts';
import type { Damage } from '../../core/journal/torn-tail.ts';
import type { JournalPosition, JournalReadOptions, JournalRecord } from '../../ports/journal.ts';
import { checkLink, corrupt, follows, orDamage, readHeader } from './inspect.ts';
import { type DiskFile, type JournalDisk, readFirst } from './journal-disk.ts';
import { cursorName, segmentName } from './journal-names.ts';

/** What is there to be read now. */
export interface Extent {
  /** Numbers of the first and the last segment; last < first: there is none. */
  readonly first: number;
  readonly last: number;
  readonly durable: JournalPosition;
  /** Where the durable records of the last segment end, when it is being written. */
  readonly lastEnd: number | undefined;
}

export interface ReaderSource {
  readonly disk: JournalDisk;
  extent(): Extent;
  /** Waits until there may be more. @returns false when there will be no more. @throws CellError when the writer has stopped */
  more(signal: AbortSignal | undefined): Promise<boolean>;
}

/** Records between two turns of the event loop. */
const RECORDS_A_TURN = 256;

/** A segment that may be growing: its size is what is durable of it [R1]. */
class GrowingSource implements ByteSource {
  readonly #file: DiskFile;
  size = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  look(durableEnd: number | undefined): void {
    this.size = durableEnd ?? this.#file.size();
  }

  read(into: Bytes, at: number): number {
    return this.#file.read(into.subarray(0, Math.min(into.byteLength, this.size - at)), at);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Those of the records that are asked for, as copies. @returns what the pass returns */
async function* wanted(pass: AsyncGenerator<ScannedRecord, JournalPosition | undefined>, from: number, own: boolean, signal: AbortSignal | undefined): AsyncGenerator<JournalRecord, JournalPosition | undefined> {
  for (let records = 1; ; records += 1) {
    signal?.throwIfAborted();
    const { value, done } = await pass.next();
    if (done === true) return value;
    if (value.sequence >= from && (own || !isOwnType(value.type))) {
      const { sequence, type, payload, chain } = value;
      yield { sequence, type, payload: payload.slice(), chain };
    }
    if (records % RECORDS_A_TURN === 0) await turn();
  }
}

export class SegmentsReader {
  readonly #source: ReaderSource;
  readonly #headers = new Map<number, SegmentHeader>();

  constructor(source: ReaderSource) {
    this.#source = source;
  }

  /** @throws CellError `journal.corrupt` */
  #header(number: number): SegmentHeader {
    const known = this.#headers.get(number);
    if (known !== undefined) return known;
    const header = orDamage(() => number, () => readHeader(this.#source.disk, number));
    if ('damaged' in header) throw corrupt(this.#source.disk.path, header.damaged);
    this.#headers.set(number, header);
    return header;
  }

  /** Header of a segment that is there; what retention removes is forgotten. */
  header(number: number): SegmentHeader {
    for (const known of this.#headers.keys()) if (known < this.#source.extent().first) this.#headers.delete(known);
    return this.#header(number);
  }

  get firstSequence(): number {
    const { first, last, durable } = this.#source.extent();
    return last < first ? durable.sequence + 1 : this.header(first).firstSequence;
  }

  /** The last segment that begins at or before `sequence`: by halves, so that few headers are read. */
  #segmentOf(sequence: number): number {
    let { first: low, last: high } = this.#source.extent();
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.header(middle).firstSequence <= sequence) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #damage(segment: number, offset: number, sequence: number, detail: string): CellError {
    const damage: Damage = { reason: 'record', segment, offset, sequence, detail };
    return corrupt(this.#source.disk.path, damage);
  }

  async *read(options: JournalReadOptions): AsyncGenerator<JournalRecord> {
    const { from, own = false, follow = false, signal } = options;
    const first = this.firstSequence;
    if (from < first && first > 1) throw new CellError('journal.dropped', `Cannot read the journal from record ${from}: the oldest that is kept is ${first}`, { facts: { from, first } });
    if (this.#source.extent().last < this.#source.extent().first) return;
    let before: JournalPosition | undefined;
    for (let number = this.#segmentOf(from); ; number += 1) {
      // A reader that is slower than retention: its next segment is gone.
      if (number < this.#source.extent().first) throw new CellError('journal.dropped', `Cannot read the journal on from record ${(before?.sequence ?? 0) + 1}: it was dropped meanwhile`, { facts: { from, first: this.firstSequence } });
      const pass = this.#over(number, before, follow, signal);
      try {
        before = yield* wanted(pass, from, own, signal);
      } finally {
        await pass.return(undefined); // closes its file, wherever this one was left
      }
      if (before === undefined) return;
    }
  }

  /** The durable records of one segment. @returns where the next segment goes on; undefined at the durable end */
  async *#over(number: number, before: JournalPosition | undefined, follow: boolean, signal: AbortSignal | undefined): AsyncGenerator<ScannedRecord, JournalPosition | undefined> {
    const header = this.header(number);
    const origin = before ?? (number === 1 ? { sequence: 0, chain: JOURNAL_GENESIS } : undefined);
    if (origin !== undefined && !follows(header, origin)) throw this.#damage(number, 0, origin.sequence + 1, 'it does not go on where the segment before stops');
    this.#checkLinks(number, before === undefined);
    const file = this.#opened(number);
    const source = new GrowingSource(file);
    try {
      const scanner = new SegmentScanner(source, header);
      for (;;) {
        const { last, durable, lastEnd } = this.#source.extent();
        source.look(number === last ? lastEnd : undefined);
        yield* this.#records(scanner, number, durable.sequence);
        const { sequence, chain, offset } = scanner;
        if (number < last) {
          if (offset !== source.size || scanner.openRecords > 0) throw this.#damage(number, offset, sequence + 1, scanner.stop?.why ?? 'something stands behind its last record'); // R2
          return { sequence, chain };
        }
        if (sequence < durable.sequence) throw this.#damage(number, offset, sequence + 1, scanner.stop?.why ?? 'its records end early');
        if (sequence === durable.sequence && !equalBytes(chain, durable.chain)) throw this.#damage(number, offset, sequence, 'the record is not the one that was durable');
        if (!follow || !(await this.#source.more(signal))) return undefined;
      }
    } finally {
      file.close();
    }
  }

  /** That this is the segment between its neighbours, before anything of it is given out. */
  #checkLinks(number: number, first: boolean): void {
    const { first: oldest, last } = this.#source.extent();
    const links = [...(first && number > oldest ? [number] : []), ...(number < last ? [number + 1] : [])];
    for (const link of links) {
      const header = this.header(link);
      const checked = orDamage(() => link, () => checkLink(this.#source.disk, header));
      if (checked !== undefined) throw corrupt(this.#source.disk.path, checked.damaged);
    }
  }

  #opened(number: number): DiskFile {
    try {
      return this.#source.disk.open(segmentName(number), 'read');
    } catch (error) {
      throw corrupt(this.#source.disk.path, { reason: 'unreadable', segment: number, offset: 0, sequence: 0, detail: `it cannot be opened: ${messageOf(error)}` }, error);
    }
  }

  /** Up to `limit`; less when the segment ends before [R1]. */
  *#records(scanner: SegmentScanner, number: number, limit: number): Generator<ScannedRecord> {
    while (scanner.sequence < limit) {
      const record = orDamage(() => number, () => scanner.next());
      if (record === undefined) return;
      if ('damaged' in record) throw corrupt(this.#source.disk.path, record.damaged);
      yield record;
    }
  }

  /** @throws CellError `journal.corrupt` when the file does not hold, or the journal is another one at that place */
  async cursor(name: string): Promise<JournalPosition | undefined> {
    const { disk } = this.#source;
    const found = orDamage(() => 0, () => ({ bytes: readFirst(disk, cursorName(name), CURSOR_BYTES) }));
    if ('damaged' in found) throw corrupt(disk.path, found.damaged);
    if (found.bytes === undefined) return undefined;
    const position = parseCursor(found.bytes);
    const wrong = (detail: string): CellError => corrupt(disk.path, { reason: 'record', segment: 0, offset: 0, sequence: position?.sequence ?? 0, detail: `cursor "${name}" ${detail}` });
    if (position === undefined) throw wrong('does not hold');
    if (position.sequence > this.#source.extent().durable.sequence) throw wrong(`is at ${position.sequence}, which the journal does not reach`);
    const chain = await this.#chainAt(position.sequence);
    if (chain === undefined || !equalBytes(chain, position.chain)) throw wrong(`is at ${position.sequence} of another journal`);
    return position;
  }

  async #chainAt(sequence: number): Promise<Bytes | undefined> {
    if (sequence === 0) return JOURNAL_GENESIS;
    const { first, last } = this.#source.extent();
    if (sequence === this.firstSequence - 1) return last < first ? undefined : this.header(first).previous;
    for await (const record of this.read({ from: sequence, own: true })) return record.chain;
    return undefined;
  }
}
