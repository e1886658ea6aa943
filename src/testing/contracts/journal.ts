import assert from 'node:assert/strict';
import { type Bytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Journal, JournalReadOptions, JournalRecord } from '../../ports/journal.ts';
import { type ContractCase, rejects } from './contract.ts';

export interface JournalHarness {
  readonly journal: Journal;
  /** Closes it, and opens the same place again. */
  reopen(): Promise<Journal>;
}

const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);

export async function recordsOf(journal: { read(options: JournalReadOptions): AsyncIterable<JournalRecord> }, options: JournalReadOptions = { from: 1 }): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of journal.read(options)) records.push(record);
  return records;
}

const textsOf = async (...of: Parameters<typeof recordsOf>): Promise<string[]> => (await recordsOf(...of)).map(({ payload }) => text(payload));

/** What every `Journal` keeps. @param make a new, empty journal with segments of a few KiB; closed by whoever made it */
export function journalContract(make: () => Promise<JournalHarness>): ContractCase[] {
  return [...appendCases(make), ...readCases(make), ...retentionCases(make)];
}

function appendCases(make: () => Promise<JournalHarness>): ContractCase[] {
  return [
    {
      name: 'a record that is acknowledged is there, in its place, now and when it is opened again',
      async run() {
        const { journal, reopen } = await make();
        const one = await journal.append(1, utf8('one'));
        assert.deepEqual(journal.durable.sequence >= one.sequence, true);
        const [two, three] = await Promise.all([journal.append(2, utf8('two')), journal.append(0, utf8(''))]);
        assert.ok(one.sequence < two.sequence && two.sequence < three.sequence, 'sequences rise in the order of the calls');
        const before = await recordsOf(journal);
        assert.deepEqual(before.map(({ sequence, type, payload }) => [sequence, type, text(payload)]), [[one.sequence, 1, 'one'], [two.sequence, 2, 'two'], [three.sequence, 0, '']]);
        for (const [at, position] of [one, two, three].entries()) assert.ok(equalBytes(before[at]?.chain ?? utf8(''), position.chain), 'the chain digest is the one that was acknowledged');
        const next = await reopen();
        assert.deepEqual(await recordsOf(next), before);
        const four = await next.append(1, utf8('four'));
        assert.ok(four.sequence > three.sequence);
        assert.deepEqual(await textsOf(next), ['one', 'two', '', 'four']);
      },
    },
    {
      name: 'many at once keep the order of the calls, over segments; what the caller does with its buffer afterwards changes nothing',
      async run() {
        const { journal, reopen } = await make();
        const buffer = new Uint8Array(100);
        const all = Array.from({ length: 300 }, (_, i) => {
          buffer.fill(i % 256);
          return journal.append(1, buffer);
        });
        const positions = await Promise.all(all);
        assert.deepEqual(positions.map(({ sequence }) => sequence), positions.map(({ sequence }) => sequence).toSorted((a, b) => a - b));
        for (const opened of [journal, await reopen()]) {
          assert.deepEqual((await recordsOf(opened)).map(({ payload }) => payload), Array.from({ length: 300 }, (_, i) => new Uint8Array(100).fill(i % 256)));
        }
      },
    },
    {
      name: 'refuses what is too large or of a type of its own, and goes on',
      async run() {
        const { journal } = await make();
        await rejects(journal.append(1, new Uint8Array(LIMITS.journalPayloadBytesMax + 1)), 'evidence.unwritable');
        for (const type of [0xff00, 0xffff, -1, 1.5]) assert.throws(() => void journal.append(type, utf8('x')));
        await journal.append(0xfeff, utf8('after'));
        assert.deepEqual(await textsOf(journal), ['after']);
      },
    },
    {
      name: 'close() writes what waits, and is the end; a second one does nothing',
      async run() {
        const { journal, reopen } = await make();
        const waiting = journal.append(1, utf8('last'));
        await journal.close();
        await waiting;
        await journal.close();
        await rejects(journal.append(1, utf8('late')), 'evidence.unwritable');
        await rejects(journal.moveCursor('late', journal.durable), 'evidence.unwritable');
        await rejects(journal.drop({ below: 1 }), 'evidence.unwritable');
        assert.deepEqual(await textsOf(await reopen()), ['last']);
      },
    },
  ];
}

function readCases(make: () => Promise<JournalHarness>): ContractCase[] {
  return [
    {
      name: 'reads from any sequence; records of the journal itself only when asked for, and then all sequences are there',
      async run() {
        const { journal } = await make();
        const positions = [];
        for (let i = 0; i < 60; i += 1) positions.push(await journal.append(1, utf8(`record ${i} ${'x'.repeat(100)}`)));
        for (const at of [0, 1, 30, 59]) assert.equal((await recordsOf(journal, { from: positions[at]?.sequence ?? 0 })).length, 60 - at);
        assert.deepEqual(await recordsOf(journal, { from: journal.durable.sequence + 1 }), []);
        const own = await recordsOf(journal, { from: 1, own: true });
        assert.deepEqual(own.map(({ sequence }) => sequence), Array.from({ length: journal.durable.sequence }, (_, i) => i + 1));
        assert.ok(equalBytes(own.at(-1)?.chain ?? utf8(''), journal.durable.chain));
      },
    },
    {
      name: 'a reader that follows gets what comes, over segments, and ends when the journal is closed or it is aborted',
      async run() {
        const { journal } = await make();
        const aborted = new AbortController();
        const follow = async (signal: AbortSignal, seen: string[]): Promise<void> => {
          for await (const { payload } of journal.read({ from: 1, follow: true, signal })) {
            seen.push(text(payload.subarray(0, 2)));
            if (seen.length === 3) aborted.abort();
          }
        };
        const [short, long]: [string[], string[]] = [[], []];
        const readers = Promise.allSettled([follow(aborted.signal, short), follow(new AbortController().signal, long)]);
        const expected = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'));
        for (const name of expected) await journal.append(1, utf8(`${name}${'.'.repeat(200)}`));
        await journal.close();
        const [first, second] = await readers;
        assert.deepEqual([first.status, first.status === 'rejected' && (first.reason as Error).name, second.status], ['rejected', 'AbortError', 'fulfilled']);
        assert.deepEqual([short, long], [expected.slice(0, 3), expected]);
      },
    },
    {
      name: 'a cursor is where it was moved to, also when opened again; it is moved to nothing that is not durable',
      async run() {
        const { journal, reopen } = await make();
        assert.equal(await journal.cursor('sink-1'), undefined);
        const one = await journal.append(1, utf8('one'));
        const two = await journal.append(1, utf8('two'));
        await journal.moveCursor('sink-1', two);
        await journal.moveCursor('sink-2', two);
        await journal.moveCursor('sink-2', one);
        await rejects(journal.moveCursor('sink-1', { sequence: 1000, chain: two.chain }), 'usage.invalid');
        for (const name of ['', '..', 'A', 'a/b', 'x'.repeat(65)]) assert.throws(() => void journal.moveCursor(name, one), { code: 'usage.invalid' });
        const next = await reopen();
        assert.deepEqual([await next.cursor('sink-1'), await next.cursor('sink-2')], [two, one]);
        assert.deepEqual(await textsOf(next, { from: (await next.cursor('sink-2') ?? one).sequence + 1 }), ['two']);
      },
    },
  ];
}

function retentionCases(make: () => Promise<JournalHarness>): ContractCase[] {
  const filled = async (journal: Journal): Promise<number[]> => {
    const sequences: number[] = [];
    for (let i = 0; i < 200; i += 1) sequences.push((await journal.append(1, utf8(`${i} ${'x'.repeat(100)}`))).sequence);
    return sequences;
  };
  return [
    {
      name: 'drop() removes what is old and says so; nothing that is asked to stay goes',
      async run() {
        const { journal, reopen } = await make();
        const sequences = await filled(journal);
        const below = sequences[150] ?? 0;
        const first = await journal.drop({ below });
        assert.ok(first > 1 && first <= below, `${first} is left, of what is below ${below}`);
        assert.equal(journal.firstSequence, first);
        await rejects(recordsOf(journal, { from: 1 }), 'journal.dropped');
        const kept = sequences.filter((sequence) => sequence >= first);
        for (const opened of [journal, await reopen()]) {
          assert.equal(opened.firstSequence, first);
          const left = await recordsOf(opened, { from: first });
          assert.deepEqual(left.map(({ sequence }) => sequence), kept);
        }
      },
    },
    {
      name: 'drop() leaves what a cursor has not passed',
      async run() {
        const { journal } = await make();
        const sequences = await filled(journal);
        const slow = (await recordsOf(journal)).find(({ sequence }) => sequence === sequences[40]);
        assert.ok(slow !== undefined);
        await journal.moveCursor('slow', slow);
        assert.ok((await journal.drop({ below: sequences[199] ?? 0 })) <= slow.sequence + 1);
        assert.equal((await recordsOf(journal, { from: slow.sequence + 1 })).length, 200 - 41);
        assert.deepEqual(await journal.cursor('slow'), { sequence: slow.sequence, chain: slow.chain });
      },
    },
  ];
}
