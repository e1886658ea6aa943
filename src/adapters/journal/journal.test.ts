import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { ownPayload } from '../../core/journal/own-records.ts';
import type { Journal } from '../../ports/journal.ts';
import { journalContract, recordsOf } from '../../testing/contracts/journal.ts';
import { selfIdentity } from '../os/procfs.ts';
import { type JournalOptions, openJournalFolder } from './open-journal.ts';
import { openFolderDisk } from './node-disk.ts';
import { readJournalFolder } from './read-journal.ts';
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

  it('is taken over from a process that is gone, though another has its pid now, and from one of another boot', async () => {
    const path = newFolder();
    await (await openWritable(path)).close();
    const self = selfIdentity();
    for (const [i, owner] of [{ ...self, startTime: '1' }, { ...self, bootId: 'another' }].entries()) {
      writeFileSync(`${path}/epoch-000000010${i}`, ownPayload({ ...owner, epoch: 100 + i, token: '00' }), { mode: 0o600 });
      const journal = await openWritable(path);
      await journal.append(1, utf8('x'));
      await journal.close();
    }
    writeFileSync(`${path}/epoch-0000000200`, ownPayload({ ...self, epoch: 200, token: '00' }), { mode: 0o600 });
    await expect(openJournalFolder(path)).rejects.toMatchObject({ code: 'journal.busy' });
  });

  it('can be read by others while it is written, up to what is durable', async () => {
    const path = newFolder();
    const journal = await openWritable(path, { segmentBytes: 4096, reserveBytes: 512 });
    for (let i = 0; i < 40; i += 1) await journal.append(1, utf8(`${i}`.padEnd(300, 'x')));
    await using reader = readJournalFolder(path);
    await journal.append(1, utf8('later'));
    expect(reader.durable.sequence).toBeLessThan(journal.durable.sequence);
    expect((await recordsOf(reader)).length).toBe(40);
    expect((await recordsOf(reader, { from: 1, own: true })).at(-1)?.sequence).toBe(reader.durable.sequence);
    expect(() => readJournalFolder(newFolder())).toThrow(expect.objectContaining({ code: 'journal.corrupt', facts: expect.objectContaining({ reason: 'watermark-missing' }) }));
  });

  it('gives a reader that is slower than retention an error, and not less', async () => {
    const journal = await openWritable(newFolder(), { segmentBytes: 4096, reserveBytes: 512 });
    for (let i = 0; i < 60; i += 1) await journal.append(1, utf8(`${i}`.padEnd(300, 'x')));
    const slow = journal.read({ from: 1 })[Symbol.asyncIterator]();
    await slow.next();
    await journal.drop({ below: journal.durable.sequence });
    const rest = async (): Promise<void> => {
      for (let next = await slow.next(); next.done !== true; next = await slow.next());
    };
    await expect(rest()).rejects.toMatchObject({ code: 'journal.dropped' });
  });

  it('is opened for reading only when it is damaged, gives what holds, and then says where it does not', async () => {
    const path = newFolder();
    const journal = await openWritable(path);
    for (const name of ['first', 'second', 'third']) await journal.append(1, utf8(name));
    await journal.close();
    const bytes = readFileSync(`${path}/segment-0000000001`);
    const at = bytes.indexOf('second');
    bytes[at] = 0x53;
    writeFileSync(`${path}/segment-0000000001`, bytes);
    const found = await openJournalFolder(path);
    expect(found).toMatchObject({ state: 'read-only', damage: { reason: 'record', segment: 1 } });
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { payload } of found.journal.read({ from: 1 })) seen.push(new TextDecoder().decode(payload));
    };
    await expect(read()).rejects.toMatchObject({ code: 'journal.corrupt', facts: { reason: 'record', segment: 1 } });
    expect(seen).toEqual(['first']);
    expect(readFileSync(`${path}/segment-0000000001`).equals(bytes)).toBe(true);
    await found.journal.close();
  });

  it('refuses sizes that cannot work', async () => {
    for (const options of [{ segmentBytes: 100 }, { segmentBytes: 4096, reserveBytes: 4000 }, { segmentBytes: 1.5e4 + 0.5 }]) await expect(openJournalFolder(newFolder(), options)).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});
