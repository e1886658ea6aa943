/**
 * The journal on the disk the clone is on, records of 1 KiB. Each is taken in turns with its baseline in the same run: the same bytes appended to
 * a plain file with one fdatasync each.
 *
 * What a durable append is: the records written and synced (fdatasync, preallocated segment), the watermark written and synced, the epoch looked at.
 * Not measured: what makes and signs the records, readers beside the writer, other disks than this one.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { openJournalFolder } from '../src/adapters/journal/open-journal.ts';
import type { Journal } from '../src/ports/journal.ts';
import { median } from './pairs.ts';

const PAYLOAD = new Uint8Array(1024).fill(7);
const PRODUCERS = 64;

const percentile = (values: readonly number[], part: number): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
const sinceMs = (from: bigint): number => Number(process.hrtime.bigint() - from) / 1e6;

/** Appends per second of producers that each wait for their own before the next. */
async function produced(journal: Journal, each: number): Promise<number> {
  const from = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: PRODUCERS }, async () => {
      for (let i = 0; i < each; i += 1) await journal.append(1, PAYLOAD);
    }),
  );
  return (PRODUCERS * each * 1000) / sinceMs(from);
}

export interface JournalBench {
  readonly perSecond: number;
  readonly baselinePerSecond: number;
  /** Median of the ratios, round by round. */
  readonly throughputRatio: number;
  /** One producer: an append, and its baseline, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly baselineP50Ms: number;
  readonly baselineP99Ms: number;
}

/** @param options.place a folder on the disk to be measured */
export async function measure(options: { place: string; rounds?: number; singles?: number }): Promise<JournalBench> {
  const { place, rounds = 7, singles = 1500 } = options;
  const folder = mkdtempSync(`${place}/bench-journal-`);
  const plain = openSync(`${folder}/plain`, 'a');
  const baseline = (): number => {
    const from = process.hrtime.bigint();
    writeSync(plain, PAYLOAD);
    fdatasyncSync(plain);
    return sinceMs(from);
  };
  const opened = await openJournalFolder(`${folder}/journal`);
  if (opened.state !== 'writable') throw new Error(opened.damage.detail);
  const { journal } = opened;
  try {
    await produced(journal, 20); // warm
    for (let i = 0; i < 50; i += 1) baseline();
    const [fast, slow, ratios]: number[][] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      const ours = await produced(journal, 50);
      let ms = 0;
      for (let i = 0; i < 200; i += 1) ms += baseline();
      const theirs = 200_000 / ms;
      fast?.push(ours);
      slow?.push(theirs);
      ratios?.push(ours / theirs);
    }
    const [one, bare]: number[][] = [[], []];
    for (let i = 0; i < singles; i += 1) {
      const from = process.hrtime.bigint();
      await journal.append(1, PAYLOAD);
      one?.push(sinceMs(from));
      bare?.push(baseline());
    }
    return {
      perSecond: median(fast ?? []), baselinePerSecond: median(slow ?? []), throughputRatio: median(ratios ?? []),
      p50Ms: percentile(one ?? [], 0.5), p99Ms: percentile(one ?? [], 0.99), baselineP50Ms: percentile(bare ?? [], 0.5), baselineP99Ms: percentile(bare ?? [], 0.99),
    };
  } finally {
    await journal.close();
    closeSync(plain);
    rmSync(folder, { recursive: true, force: true });
  }
}
