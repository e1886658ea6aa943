/**
 * Damage at rest. The oracle knows the original: whatever is changed, no reader is given a record with other content, none is left out in
 * silence, and nothing that was acknowledged is given up without saying so.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { openJournal } from '../../src/adapters/journal/open-journal.ts';
import { isCellError } from '../../src/base/errors.ts';
import type { JournalRecord, OpenedJournal } from '../../src/ports/journal.ts';
import { seededRandom } from '../crash/kill-campaign.ts';
import { History, modelOptions, openModel } from './history.ts';
import { type DiskCall, type Image, ModelDisk, systemError } from './model-disk.ts';

/** `sound`: every acknowledged record came; `cut`: so did they, and the opening said it cut something off; `reported`: it was called damage, or a torn watermark. */
type Outcome = 'sound' | 'cut' | 'reported';

async function readAll(opened: OpenedJournal, seen: JournalRecord[]): Promise<boolean> {
  const { journal } = opened;
  try {
    for await (const record of journal.read({ from: journal.firstSequence, own: true })) seen.push(record);
    return false;
  } catch (error) {
    if (!isCellError(error, 'journal.corrupt')) throw error;
    return true;
  }
}

/** Opens and reads an image. @throws Error when an altered record is given out, or an acknowledged one is missing in silence */
async function outcomeOf(image: Image, original: readonly JournalRecord[], acked: ReadonlyMap<number, string>): Promise<Outcome> {
  const disk = new ModelDisk(image);
  const opened = await openJournal(disk, modelOptions());
  const seen: JournalRecord[] = [];
  const reported = await readAll(opened, seen).catch((error: unknown) => {
    if (isCellError(error, 'journal.corrupt')) return true;
    throw error;
  });
  for (const record of seen) {
    const was = original[record.sequence - 1];
    if (was === undefined) continue; // of this opening: its epoch, and the record of a cut
    const same = was.type === record.type && Buffer.from(was.payload).equals(record.payload) && Buffer.from(was.chain).equals(record.chain);
    if (!same && acked.has(record.sequence)) throw new Error(`record ${record.sequence} is given out with other content`);
    if (!same && record.type < 0xff00) throw new Error(`record ${record.sequence} was never written like this`);
  }
  if (opened.state === 'read-only' || reported) {
    if (opened.state === 'read-only' && !reported) throw new Error('a damaged journal was read to its end without a word');
    if (opened.state === 'read-only') expectUntouched(image, disk);
    return 'reported';
  }
  for (const sequence of acked.keys()) if (!seen.some((record) => record.sequence === sequence)) throw new Error(`record ${sequence} is missing, and nobody says so`);
  if (opened.tornWatermark) return 'reported';
  return opened.cut === undefined ? 'sound' : 'cut';
}

/** [O1] */
function expectUntouched(image: Image, disk: ModelDisk): void {
  const after = disk.image();
  for (const [name, bytes] of image) if (!name.startsWith('epoch-')) expect(Buffer.from(after.get(name) ?? []).equals(bytes), name).toBe(true);
}

interface Sample {
  readonly image: Map<string, Uint8Array>;
  readonly original: readonly JournalRecord[];
  readonly history: History;
}

/** @param end `killed`: the last segment still has the zeros it was made with */
async function sample(contents: readonly string[], end: 'closed' | 'killed'): Promise<Sample> {
  const disk = new ModelDisk();
  const history = new History();
  const journal = await openModel(disk);
  for (const content of contents) await history.append(journal, content);
  const original: JournalRecord[] = [];
  for await (const record of journal.read({ from: 1, own: true })) original.push(record);
  if (end === 'closed') await journal.close();
  return { image: disk.image(), original, history };
}

const changed = (image: Image, name: string, change: (bytes: Uint8Array) => Uint8Array): Image => new Map(image).set(name, change(Uint8Array.from(image.get(name) ?? [])));
function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  return bytes;
}

const segment = (n: number): string => `segment-${String(n).padStart(10, '0')}`;

async function tally(images: Iterable<readonly [string, Image]>, { original, history }: Sample): Promise<Record<Outcome, string[]>> {
  const found: Record<Outcome, string[]> = { sound: [], cut: [], reported: [] };
  const wrong: string[] = [];
  for (const [what, image] of images) {
    try {
      found[await outcomeOf(image, original, history.acked)].push(what);
    } catch (error) {
      wrong.push(`${what}: ${String(error)}`);
    }
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  return found;
}

let small: Sample;
let three: Sample;
beforeAll(async () => {
  small = await sample(['first', ''], 'killed');
  three = await sample(Array.from({ length: 8 }, (_, i) => `${i}`.padEnd(1000, 'x')), 'killed');
});

const SMALL_END = (): number => (small.original.length === 0 ? 0 : Buffer.from(small.image.get(segment(1)) ?? []).lastIndexOf(small.original.at(-1)?.chain as Uint8Array) + 32);

describe('every bit of a small journal', () => {
  it('flipped is reported, but for those behind the last record, which are cut off', async () => {
    const end = SMALL_END();
    function* flips(): Generator<[string, Image]> {
      for (let bit = 0; bit < (end + 16) * 8; bit += 1) yield [String(bit), changed(small.image, segment(1), (bytes) => flipped(bytes, bit))];
    }
    const found = await tally(flips(), small);
    expect(found.reported.length).toBe(end * 8);
    expect(found.cut.length).toBe(16 * 8);
    expect(found.sound).toEqual([]);
  });

  it('of its watermark flipped is reported: half of it is only wrong while a group is being acknowledged', async () => {
    function* flips(): Generator<[string, Image]> {
      for (let at = 0; at < 8192; at += at % 4096 < 112 ? 1 : 297) for (let bit = 0; bit < 8; bit += 1) yield [`${at}.${bit}`, changed(small.image, 'watermark', (bytes) => flipped(bytes, at * 8 + bit))];
    }
    const found = await tally(flips(), small);
    expect([found.sound, found.cut]).toEqual([[], []]);
  });
});

describe('a journal that is shorter', () => {
  it('at any byte is reported when an acknowledged record goes with it, and whole when only zeros do', async () => {
    const end = SMALL_END();
    function* cuts(): Generator<[string, Image]> {
      for (let size = 0; size < end + 200; size += 1) yield [String(size), changed(small.image, segment(1), (bytes) => bytes.slice(0, size))];
    }
    const found = await tally(cuts(), small);
    expect(found.reported.map(Number)).toEqual(Array.from({ length: end }, (_, i) => i));
    expect(found.cut).toEqual([]);
  });

  it('by a block of 512 bytes that became zeros is reported', async () => {
    function* zeroed(): Generator<[string, Image]> {
      for (const [name, bytes] of three.image) {
        if (!name.startsWith('segment') && name !== 'watermark') continue;
        for (let at = 0; at < bytes.byteLength; at += 512) if (bytes.subarray(at, at + 512).some((byte) => byte !== 0)) yield [`${name}@${at}`, changed(three.image, name, (copy) => copy.fill(0, at, at + 512))];
      }
    }
    const found = await tally(zeroed(), three);
    expect(found.reported.length).toBeGreaterThan(15);
    expect([found.sound, found.cut]).toEqual([[], []]);
  });

  it('by a segment, or by all of them, is reported', async () => {
    const names = [...three.image.keys()].filter((name) => name.startsWith('segment'));
    expect(names.length).toBe(3);
    const without = (gone: readonly string[]): Image => new Map([...three.image].filter(([name]) => !gone.includes(name)));
    const found = await tally([...names.map((name): [string, Image] => [name, without([name])]), ['all', without(names)], ['all but the cursor', new Map([...without([...names, 'watermark']), ['cursor-x', new Uint8Array(64)]])]], three);
    expect(found.reported.length).toBe(5);
  });
});

describe('what is in the wrong place', () => {
  it('a record, a block, a segment over another is reported', async () => {
    const { image, original } = three;
    const bytes = (n: number): Uint8Array => image.get(segment(n)) as Uint8Array;
    const at = (record: JournalRecord | undefined): number => Buffer.from(bytes(1)).lastIndexOf(record?.chain as Uint8Array) + 32;
    const [first, second] = original.filter(({ type }) => type === 1);
    const length = 1000 + 24 + 32;
    const found = await tally(
      [
        ['record 2 over record 1', changed(image, segment(1), (copy) => copy.copyWithin(at(first) - length, at(second) - length, at(second)))],
        ['record 1 over record 2', changed(image, segment(1), (copy) => copy.copyWithin(at(second) - length, at(first) - length, at(first)))],
        ['a block over the next', changed(image, segment(1), (copy) => copy.copyWithin(1024, 512, 1024))],
        ['segment 1 over 2', new Map(image).set(segment(2), bytes(1))],
        ['segment 2 over 1', new Map(image).set(segment(1), bytes(2))],
        ['1 and 2 swapped', new Map(image).set(segment(1), bytes(2)).set(segment(2), bytes(1))],
        ['2 and 3 swapped', new Map(image).set(segment(2), bytes(3)).set(segment(3), bytes(2))],
        ['the last segment with the first one behind it', changed(image, segment(3), (copy) => Uint8Array.from([...copy, ...bytes(1)]))],
        ['a finished segment with zeros behind it', changed(image, segment(1), (copy) => Uint8Array.from([...copy, 0, 0, 0, 0, 0, 0, 0, 0]))],
      ],
      three,
    );
    expect([found.sound, found.cut]).toEqual([[], ['the last segment with the first one behind it']]);
  });

  it('two blocks in each other\u2019s place, of 512 or of 4096 bytes, are reported', async () => {
    const large = await sample(Array.from({ length: 24 }, (_, i) => `${i}`.padEnd(1000, String.fromCharCode(97 + i))), 'closed');
    const swapped = (name: string, a: number, b: number, size: number): Image =>
      changed(large.image, name, (bytes) => {
        const first = bytes.slice(a, a + size);
        bytes.copyWithin(a, b, b + size);
        bytes.set(first, b);
        return bytes;
      });
    function* images(): Generator<[string, Image]> {
      for (const [name, bytes] of large.image) {
        for (const size of name.startsWith('segment') ? [512, 4096] : name === 'watermark' ? [4096] : []) {
          for (let a = 0; a + 2 * size <= bytes.byteLength; a += size) if (!Buffer.from(bytes.subarray(a, a + size)).equals(bytes.subarray(a + size, a + 2 * size))) yield [`${name}@${a}/${size}`, swapped(name, a, a + size, size)];
        }
      }
    }
    const found = await tally(images(), large);
    expect(found.reported.length).toBeGreaterThan(40);
    expect([found.sound, found.cut]).toEqual([[], []]);
  });

  it('several bits at random places of a larger one are reported', async () => {
    const random = seededRandom(17);
    const large = await sample(Array.from({ length: 24 }, (_, i) => `${i}`.padEnd(1000, 'y')), 'closed');
    const names = [...large.image.keys()].filter((name) => name.startsWith('segment'));
    function* images(): Generator<[string, Image]> {
      for (let i = 0; i < 300; i += 1) {
        const name = names[Math.floor(random() * names.length)] as string;
        const image = changed(large.image, name, (bytes) => Array.from({ length: 1 + Math.floor(random() * 4) }).reduce<Uint8Array>((all) => flipped(all, Math.floor(random() * all.byteLength * 8)), bytes));
        if (!Buffer.from(image.get(name) ?? []).equals(large.image.get(name) as Uint8Array)) yield [`${i}`, image];
      }
    }
    const found = await tally(images(), large);
    expect([found.sound, found.cut]).toEqual([[], []]);
  });

  it('a segment of another journal, or of this one before, with its old nonce, is reported', async () => {
    const other = await sample(Array.from({ length: 8 }, (_, i) => `${i}`.padEnd(1000, 'x')), 'killed');
    const found = await tally([1, 2, 3].map((n): [string, Image] => [`segment ${n}`, new Map(three.image).set(segment(n), other.image.get(segment(n)) as Uint8Array)]), three);
    expect(found.reported.length).toBe(3);
    const swapped = await openJournal(new ModelDisk(new Map(small.image).set(segment(1), other.image.get(segment(1)) as Uint8Array)), modelOptions());
    expect(swapped.state).toBe('read-only');
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    await history.append(journal, 'early');
    const early = disk.image().get(segment(1)) as Uint8Array;
    for (const content of ['later', 'last']) await history.append(journal, content);
    const original: JournalRecord[] = [];
    for await (const record of journal.read({ from: 1, own: true })) original.push(record);
    const replayed = await tally([['as it was before', new Map(disk.image()).set(segment(1), early)]], { image: disk.image(), original, history });
    expect(replayed.reported.length).toBe(1);
  });

  it('a watermark that is missing, of another journal, older by more than a commit, or newer is reported', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    const marks: Uint8Array[] = [];
    for (let i = 0; i < 6; i += 1) {
      await history.append(journal, `record ${i}`);
      marks.push(disk.image().get('watermark') as Uint8Array);
    }
    const original: JournalRecord[] = [];
    for await (const record of journal.read({ from: 1, own: true })) original.push(record);
    const image = disk.image();
    const made = { image, original, history };
    const withMark = (mark: Uint8Array | undefined): Image => (mark === undefined ? new Map([...image].filter(([name]) => name !== 'watermark')) : new Map(image).set('watermark', mark));
    const found = await tally([['missing', withMark(undefined)], ['other', withMark(three.image.get('watermark'))], ...marks.slice(0, 4).map((mark, i): [string, Image] => [`after ${i}`, withMark(mark)])], made);
    expect(found.reported.length).toBe(6);
    // The one before the last is what a crash before the last acknowledgement leaves.
    expect((await tally([['after 4', withMark(marks[4])]], made)).sound).toEqual(['after 4']);
    // An old watermark and a bad record right behind it look like a torn tail, but for the groups that stand behind.
    const second = original.filter(({ type }) => type === 1)[1] as JournalRecord;
    const at = Buffer.from(image.get(segment(1)) as Uint8Array).indexOf(second.payload);
    const both = new Map(changed(image, segment(1), (bytes) => flipped(bytes, at * 8))).set('watermark', marks[0] as Uint8Array);
    expect((await tally([['old, and the next record bad', both]], made)).reported.length).toBe(1);
    // Half of the watermark bad, and the last group gone: the other half alone would call this the end.
    const lost = changed(image, segment(1), (bytes) => bytes.fill(0, Buffer.from(bytes).lastIndexOf(original.at(-3)?.chain as Uint8Array) + 32));
    for (const slot of [0, 4096]) expect((await tally([['half, and the last group gone', changed(lost, 'watermark', (bytes) => flipped(bytes, slot * 8 + 200))]], made)).reported.length).toBe(1);
    const shorter = changed(image, segment(1), (bytes) => bytes.fill(0, Buffer.from(bytes).lastIndexOf(original.at(-3)?.chain as Uint8Array) + 32));
    expect((await tally([['newer', shorter]], made)).reported).toEqual(['newer']);
  });
});

describe('a disk that cannot be read', () => {
  it('is damage, never an end', async () => {
    const outcomes = new Set<string>();
    for (let fail = 0; ; fail += 1) {
      const disk = new ModelDisk(three.image);
      let [armed, reads] = [true, 0];
      disk.before = ({ kind }: DiskCall) => {
        if (armed && kind === 'read' && reads++ === fail) throw systemError('EIO');
        return undefined;
      };
      const opened = await openJournal(disk, modelOptions()).catch((error: unknown) => error);
      if (reads <= fail) break;
      armed = false;
      const { state, damage, code } = opened as { state?: string; damage?: { reason: string }; code?: string };
      outcomes.add(damage?.reason ?? code ?? state ?? '');
    }
    // Reads of the claim are asked again later; once everything was read and held, what fails is the copying of it.
    expect([...outcomes].sort()).toEqual(['evidence.unwritable', 'unreadable', 'writable']);
    const disk = new ModelDisk(three.image);
    const journal = await openModel(disk);
    disk.before = ({ kind }) => {
      if (kind === 'read') throw systemError('EIO');
      return undefined;
    };
    const seen: unknown[] = [];
    await expect((async () => { for await (const record of journal.read({ from: 1 })) seen.push(record); })()).rejects.toMatchObject({ code: 'journal.corrupt', facts: { reason: 'unreadable' } });
    expect(seen).toEqual([]);
  });
});
