/**
 * Power cuts: short histories on a disk that forgets what was not synced. At every operation of the disk, every state it can leave is opened
 * again: what was acknowledged is there, what was not is there whole or not at all, and nothing of it is called damage.
 */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../crash/kill-campaign.ts';
import { checkImage, History, openModel } from './history.ts';
import { type Image, ModelDisk } from './model-disk.ts';

interface Crash {
  readonly image: Image;
  readonly acked: ReadonlyMap<number, string>;
  readonly at: string;
}

function keyOf({ image, acked }: Crash): string {
  return [...image].map(([name, bytes]) => `${name}:${Buffer.from(bytes).toString('latin1')}`).sort().join('|') + acked.size;
}

/** All states of all moments of a work, each once. */
async function crashesOf(disk: ModelDisk, history: History, work: () => Promise<void>, options = { exhaustive: 8, some: 12 }): Promise<Crash[]> {
  const random = seededRandom(11);
  const seen = new Map<string, Crash>();
  let armed = true;
  const look = (at: string): void => {
    if (!armed) return;
    for (const image of disk.crashImages({ ...options, random })) {
      const crash = { image, acked: new Map(history.acked), at };
      seen.set(keyOf(crash), crash);
    }
  };
  disk.before = ({ kind, name }) => {
    if (!['read', 'size', 'list', 'exists', 'open'].includes(kind)) look(`before ${kind} ${name}`);
    return undefined;
  };
  await work();
  look('the end');
  armed = false;
  return [...seen.values()];
}

async function expectSound(crashes: readonly Crash[], history: History): Promise<void> {
  const wrong: string[] = [];
  for (const { image, acked, at } of crashes) {
    const found = await checkImage(image, history, acked);
    if (found !== undefined) wrong.push(`${at}: ${found}`);
  }
  expect(wrong.slice(0, 10)).toEqual([]);
}

describe('after a power cut at any moment', () => {
  it('of a journal that is made and written to one by one', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const crashes = await crashesOf(disk, history, async () => {
      const journal = await openModel(disk);
      for (const name of ['a', 'b', 'c']) await history.append(journal, name);
      await journal.close();
    });
    expect(crashes.length).toBeGreaterThan(60);
    await expectSound(crashes, history);
  });

  it('of groups over several sectors, of which any may be missing', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    const crashes = await crashesOf(disk, history, async () => {
      for (const round of ['a', 'b', 'c']) await Promise.all([700, 900, 20].map((size, i) => history.append(journal, `${round}${i}`.padEnd(size, 'x'))));
    });
    expect(crashes.length).toBeGreaterThan(60);
    await expectSound(crashes, history);
  });

  it('of a journal that begins new segments, moves a cursor and drops what is old', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    const crashes = await crashesOf(disk, history, async () => {
      for (let i = 0; i < 9; i += 1) await history.append(journal, `${i}`.padEnd(1000, 'x'));
      const [at] = [...history.acked.keys()].slice(-2);
      for await (const record of journal.read({ from: at ?? 0 })) {
        await journal.moveCursor('sink', { sequence: record.sequence, chain: record.chain });
        break;
      }
      await journal.drop({ below: journal.durable.sequence });
      await history.append(journal, 'last');
      await journal.close();
    }, { exhaustive: 6, some: 4 });
    expect(crashes.length).toBeGreaterThan(100);
    await expectSound(crashes, history);
  });

  it('a cursor that was moved is where it was moved to', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    for (const name of ['a', 'b']) {
      await history.append(journal, name);
      const { durable } = journal;
      await journal.moveCursor('sink', durable);
      for (const image of disk.crashImages({ exhaustive: 8, random: seededRandom(1), some: 4 })) expect(await (await openModel(new ModelDisk(image))).cursor('sink')).toEqual(durable);
    }
  });

  it('of the opening that follows a crash, two deep; and every way leads to the same records in the same bytes', async () => {
    const first = new ModelDisk();
    const history = new History();
    const journal = await openModel(first);
    await history.append(journal, 'a');
    await Promise.all([history.append(journal, 'b'.repeat(300)), history.append(journal, 'c'.repeat(700))]);
    const group = ['d', 'e', 'f'].map((name) => history.append(journal, name.repeat(400)));
    // Stopped between the write and the sync of the last group: its parts are all pending.
    const torn: Image[] = [];
    first.before = ({ kind, name }) => {
      if (kind === 'sync' && name.startsWith('segment')) torn.push(...first.crashImages({ exhaustive: 0, random: seededRandom(3), some: 3 }));
      return undefined;
    };
    await Promise.all(group);
    const acked = new Map([...history.acked].slice(0, 3));
    let cut = 0;
    for (const image of torn.filter((_, i) => i % 5 === 0)) {
      const straight = new ModelDisk(image);
      await (await openModel(straight)).close();
      const sealed = sealedSegment(straight);
      cut += Number([...straight.image().keys()].some((name) => name.startsWith('torn-')));
      const disk = new ModelDisk(image);
      const crashes = await crashesOf(disk, history, async () => void (await openModel(disk)), { exhaustive: 1, some: 0 });
      for (const crash of crashes) {
        const after = new ModelDisk(crash.image);
        await (await openModel(after)).close();
        expect(sealedSegment(after)).toEqual(sealed);
      }
      await expectSound(crashes.map((crash) => ({ ...crash, acked })), history);
    }
    expect(cut).toBeGreaterThan(0);
  });

  it('in the opening that cuts off what stands behind a whole group nobody was told of', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    await history.append(journal, 'told');
    const before = disk.image().get('watermark') as Uint8Array;
    await history.append(journal, 'not told');
    const acked = new Map([...history.acked].slice(0, 1));
    const image = disk.image().set('watermark', before);
    const bytes = image.get('segment-0000000001') as Uint8Array;
    bytes[bytes.byteLength - 40] = 1;
    const second = new ModelDisk(image);
    const crashes = await crashesOf(second, history, async () => void (await openModel(second)), { exhaustive: 2, some: 2 });
    expect([...second.image().keys()].some((name) => name.startsWith('torn-'))).toBe(true);
    await expectSound(crashes.map((crash) => ({ ...crash, acked })), history);
  });
});

/** The segment the crash was in, as recovery left it. */
function sealedSegment(disk: ModelDisk): string {
  return Buffer.from(disk.image().get('segment-0000000001') ?? []).toString('hex');
}
