import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { exportSinkContract } from '../../testing/contracts/export-sink.ts';
import { fakeRandom } from '../../testing/index.ts';
import { createLocalExport } from './local.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-export-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
function fresh(): string {
  folders += 1;
  return `${root}/${folders}/out`;
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** The receipt, or the code of the error. */
const push = (out: string, cellId: string, name: string, text = 'hello\n'): Promise<unknown> =>
  createLocalExport(out, fakeRandom(folders)).push({ cellId, name }, bytes(text), { signal: new AbortController().signal }).catch((error: unknown) => (isCellError(error) ? error.code : error));

describe('the local export keeps the contract of an export sink', () => {
  const make = () => {
    const out = fresh();
    const delivered = async () => Object.fromEntries((existsSync(out) ? readdirSync(out, { recursive: true, withFileTypes: true }) : []).filter((entry) => entry.isFile()).map((entry) => [`${entry.parentPath.slice(out.length + 1)}/${entry.name}`, readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8')]));
    return { sink: createLocalExport(out, fakeRandom()), delivered };
  };
  for (const { name, run } of exportSinkContract(make)) it(name, run);
});

describe('createLocalExport()', () => {
  it("takes the reference's names: spaces, dots, dashes, newlines, a tilde inside", async () => {
    const out = fresh();
    for (const name of ['a~', 'a\nb', '-rf', '.env', ' ']) {
      expect(await push(out, 'cell-1', name)).toEqual({ targetKind: 'local', destination: `cell-1/${name}`, bytesWritten: 6 });
      expect(readFileSync(`${out}/cell-1/${name}`, 'utf8')).toBe('hello\n');
    }
    for (const cell of ['.', ' ', '~root']) expect(await push(out, cell, 'a.txt')).toMatchObject({ destination: `${cell}/a.txt` });
  });

  it('refuses cells and names that lead elsewhere, and makes nothing', async () => {
    const out = fresh();
    for (const cell of ['', '..', 'x..y', 'a/b', 'a\\b', 'a\0b']) expect([cell, await push(out, cell, 'a')]).toEqual([cell, 'export.failed']);
    expect(await push(out, 'cell', '.')).toBe('export.failed');
    expect(existsSync(out)).toBe(false);
  });

  it('follows no link, in the place of the file or of the folder [V1]', async () => {
    const out = fresh();
    mkdirSync(`${out}/c`, { recursive: true });
    mkdirSync(`${out}/../elsewhere`);
    writeFileSync(`${out}/../victim`, 'secret');
    symlinkSync('../../victim', `${out}/c/a`);
    symlinkSync('../elsewhere', `${out}/linked`);
    expect(await push(out, 'c', 'a')).toBe('export.failed');
    expect(await push(out, 'linked', 'a')).toBe('export.failed');
    expect(readFileSync(`${out}/../victim`, 'utf8')).toBe('secret');
    expect(readdirSync(`${out}/../elsewhere`)).toEqual([]);
    expect(readdirSync(`${out}/c`)).toEqual(['a']);
  });

  it('says why when the root is no folder', async () => {
    const out = fresh();
    mkdirSync(dirname(out));
    writeFileSync(out, '');
    expect(await push(out, 'c', 'a')).toBe('export.failed');
  });
});
