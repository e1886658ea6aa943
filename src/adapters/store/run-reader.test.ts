import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { endLines, FolderWatch, LineSplitter, Tail } from './run-reader.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-reader-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const text = (lines: readonly Uint8Array[]): string[] => lines.map((line) => Buffer.from(line).toString());

describe('endLines()', () => {
  it('reads the first and the last lines of a file of any size, each once, and no torn one', () => {
    const path = `${folder}/records`;
    const lines = Array.from({ length: 5_000 }, (_, at) => `${at}:${'x'.repeat(100)}`);
    writeFileSync(path, `${lines.join('\n')}\ntorn`);
    const read = text(endLines(path));
    expect(read[0]).toBe(lines[0]);
    expect(read.at(-1)).toBe(lines.at(-1));
    expect(new Set(read).size).toBe(read.length);
    expect(read.reduce((sum, line) => sum + line.length, 0)).toBeLessThan(2 * 64 * 1024);
    for (const line of read) expect(lines).toContain(line);
  });

  it('has nothing to say of a file that is not there, or is empty', () => {
    writeFileSync(`${folder}/empty`, '');
    expect(endLines(`${folder}/none`)).toEqual([]);
    expect(endLines(`${folder}/empty`)).toEqual([]);
  });
});

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{0,20}$/)), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (lines, cuts) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
        const splitter = new LineSplitter();
        const got: string[] = [];
        for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          got.push(...text([...splitter.push(bytes.subarray(at, at + size))]));
          at += size;
        }
        expect(got).toEqual(lines);
      }),
    );
  });
});

describe('Tail and FolderWatch', () => {
  it('hands out what was appended since, and is woken by the append', async () => {
    const path = `${folder}/tail`;
    using tail = new Tail(path);
    using watch = new FolderWatch(folder);
    const read = (): string => text([...tail.pieces()]).join('');
    expect(read()).toBe('');
    writeFileSync(path, 'one');
    expect(read()).toBe('one');
    expect(read()).toBe('');
    const woken = watch.next(30_000, new AbortController().signal);
    appendFileSync(path, 'two');
    await woken;
    expect(read()).toBe('two');
  });

  it('stops waiting when it is told to', async () => {
    using watch = new FolderWatch(folder);
    const stop = new AbortController();
    const waiting = watch.next(30_000, stop.signal);
    stop.abort();
    await waiting;
  });
});
