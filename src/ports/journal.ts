/**
 * The journal of a host: records in one order, durable when they are acknowledged, never lost unnoticed. One writer at a time.
 *
 * Sequences count all records from 1, those the journal writes itself too (commits, epochs …): a reader that is not given these sees gaps.
 */
import type { Bytes } from '../base/bytes.ts';
import type { CursorPosition } from '../core/journal/cursor.ts';
import type { Damage } from '../core/journal/torn-tail.ts';

/** A place in the journal: a sequence, and the chain digest of the record there. */
export type JournalPosition = CursorPosition;

export interface JournalRecord extends JournalPosition {
  /** 0 … 0xfeff of the callers, 0xff00 … of the journal itself. */
  readonly type: number;
  readonly payload: Bytes;
}

export interface JournalReadOptions {
  /** First sequence that is wanted. */
  readonly from: number;
  /** Waits for more at the durable end, until the journal is closed or `signal` aborts. Default false: ends there. */
  readonly follow?: boolean;
  /** Records of the journal itself too. Default false. */
  readonly own?: boolean;
  readonly signal?: AbortSignal;
}

export interface JournalReader extends AsyncDisposable {
  /** Oldest record that retention has left; a journal without records has 1. */
  readonly firstSequence: number;
  /** Up to here everything is durable. */
  readonly durable: JournalPosition;
  /**
   * Durable records in their order, each verified by its place in the chain before it is given out. Memory does not grow with the journal.
   * @throws CellError `journal.corrupt` at the first record that does not hold | `journal.dropped`
   */
  read(options: JournalReadOptions): AsyncIterable<JournalRecord>;
  /** @returns where the reader of this name stopped. @throws CellError `journal.corrupt` when that place is not in this journal any more */
  cursor(name: string): Promise<JournalPosition | undefined>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface Journal extends JournalReader {
  /**
   * Settles when the record is durable, and said to be so by the watermark. Those that wait are written together.
   *
   * @param options.urgent may use the reserve of a journal that is full; for records about an end
   * @throws CellError `evidence.unwritable`: this record, and all after it, will never be acknowledged, though it may be durable |
   *   `journal.full`: nothing of it was written | `journal.fenced`
   */
  append(type: number, payload: Bytes, options?: { readonly urgent?: boolean }): Promise<JournalPosition>;
  /**
   * Remembers how far the reader of this name has come; durable when it settles. Names are 1 to 64 of a–z, 0–9 and `-`.
   * @throws CellError `evidence.unwritable` | `journal.fenced`
   */
  moveCursor(name: string, position: JournalPosition): Promise<void>;
  /**
   * Removes whole oldest segments of which every record is below `below` and below every cursor, and records that it did.
   * @returns the first sequence that is left
   * @throws as `append`
   */
  drop(options: { readonly below: number }): Promise<number>;
}

/** A tail that was cut off at the opening: a group that was being written when its writer ended. */
export interface CutTail {
  readonly segment: number;
  readonly bytes: number;
  /** File in the journal's folder that has them. */
  readonly keptAs: string;
}

/**
 * `writable` tells what a crash left: a tail that was cut off, and whether one half of the watermark did not hold (it was being written, and has
 * been made anew). `read-only`: nothing was changed on the disk; what holds can be read, up to the damage.
 */
export type OpenedJournal =
  | { readonly state: 'writable'; readonly journal: Journal; readonly cut: CutTail | undefined; readonly tornWatermark: boolean }
  | { readonly state: 'read-only'; readonly journal: JournalReader; readonly damage: Damage };
