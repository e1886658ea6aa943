import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checkAuditChain, parseAuditRow } from '../../core/evidence/audit-row.ts';
import { deadLettersContract, eventSinkContract, sampleEvent } from '../../testing/contracts/event-sink.ts';
import { fakeRandom } from '../../testing/index.ts';
import { systemClock } from '../os/clock.ts';
import { openAuditChain } from './audit-chain.ts';
import { openDeadLetters } from './dead-letter.ts';
import { createJsonlSink } from './jsonl.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-sinks-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
function fresh(): string {
  folders += 1;
  mkdirSync(`${root}/${folders}`);
  return `${root}/${folders}`;
}

const linesAt = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter((line) => line !== '') : []);
const chainAt = (folder: string) => openAuditChain({ folder, clock: systemClock, make: false });

describe('the file of lines keeps the contract of an event sink', () => {
  const make = () => {
    const path = `${fresh()}/events.jsonl`;
    return { sink: createJsonlSink(path), reopen: () => createJsonlSink(path), delivered: async () => linesAt(path).map((line) => (JSON.parse(line) as { id: string }).id), break: () => mkdirSync(path) };
  };
  for (const { name, run } of eventSinkContract(make)) it(name, run);
});

describe('the audit chain keeps the contract of an event sink', () => {
  const make = async () => {
    const folder = fresh();
    const delivered = async () => linesAt(`${folder}/audit-trail.jsonl`).map((line) => (JSON.parse(line) as { body: { id: string } }).body.id);
    return { sink: await chainAt(folder), reopen: () => chainAt(folder), delivered, break: () => rmSync(folder, { recursive: true }) };
  };
  for (const { name, run } of eventSinkContract(make)) it(name, run);
});

describe('dead letters keep their contract', () => {
  const make = () => {
    const folder = fresh();
    const letters = openDeadLetters(folder, { clock: systemClock, random: fakeRandom() });
    if (letters === undefined) throw new Error('not opened');
    const kept = () => readdirSync(folder).map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as { error: string; event: { id: string } }).map(({ error, event }) => ({ id: event.id, error }));
    return { letters, kept };
  };
  for (const { name, run } of deadLettersContract(make)) it(name, run);

  it('are not kept in a folder that is none', () => {
    expect(openDeadLetters(`${fresh()}/none`, { clock: systemClock, random: fakeRandom() })).toBeUndefined();
  });
});

describe('createJsonlSink()', () => {
  it('begins on a line of its own after a torn one [J1]', async () => {
    const path = `${fresh()}/events.jsonl`;
    writeFileSync(path, '{"torn":');
    await createJsonlSink(path).emit(sampleEvent('a'));
    expect(linesAt(path)[1]).toContain('"id":"a"');
  });

  it('follows no link and takes no giant [J2]', async () => {
    const folder = fresh();
    symlinkSync('victim', `${folder}/events.jsonl`);
    await expect(createJsonlSink(`${folder}/events.jsonl`).emit(sampleEvent('a'))).rejects.toMatchObject({ code: 'evidence.unwritable' });
    await expect(createJsonlSink(`${folder}/other`).emit(sampleEvent('a', 'x'.repeat(1024 * 1024)))).rejects.toMatchObject({ code: 'evidence.unwritable' });
    expect(readdirSync(folder)).toEqual(['events.jsonl']);
  });
});

describe('openAuditChain()', () => {
  async function chainOf(count: number): Promise<string> {
    const folder = fresh();
    const chain = await chainAt(folder);
    for (let i = 0; i < count; i += 1) await chain.emit(sampleEvent(String(i)));
    await chain.close();
    return folder;
  }

  it('every changed byte of a row is found, and nothing is built on it [A1]', async () => {
    const folder = await chainOf(2);
    const trail = `${folder}/audit-trail.jsonl`;
    const good = readFileSync(trail);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.byteLength - 2), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bad = Uint8Array.from(good);
        bad[at] = (bad[at] ?? 0) ^ change;
        writeFileSync(trail, bad);
        await expect(chainAt(folder)).rejects.toMatchObject({ code: 'evidence.invalid' });
      }),
    );
  });

  it('rows that were cut off are missed by the head [A1]', async () => {
    const folder = await chainOf(3);
    const trail = `${folder}/audit-trail.jsonl`;
    const [first = ''] = linesAt(trail);
    writeFileSync(trail, `${first}\n`);
    await expect(chainAt(folder)).rejects.toThrow(/rows are missing/);
    truncateSync(trail, 0);
    await expect(chainAt(folder)).rejects.toThrow(/rows are missing/);
  });

  it('a crash between a row and its head, or in the middle of a row, is mended [A2]', async () => {
    const folder = await chainOf(2);
    const rows = linesAt(`${folder}/audit-trail.jsonl`).map(parseAuditRow);
    writeFileSync(`${folder}/audit-trail.head`, rows[0]?.rowHash ?? '');
    appendFileSync(`${folder}/audit-trail.jsonl`, '{"schema":"axiom');
    const chain = await chainAt(folder);
    await chain.emit(sampleEvent('next'));
    const after = linesAt(`${folder}/audit-trail.jsonl`).map(parseAuditRow);
    expect(checkAuditChain(after)).toMatchObject({ ok: true, count: 3, head: readFileSync(`${folder}/audit-trail.head`, 'utf8') });
    expect(readdirSync(folder).filter((name) => name.startsWith('audit-trail.torn-'))).toHaveLength(1);
  });

  it('two writers of one chain do not fork it [A3]', async () => {
    const folder = fresh();
    const [a, b] = [await chainAt(folder), await chainAt(folder)];
    for (const id of ['1', '2']) {
      await Promise.all([a.emit(sampleEvent(`a${id}`)), b.emit(sampleEvent(`b${id}`))]);
    }
    expect(checkAuditChain(linesAt(`${folder}/audit-trail.jsonl`).map(parseAuditRow))).toMatchObject({ ok: true, count: 4 });
  });
});
