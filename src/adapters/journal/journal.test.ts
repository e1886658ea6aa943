import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import type { Journal } from '../../ports/journal.ts';
import { journalContract, recordsOf } from '../../testing/contracts/journal.ts';
import { type JournalOptions, openJournalFolder } from './open-journal.ts';
import { openFolderDisk } from './node-disk.ts';
import { WritableJournal } from './writable-journal.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-journal-`);
const opened: Journal[] = [];
afterAll(async () => {
  for (const journal of opened) await journal.close();
  rmSync(root, { recursive: true, force: true });
});
let folders = 0;

async function openWritable(path: string, options: JournalOptions = {}): Promise<Journal> {
  const result = await openJournalFolder(path, options);
  if (result.state !== 'writable') throw new Error(result.damage.detail);
  opened.push(result.journal);
  return result.journal;
}

function newFolder(): string {
  folders += 1;
  return `${root}/${folders}`;
}

describe('a journal in a folder keeps the contract of a journal', () => {
  const make = async () => {
    const path = newFolder();
    const journal = await openWritable(path, { segmentBytes: 4096, reserveBytes: 512 });
    expect(journal).toBeInstanceOf(WritableJournal);
    const reopen = async () => {
      await journal.close();
      return openWritable(path, { segmentBytes: 4096, reserveBytes: 512 });
    };
    return { journal, reopen };
  };
  for (const { name, run } of journalContract(make)) it(name, run);
});

describe('the folder of a journal', () => {
  it('is for its owner alone, and so is every file in it', async () => {
    const path = newFolder();
    const journal = await openWritable(path);
    await journal.moveCursor('c', await journal.append(1, utf8('x')));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(path)) expect(statSync(`${path}/${name}`).mode & 0o777, name).toBe(0o600);
  });

  it('is refused where others can reach it, or put another in its place', () => {
    const path = newFolder();
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o755);
    expect(() => openFolderDisk(path)).toThrow(expect.objectContaining({ code: 'state.unusable' }));
    const shared = newFolder();
    mkdirSync(`${shared}/deep/journal`, { recursive: true, mode: 0o700 });
    chmodSync(shared, 0o777);
    expect(() => openFolderDisk(`${shared}/deep/journal`)).toThrow(expect.objectContaining({ code: 'state.unusable', facts: expect.objectContaining({ shared }) }));
    chmodSync(shared, 0o1777);
    expect(openFolderDisk(`${shared}/deep/journal`).path).toBe(`${shared}/deep/journal`);
    expect(() => openFolderDisk(`${shared}/journal`)).toThrow(expect.objectContaining({ code: 'state.unusable' }));
  });

  it('has one writer: a second one is refused, and gets it when the first is closed', async () => {
    const path = newFolder();
    const first = await openWritable(path);
    await expect(openJournalFolder(path)).rejects.toMatchObject({ code: 'journal.busy', facts: { pid: process.pid } });
    await first.append(1, utf8('x'));
    await first.close();
    const second = await openWritable(path);
    expect((await recordsOf(second)).length).toBe(1);
  });

  it('refuses sizes that cannot work', async () => {
    for (const options of [{ segmentBytes: 100 }, { segmentBytes: 4096, reserveBytes: 4000 }, { segmentBytes: 1.5e4 + 0.5 }]) await expect(openJournalFolder(newFolder(), options)).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});
