import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect, it } from 'vitest';
import type { ParsedArgs } from './command.ts';
import { openResultSink } from './result-sink.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-result-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const args = (result: string | undefined): ParsedArgs => ({ positionals: [], rest: undefined, text: (name) => (name === 'result' ? result : undefined), texts: () => [], flag: () => false });

it('is nothing when no result was asked for', () => {
  expect(openResultSink(args(undefined))).toBeUndefined();
});

it('writes one JSON document and a line end', () => {
  openResultSink(args(`${folder}/result.json`))?.write({ v: 1 });
  expect(readFileSync(`${folder}/result.json`, 'utf8')).toBe('{"v":1}\n');
});

it('refuses a place that cannot be written before anything runs [RS1]', () => {
  expect(() => openResultSink(args(`${folder}/none/result.json`))).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
});

it('says so when the disk is full', () => {
  expect(() => openResultSink(args('/dev/full'))?.write({ v: 1 })).toThrow(expect.objectContaining({ code: 'result.unwritable' }));
});
