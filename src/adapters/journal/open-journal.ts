/**
 * Opens a journal: claim the epoch, look, settle, begin a segment. The same way every time, after a crash or not.
 *
 *   O1  a journal that is damaged is opened for reading only, and nothing of it is changed;
 *   O2  the first record of every writer says who it is.
 */
import { CellError, ignore, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { ownPayload } from '../../core/journal/own-records.ts';
import { OWN_TYPES } from '../../core/journal/record.ts';
import type { Random } from '../../ports/clock.ts';
import type { CutTail, OpenedJournal } from '../../ports/journal.ts';
import { isAlive, type ProcessIdentity, selfIdentity } from '../os/procfs.ts';
import { systemRandom } from '../os/random.ts';
import { claimEpoch, type EpochClaim } from './epoch-claim.ts';
import { type Inspection, inspectJournal } from './inspect.ts';
import { isNoSpace, type JournalDisk } from './journal-disk.ts';
import { JournalWriter } from './journal-writer.ts';
import { NoSpace, type SegmentSizes } from './live-segment.ts';
import { openFolderDisk } from './node-disk.ts';
import { DamagedJournal } from './read-journal.ts';
import { settleJournal } from './settle.ts';
import { WritableJournal } from './writable-journal.ts';

export interface JournalOptions {
  /** A segment is finished before it gets larger, bytes. */
  readonly segmentBytes?: number;
  /** What every segment keeps free for urgent records, bytes. */
  readonly reserveBytes?: number;
  /** Verifies all segments at the opening, not only those from the watermark's on. */
  readonly whole?: boolean;
  readonly random?: Random;
  readonly owner?: ProcessIdentity;
  readonly isAlive?: (owner: ProcessIdentity) => boolean;
  readonly defer?: (callback: () => void) => void;
}

function sizesOf(options: JournalOptions): SegmentSizes {
  const { segmentBytes = LIMITS.journalSegmentBytesDefault } = options;
  const { reserveBytes = Math.min(LIMITS.journalReserveBytesDefault, Math.floor(segmentBytes / 4)) } = options;
  const fits = Number.isInteger(segmentBytes) && segmentBytes >= LIMITS.journalSegmentBytesMin && segmentBytes <= LIMITS.journalSegmentBytesMax;
  if (!fits || !Number.isInteger(reserveBytes) || reserveBytes < 0 || reserveBytes > segmentBytes / 2) {
    throw new CellError('usage.invalid', `Cannot open a journal with segments of ${segmentBytes} bytes and ${reserveBytes} in reserve: segments have ${LIMITS.journalSegmentBytesMin} to ${LIMITS.journalSegmentBytesMax}, and at most half of one is reserved`);
  }
  return { segmentBytes, reserveBytes };
}

/**
 * @throws CellError `journal.busy` while another process writes | `evidence.unwritable` when the disk does not do what it has to | `journal.full`
 *   when it has no space for a writer to begin
 */
export async function openJournal(disk: JournalDisk, options: JournalOptions = {}): Promise<OpenedJournal> {
  const { random = systemRandom, owner = selfIdentity(), defer = (callback) => void setImmediate(callback) } = options;
  const sizes = sizesOf(options);
  let claim: EpochClaim | undefined;
  try {
    claim = claimEpoch(disk, { random, owner, isAlive: options.isAlive ?? isAlive });
    const begun = await begin(disk, claim, { sizes, random, defer, whole: options.whole ?? false });
    if ('damaged' in begun) {
      claim.release();
      return { state: 'read-only', journal: new DamagedJournal(disk, begun.damaged), damage: begun.damaged.damage };
    }
    return { state: 'writable', journal: new WritableJournal(disk, begun.writer), cut: begun.cut, tornWatermark: begun.tornWatermark };
  } catch (error) {
    releaseQuietly(claim);
    if (isCellError(error)) throw error;
    if (error instanceof NoSpace || isNoSpace(error)) throw new CellError('journal.full', `Cannot write to the journal in ${disk.path}: there is no space to begin; make some, then open it again`, { cause: error, facts: { path: disk.path } });
    throw new CellError('evidence.unwritable', `Cannot open the journal in ${disk.path}: ${messageOf(error)}`, { cause: error, facts: { path: disk.path } });
  }
}

function releaseQuietly(claim: EpochClaim | undefined): void {
  try {
    claim?.release();
  } catch (error) {
    ignore(error, 'the error that led here is told; the epoch is free when this process ends');
  }
}

type Begun = { readonly writer: JournalWriter; readonly cut: CutTail | undefined; readonly tornWatermark: boolean } | { readonly damaged: Extract<Inspection, { readonly state: 'damaged' }> };

async function begin(disk: JournalDisk, claim: EpochClaim, options: { sizes: SegmentSizes; random: Random; defer: (callback: () => void) => void; whole: boolean }): Promise<Begun> {
  let cut: CutTail | undefined;
  let tornWatermark = false;
  for (let tries = 0; tries < LIMITS.journalClaimTries; tries += 1) {
    const found = inspectJournal(disk, options);
    if (found.state === 'damaged') return { damaged: found }; // O1
    if (!claim.isCurrent()) break;
    const settled = await settleJournal(disk, found, claim.record.epoch);
    cut ??= settled.cut;
    tornWatermark ||= found.state !== 'new' && found.read.torn;
    const writer = await JournalWriter.begin(disk, claim, settled, options);
    if (writer === undefined) continue; // a writer of before made one more segment
    try {
      await writer.append(OWN_TYPES.epoch, ownPayload(claim.record), { urgent: true }); // O2
    } catch (error) {
      await writer.close();
      throw error;
    }
    return { writer, cut, tornWatermark };
  }
  throw new CellError('journal.fenced', `Cannot write to the journal in ${disk.path}: others keep taking it over`, { facts: { path: disk.path } });
}

/** A journal in a folder of its own, made if it is absent. @throws CellError as `openJournal` | `state.unusable` when others can reach the place */
export function openJournalFolder(path: string, options: JournalOptions = {}): Promise<OpenedJournal> {
  return openJournal(openFolderDisk(path), options);
}

