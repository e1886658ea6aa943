/**
 * The one writer of a journal: what waits is written as one group, by one write and one sync; then the watermark says so; then it is acknowledged.
 *
 *   G1  nothing is acknowledged before its records and the watermark are durable, and the epoch was looked at after that;
 *   G2  the next group is written after the watermark of the one before: so at most one group is ever beyond it;
 *   G3  after the first write or sync that fails nothing is written any more: what the disk holds is not known, and a second sync of the same
 *       file may say "done" of pages that are gone. The next opening finds out;
 *   G4  where there is no space, nothing of the records is written, and only urgent ones are taken from then on, into the reserve.
 */
import type { Bytes } from '../../base/bytes.ts';
import { assert, CellError, ignore, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { isOwnType, OWN_TYPES, recordBytes, writeRecord } from '../../core/journal/record.ts';
import { CHAIN_BYTES, NONCE_BYTES, type SegmentHeader } from '../../core/journal/segment-header.ts';
import { encodeSlot, slotOffset, type Watermark } from '../../core/journal/watermark.ts';
import type { Random } from '../../ports/clock.ts';
import type { JournalPosition } from '../../ports/journal.ts';
import type { EpochClaim } from './epoch-claim.ts';
import { type DiskFile, type JournalDisk, writeWhole } from './journal-disk.ts';
import { WATERMARK } from './journal-names.ts';
import { LiveSegment, NoSpace, type SegmentSizes } from './live-segment.ts';
import type { Settled } from './settle.ts';

export interface WriterOptions {
  readonly sizes: SegmentSizes;
  readonly random: Random;
  /** Calls back soon: what is appended until then is one group. */
  readonly defer: (callback: () => void) => void;
}

interface Waiting {
  readonly type: number;
  readonly payload: Bytes;
  readonly urgent: boolean;
  /** Becomes the oldest segment that counts with the watermark of this record. */
  readonly firstSegment?: number;
  readonly done: (position: JournalPosition) => void;
  readonly failed: (error: CellError) => void;
}

const COMMIT_BYTES = recordBytes(0);
const NOTHING = new Uint8Array(0);
const COPIES_BYTES = 64 * 1024;

export class JournalWriter {
  readonly #disk: JournalDisk;
  readonly #claim: EpochClaim;
  readonly #options: WriterOptions;
  readonly #slots: DiskFile;
  #live: LiveSegment;
  #watermark: Watermark;
  readonly #copies = new Copies();
  /** One group is written at a time. */
  #scratch: Bytes = new Uint8Array(0);
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;
  #poison: CellError | undefined;
  #full: CellError | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(disk: JournalDisk, claim: EpochClaim, options: WriterOptions, live: LiveSegment, watermark: Watermark) {
    this.#disk = disk;
    this.#claim = claim;
    this.#options = options;
    this.#slots = disk.open(WATERMARK, 'write');
    this.#live = live;
    this.#watermark = { ...watermark, generation: watermark.generation + 1 };
  }

  /** @returns undefined when the number of its first segment was taken meanwhile: a predecessor woke up, and its segment has to be looked at. @throws NoSpace */
  static async begin(disk: JournalDisk, claim: EpochClaim, settled: Settled, options: WriterOptions): Promise<JournalWriter | undefined> {
    const { watermark, nextSegment } = settled;
    const live = await LiveSegment.make(disk, headerOf(nextSegment, claim, watermark, options.random), options.sizes);
    return live && new JournalWriter(disk, claim, options, live, watermark);
  }

  get durable(): JournalPosition {
    return { sequence: this.#watermark.sequence, chain: this.#watermark.chain };
  }

  get firstSegment(): number {
    return this.#watermark.firstSegment;
  }

  get live(): LiveSegment {
    return this.#live;
  }

  /** Why nothing is written any more. */
  get poison(): CellError | undefined {
    return this.#poison;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes of the largest payload that fits into a segment of this journal. */
  get payloadBytesMax(): number {
    return Math.min(LIMITS.journalPayloadBytesMax, LiveSegment.capacity(this.#options.sizes) - COMMIT_BYTES - recordBytes(0) - 8);
  }

  /** Looks whether somebody took over, and stops for good if so. @throws CellError `journal.fenced` | `evidence.unwritable` */
  checkEpoch(): void {
    if (this.#poison !== undefined) throw this.#poison;
    let current: boolean;
    try {
      current = this.#claim.isCurrent();
    } catch (error) {
      throw this.#stop(this.#unwritable(error));
    }
    if (!current) throw this.#stop(new CellError('journal.fenced', `Cannot write to the journal in ${this.#disk.path}: a newer writer has taken it over; this one has stopped`, { facts: { path: this.#disk.path, epoch: this.#claim.record.epoch } }));
  }

  append(type: number, payload: Bytes, options: { readonly urgent?: boolean; readonly firstSegment?: number } = {}): Promise<JournalPosition> {
    if (this.#closed) return Promise.reject(new CellError('evidence.unwritable', `Cannot write to the journal in ${this.#disk.path}: it is closed`));
    if (this.#poison !== undefined) return Promise.reject(this.#poison);
    if (this.#full !== undefined && options.urgent !== true) return Promise.reject(this.#full);
    if (payload.byteLength > this.payloadBytesMax || this.#waitingBytes + payload.byteLength > LIMITS.journalWaitingBytesMax) {
      const why = payload.byteLength > this.payloadBytesMax ? `it takes ${this.payloadBytesMax} at most` : 'too much waits to be written';
      return Promise.reject(new CellError('evidence.unwritable', `Cannot take a record of ${payload.byteLength} bytes into the journal in ${this.#disk.path}: ${why}`, { facts: { bytes: payload.byteLength } }));
    }
    return new Promise((done, failed) => {
      this.#waitingBytes += payload.byteLength;
      this.#waiting.push({ type, payload: this.#copies.of(payload), urgent: options.urgent === true, ...(options.firstSegment === undefined ? {} : { firstSegment: options.firstSegment }), done, failed });
      this.#running ??= new Promise<void>((ended) => this.#options.defer(() => void this.#work().finally(ended)));
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  /** What goes into the next group: as much as fits into one. */
  #take(): Waiting[] {
    const room = Math.min(LIMITS.journalGroupBytesMax, LiveSegment.capacity(this.#options.sizes)) - COMMIT_BYTES;
    let [count, bytes] = [0, 0];
    for (const { payload } of this.#waiting) {
      bytes += recordBytes(payload.byteLength);
      if (count > 0 && (bytes > room || count === LIMITS.journalGroupRecordsMax)) break;
      count += 1;
    }
    const group = this.#waiting.splice(0, count);
    this.#waitingBytes -= group.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    return group;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      if (this.#poison !== undefined) throw this.#poison;
      const room = group.reduce((sum, { payload }) => sum + recordBytes(payload.byteLength), COMMIT_BYTES);
      await this.#makeRoom(room);
      await this.#write(group);
    } catch (error) {
      if (error instanceof NoSpace) return this.#intoReserve(group, error);
      const cause = isCellError(error) ? error : this.#stop(this.#unwritable(error));
      for (const { failed } of group) failed(cause);
    }
  }

  /** @throws NoSpace; whatever else it throws has stopped this writer [G3] */
  async #makeRoom(bytes: number): Promise<void> {
    if (this.#full !== undefined) throw new NoSpace('no space', { cause: this.#full });
    if (this.#live.fits(bytes)) return this.#live.grow(bytes);
    this.checkEpoch();
    const next = await LiveSegment.make(this.#disk, headerOf(this.#live.header.number + 1, this.#claim, this.#watermark, this.#options.random), this.#options.sizes, this.#live);
    if (next === undefined) throw this.#stop(new CellError('journal.fenced', `Cannot write to the journal in ${this.#disk.path}: a newer writer has made the next segment; this one has stopped`, { facts: { path: this.#disk.path, epoch: this.#claim.record.epoch } }));
    this.#live.close();
    this.#live = next;
    await next.grow(bytes);
  }

  /** [G4] The ordinary ones are refused before anything of them is written; the urgent ones go where there is place for them. */
  async #intoReserve(group: readonly Waiting[], cause: NoSpace): Promise<void> {
    this.#full ??= new CellError('journal.full', `Cannot write to the journal in ${this.#disk.path}: there is no space for more; make some, then open it again`, { facts: { path: this.#disk.path }, cause: cause.cause });
    const full = this.#full;
    let room = COMMIT_BYTES;
    const fitting = group.filter(({ urgent, payload }) => {
      const fits = urgent && this.#live.fitsReserve(room + recordBytes(payload.byteLength));
      if (fits) room += recordBytes(payload.byteLength);
      return fits;
    });
    for (const item of group) if (!fitting.includes(item)) item.failed(full);
    if (fitting.length === 0) return;
    try {
      await this.#write(fitting);
    } catch (error) {
      const stopped = isCellError(error) ? error : this.#stop(this.#unwritable(error));
      for (const { failed } of fitting) failed(stopped);
    }
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const live = this.#live;
    const size = CHAIN_BYTES + group.reduce((sum, { payload }) => sum + recordBytes(payload.byteLength), COMMIT_BYTES);
    if (this.#scratch.byteLength < size) this.#scratch = new Uint8Array(2 * size);
    const { bytes, positions, end } = encodeGroup(this.#scratch.subarray(0, size), group, this.#watermark, live.nonceCrc);
    await live.write(bytes);
    const firstSegment = group.reduce((first, item) => Math.max(first, item.firstSegment ?? 0), this.#watermark.firstSegment);
    const watermark: Watermark = { ...this.#watermark, ...end, generation: this.#watermark.generation + 1, segment: live.header.number, firstSegment };
    writeWhole(this.#slots, encodeSlot(watermark), slotOffset(watermark.generation));
    await this.#slots.sync();
    this.checkEpoch(); // G1
    this.#watermark = watermark;
    for (const [at, { done }] of group.entries()) done(positions[at] as JournalPosition);
    this.#tell();
  }

  #unwritable(error: unknown): CellError {
    return new CellError('evidence.unwritable', `Cannot write to the journal in ${this.#disk.path}: ${messageOf(error)}; whether what waits is on the disk is not known until it is opened again`, { cause: error, facts: { path: this.#disk.path } });
  }

  /** [G3] */
  #stop(error: CellError): CellError {
    this.#poison ??= error;
    const stopped = this.#poison;
    this.#waitingBytes = 0;
    for (const { failed } of this.#waiting.splice(0)) failed(stopped);
    this.#tell();
    return stopped;
  }

  /** Calls back at each change of `durable`, and when this writer stops or is closed. @returns what ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Writes what waits, finishes the segment, and lets others write. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    try {
      if (this.#poison === undefined && this.#claim.isCurrent()) await this.#live.finish();
    } catch (error) {
      ignore(error, 'what was acknowledged is durable; the next opening finishes the segment');
    } finally {
      this.#live.close();
      this.#slots.close();
      this.#release();
      this.#tell();
    }
  }

  #release(): void {
    try {
      this.#claim.release();
    } catch (error) {
      ignore(error, 'the epoch stays ours until this process ends');
    }
  }
}

function headerOf(number: number, claim: EpochClaim, before: JournalPosition, random: Random): SegmentHeader {
  return { number, epoch: claim.record.epoch, firstSequence: before.sequence + 1, nonce: random.bytes(NONCE_BYTES), previous: before.chain };
}

/** Copies of payloads, many in one piece of memory: a piece for each costs more than the copying. */
class Copies {
  #piece: Bytes = new Uint8Array(0);
  #used = 0;

  of(payload: Bytes): Bytes {
    const { byteLength } = payload;
    if (this.#used + byteLength > this.#piece.byteLength) {
      this.#piece = new Uint8Array(Math.max(COPIES_BYTES, byteLength));
      this.#used = 0;
    }
    const copy = this.#piece.subarray(this.#used, this.#used + byteLength);
    copy.set(payload);
    this.#used += byteLength;
    return copy;
  }
}

/** The bytes of a group with its commit record, and where each record is in the chain. @param buffer 32 bytes larger than the group */
function encodeGroup(buffer: Bytes, group: readonly Waiting[], before: JournalPosition, nonceCrc: number): { bytes: Bytes; positions: JournalPosition[]; end: JournalPosition } {
  buffer.set(before.chain);
  const positions: JournalPosition[] = [];
  let at = CHAIN_BYTES;
  for (const [position, { type, payload }] of [...group, { type: OWN_TYPES.commit as number, payload: NOTHING }].entries()) {
    const sequence = before.sequence + 1 + position;
    at = writeRecord(buffer, at, { type, payload, position, sequence }, nonceCrc);
    positions.push({ sequence, chain: buffer.slice(at - CHAIN_BYTES, at) });
  }
  const end = positions.pop();
  assert(end !== undefined, 'a group has a commit record');
  return { bytes: buffer.subarray(CHAIN_BYTES), positions, end };
}

/** For callers of the journal. @throws CellError `usage.invalid` */
export function refuseOwnType(type: number): void {
  if (!Number.isInteger(type) || type < 0 || isOwnType(type)) throw new CellError('usage.invalid', `Cannot write a record of type ${type}: types are whole numbers from 0 to 65279`);
}
