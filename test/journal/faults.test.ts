/**
 * Disks that fail: at each call in turn an error, a short write, a sync that fails once and would succeed the next time. What was acknowledged
 * is there afterwards; after a failed write or sync nothing is written any more.
 */
import { describe, expect, it } from 'vitest';
import { openJournal } from '../../src/adapters/journal/open-journal.ts';
import { isCellError } from '../../src/base/errors.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { seededRandom } from '../crash/kill-campaign.ts';
import { checkImage, History, modelOptions, openModel } from './history.ts';
import { type DiskCall, ModelDisk, systemError } from './model-disk.ts';

const WRITES: readonly DiskCall['kind'][] = ['create', 'rename', 'link', 'remove', 'sync-folder', 'write', 'truncate', 'sync'];

/** Makes a journal, writes over three segments, moves a cursor, drops. @returns codes of what failed */
async function work(disk: ModelDisk, history: History): Promise<string[]> {
  const codes: string[] = [];
  const attempt = async (action: () => Promise<unknown>): Promise<void> => {
    try {
      const error = await action();
      if (error !== undefined) throw error;
    } catch (error) {
      if (!isCellError(error)) throw error;
      codes.push(error.code);
    }
  };
  let journal: Journal | undefined;
  await attempt(async () => {
    journal = await openModel(disk);
  });
  if (journal === undefined) return codes;
  const opened = journal;
  for (let i = 0; i < 5; i += 1) await attempt(() => history.append(opened, `${i}`.padEnd(1000, 'x')));
  await attempt(() => opened.moveCursor('sink', opened.durable));
  await attempt(async () => void (await opened.drop({ below: opened.durable.sequence })));
  await attempt(() => history.append(opened, 'last'));
  await opened.close();
  return codes;
}

async function eachCall(kinds: readonly DiskCall['kind'][], fault: () => number): Promise<{ failed: number; codes: Set<string> }> {
  const codes = new Set<string>();
  const random = seededRandom(5);
  for (let nth = 0; ; nth += 1) {
    const disk = new ModelDisk();
    const history = new History();
    let calls = 0;
    disk.before = ({ kind }) => {
      if (!kinds.includes(kind)) return undefined;
      calls += 1;
      return calls === nth + 1 ? fault() : undefined;
    };
    const found = await work(disk, history);
    if (calls <= nth) return { failed: nth, codes };
    for (const code of found) codes.add(code);
    disk.before = () => undefined;
    for (const image of [disk.image(), disk.crashImage(random), disk.crashImage(random)]) expect(await checkImage(image, history, history.acked), `${kinds.join()} ${nth}`).toBeUndefined();
  }
}

describe('a disk that fails at each call in turn', () => {
  it.each(['EIO', 'ENOSPC', 'EROFS'])('with %s loses nothing that was acknowledged', async (errno) => {
    const { failed, codes } = await eachCall(WRITES, () => {
      throw systemError(errno);
    });
    expect(failed).toBeGreaterThan(60);
    expect([...codes].sort()).toEqual(errno === 'ENOSPC' ? ['evidence.unwritable', 'journal.full'] : ['evidence.unwritable']);
  });

  it.each([1, 7, 100])('by taking %d bytes of a write loses nothing at all', async (taken) => {
    const { failed, codes } = await eachCall(['write'], () => taken);
    expect(failed).toBeGreaterThan(20);
    expect([...codes]).toEqual([]);
  });

  it('by taking nothing of a write is an error, not a loop', async () => {
    const { codes } = await eachCall(['write'], () => 0);
    expect([...codes]).toEqual(['evidence.unwritable']);
  });
});

describe('a sync that fails', () => {
  it.each(['segment', 'watermark'])('of the %s stops the writer for good, though the next sync would succeed', async (file) => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    await history.append(journal, 'before');
    let syncs = 0;
    disk.before = ({ kind, name }) => {
      if (kind !== 'sync' || !name.startsWith(file)) return undefined;
      syncs += 1;
      if (syncs === 1) throw systemError('EIO');
      return undefined;
    };
    const [first, second] = await Promise.all([history.append(journal, 'in the group'), history.append(journal, 'with it', { urgent: true })]);
    expect(first).toMatchObject({ code: 'evidence.unwritable' });
    expect(second).toBe(first);
    const { calls } = disk;
    expect(await history.append(journal, 'later', { urgent: true })).toBe(first);
    await expect(journal.drop({ below: 1 })).resolves.toBe(1); // nothing to drop, nothing to write
    await expect(journal.moveCursor('sink', journal.durable)).rejects.toBe(first);
    await journal.close();
    expect(disk.calls - calls).toBeLessThan(20);
    expect(syncs).toBe(1);
    expect(await checkImage(disk.image(), history, history.acked)).toBeUndefined();
  });
});

describe('a disk without space', () => {
  /** Everything that would take more space fails. */
  function fillUp(disk: ModelDisk): void {
    disk.before = ({ kind, grows }) => {
      if (kind === 'create' || grows === true) throw systemError('ENOSPC');
      return undefined;
    };
  }

  it('refuses what is ordinary before anything of it is written, and takes urgent records into the reserve until that is used up', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    fillUp(disk);
    const errors: unknown[] = [];
    for (let i = 0; i < 6; i += 1) errors.push(await history.append(journal, `${i}`.padEnd(1000, 'x')));
    expect(errors.map((error) => (error as { code?: string } | undefined)?.code)).toEqual([undefined, undefined, ...Array.from({ length: 4 }, () => 'journal.full')]);
    const urgent = [];
    for (let i = 0; i < 8; i += 1) urgent.push(await history.append(journal, `urgent ${i}`.padEnd(100, 'u'), { urgent: true }));
    const taken = urgent.filter((error) => error === undefined).length;
    expect(taken).toBeGreaterThan(2);
    expect(urgent.slice(taken).every((error) => isCellError(error, 'journal.full'))).toBe(true);
    await expect(journal.moveCursor('sink', journal.durable)).rejects.toMatchObject({ code: 'evidence.unwritable' });
    await journal.close();
    const again = await openJournal(disk, modelOptions()).catch((error: unknown) => error);
    expect(again).toMatchObject({ code: 'journal.full' });
    disk.before = () => undefined;
    const opened = await openModel(disk);
    expect(await history.check(opened)).toBeUndefined();
    expect(await history.append(opened, 'there is space again')).toBeUndefined();
  });

  it('refuses only the ordinary ones of those that wait together', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const journal = await openModel(disk);
    for (let i = 0; i < 2; i += 1) await history.append(journal, `${i}`.padEnd(1000, 'x'));
    fillUp(disk);
    const [ordinary, urgent] = await Promise.all([history.append(journal, 'y'.repeat(1000)), history.append(journal, 'the end', { urgent: true })]);
    expect([isCellError(ordinary, 'journal.full'), urgent]).toEqual([true, undefined]);
    expect(await history.check(journal)).toBeUndefined();
  });
});
