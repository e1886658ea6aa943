/**
 * One writer at a time. Who writes has an epoch: a file that only one program can make, saying who it is.
 *
 *   F1  a start whose predecessor still lives is refused; the next epoch is made by `link`, which the disk grants to one;
 *   F2  a new epoch is there before its writer reads anything, and the old writer looks for one after each sync and before it acknowledges: so
 *       what was acknowledged is read by the new writer, and what the old one writes later is never acknowledged;
 *   F3  the new writer puts other files in the place of those the old one has open (settle.ts), so nothing that wakes up late reaches them.
 *
 * Epochs need not be durable: after a power cut every writer is gone. LIMIT: a predecessor in another pid namespace looks dead; then F2 and F3
 * are what holds.
 */
import { toHex } from '../../base/bytes.ts';
import { CellError, errnoOf, ignore } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type EpochRecord, ownPayload, parseEpoch } from '../../core/journal/own-records.ts';
import { parseSegmentHeader, SEGMENT_HEADER_BYTES } from '../../core/journal/segment-header.ts';
import { parseWatermarkFile, WATERMARK_FILE_BYTES } from '../../core/journal/watermark.ts';
import type { Random } from '../../ports/clock.ts';
import type { ProcessIdentity } from '../os/procfs.ts';
import { type JournalDisk, readFirst, writeWhole } from './journal-disk.ts';
import { epochName, numbersOf, PART, segmentName, WATERMARK } from './journal-names.ts';

export interface EpochOptions {
  readonly random: Random;
  readonly owner: ProcessIdentity;
  readonly isAlive: (owner: ProcessIdentity) => boolean;
}

export interface EpochClaim {
  readonly record: EpochRecord;
  /** Nobody has taken the journal over [F2]. */
  isCurrent(): boolean;
  /** Idempotent; what follows may take over at once. */
  release(): void;
}

/** @returns nothing of a file that is not there, or cannot be read: whether that is damage is asked later */
function beginningOf(disk: JournalDisk, name: string, bytes: number): Uint8Array {
  try {
    return readFirst(disk, name, bytes) ?? new Uint8Array(0);
  } catch (error) {
    ignore(error, 'an epoch is asked for here, and there are other places that know one');
    return new Uint8Array(0);
  }
}

/** The newest epoch that the journal itself speaks of, whether or not it holds: it only has to be high enough. */
function writtenEpoch(disk: JournalDisk): number {
  const watermark = parseWatermarkFile(beginningOf(disk, WATERMARK, WATERMARK_FILE_BYTES));
  const last = numbersOf(disk.list(), 'segment').at(-1);
  const header = last === undefined ? undefined : parseSegmentHeader(beginningOf(disk, segmentName(last), SEGMENT_HEADER_BYTES));
  return Math.max(watermark?.watermark.epoch ?? 0, header?.epoch ?? 0);
}

/** @returns false when somebody else was first, or swept our half-made file away */
function tryClaim(disk: JournalDisk, record: EpochRecord): boolean {
  const name = epochName(record.epoch);
  const part = `${name}.${record.token}${PART}`;
  const file = disk.create(part);
  try {
    writeWhole(file, ownPayload(record), 0);
  } finally {
    file.close();
  }
  try {
    return disk.link(part, name);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  } finally {
    disk.remove(part);
  }
}

/** @throws CellError `journal.busy` */
export function claimEpoch(disk: JournalDisk, options: EpochOptions): EpochClaim {
  const { random, owner, isAlive } = options;
  const { bootId, pid, startTime } = owner;
  for (let tries = 0; tries < LIMITS.journalClaimTries; tries += 1) {
    // First what the journal says, then who is there: whoever wrote an epoch into the journal after this look is seen, or has ended.
    const written = writtenEpoch(disk);
    const newest = numbersOf(disk.list(), 'epoch').at(-1) ?? 0;
    const holder = newest === 0 ? undefined : parseEpoch(beginningOf(disk, epochName(newest), LIMITS.journalSmallBytesMax));
    if (holder !== undefined && isAlive(holder)) {
      throw new CellError('journal.busy', `Cannot write to the journal in ${disk.path}: process ${holder.pid} does; end it first, or wait`, { facts: { path: disk.path, pid: holder.pid, epoch: holder.epoch } });
    }
    const record: EpochRecord = { epoch: Math.max(written, newest) + 1, bootId, pid, startTime, token: toHex(random.bytes(16)) };
    if (!tryClaim(disk, record)) continue;
    const claim = claimed(disk, record);
    // Others may have come and gone since the look; then ours is too low.
    if (claim.isCurrent() && writtenEpoch(disk) < record.epoch && numbersOf(disk.list(), 'epoch').at(-1) === record.epoch) return claim;
    claim.release();
  }
  throw new CellError('journal.busy', `Cannot write to the journal in ${disk.path}: others keep taking it over; try again`, { facts: { path: disk.path } });
}

function claimed(disk: JournalDisk, record: EpochRecord): EpochClaim {
  // Ours is there first: a predecessor finds the next epoch, or not its own any more.
  for (const older of numbersOf(disk.list(), 'epoch')) if (older < record.epoch) disk.remove(epochName(older));
  let released = false;
  return {
    record,
    isCurrent: () => !released && disk.exists(epochName(record.epoch)) && !disk.exists(epochName(record.epoch + 1)),
    release() {
      if (released) return;
      released = true;
      disk.remove(epochName(record.epoch));
    },
  };
}
