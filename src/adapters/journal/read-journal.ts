/**
 * Reading without writing: what is left of a damaged journal, and a journal that another process may be writing to.
 *
 *   Q1  what is given out is verified as for the writer's own readers;
 *   Q2  a damaged journal is never read to an end: the damage is thrown behind what holds;
 *   Q3  beside a writer only what was durable at the opening is read; nothing is claimed, changed or waited for.
 */
import { isCellError } from '../../base/errors.ts';
import { JOURNAL_GENESIS } from '../../core/journal/segment-header.ts';
import type { Damage } from '../../core/journal/torn-tail.ts';
import { parseWatermarkFile, type Watermark, WATERMARK_FILE_BYTES } from '../../core/journal/watermark.ts';
import type { JournalPosition, JournalReader, JournalReadOptions, JournalRecord } from '../../ports/journal.ts';
import { corrupt, type Inspection, orDamage } from './inspect.ts';
import { type JournalDisk, readFirst } from './journal-disk.ts';
import { WATERMARK } from './journal-names.ts';
import { openFolderDisk } from './node-disk.ts';
import { SegmentsReader } from './segments-reader.ts';

/** [Q2] */
export class DamagedJournal implements JournalReader {
  readonly #reader: SegmentsReader;
  readonly #damage: Damage;
  readonly #path: string;
  readonly durable: JournalPosition;

  constructor(disk: JournalDisk, found: Extract<Inspection, { readonly state: 'damaged' }>) {
    const { damage, segments, read } = found;
    this.#damage = damage;
    this.#path = disk.path;
    this.durable = { sequence: read?.watermark.sequence ?? 0, chain: read?.watermark.chain ?? JOURNAL_GENESIS };
    const everything = { sequence: Number.MAX_SAFE_INTEGER, chain: JOURNAL_GENESIS };
    const first = segments[0] ?? 1;
    this.#reader = new SegmentsReader({ disk, extent: () => ({ first, last: segments.at(-1) ?? first - 1, durable: everything, lastEnd: undefined }), more: async () => false });
  }

  get firstSequence(): number {
    return this.#reader.firstSequence;
  }

  async *read(options: JournalReadOptions): AsyncGenerator<JournalRecord> {
    try {
      yield* this.#reader.read({ ...options, follow: false });
    } catch (error) {
      if (isCellError(error, 'journal.corrupt')) throw corrupt(this.#path, this.#damage, error);
      throw error;
    }
    throw corrupt(this.#path, this.#damage);
  }

  cursor(name: string): Promise<JournalPosition | undefined> {
    return this.#reader.cursor(name);
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** [Q3] */
class JournalSnapshot implements JournalReader {
  readonly #reader: SegmentsReader;
  readonly durable: JournalPosition;

  constructor(disk: JournalDisk, watermark: Watermark) {
    const { sequence, chain, segment, firstSegment } = watermark;
    this.durable = { sequence, chain };
    this.#reader = new SegmentsReader({ disk, extent: () => ({ first: firstSegment, last: Math.max(segment, firstSegment - 1), durable: this.durable, lastEnd: undefined }), more: async () => false });
  }

  get firstSequence(): number {
    return this.#reader.firstSequence;
  }

  /** `follow` ends where everything else does. */
  read(options: JournalReadOptions): AsyncIterable<JournalRecord> {
    return this.#reader.read({ ...options, follow: false });
  }

  cursor(name: string): Promise<JournalPosition | undefined> {
    return this.#reader.cursor(name);
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * What is durable of a journal now, whether or not somebody writes to it. Segments that retention removes meanwhile are missed as damage.
 * @throws CellError `journal.corrupt` when its watermark is not there or does not hold
 */
export function readJournal(disk: JournalDisk): JournalReader {
  const found = orDamage(() => 0, () => ({ bytes: readFirst(disk, WATERMARK, WATERMARK_FILE_BYTES) }));
  if ('damaged' in found) throw corrupt(disk.path, found.damaged);
  const read = parseWatermarkFile(found.bytes ?? new Uint8Array(0));
  if (read === undefined) {
    const reason = found.bytes === undefined ? 'watermark-missing' : 'watermark-invalid';
    throw corrupt(disk.path, { reason, segment: 0, offset: 0, sequence: 0, detail: found.bytes === undefined ? 'its watermark is not there' : 'its watermark does not hold' });
  }
  return new JournalSnapshot(disk, read.watermark);
}

/** The same for a folder. @throws CellError as `readJournal` | `state.unusable` */
export function readJournalFolder(path: string): JournalReader {
  return readJournal(openFolderDisk(path));
}
