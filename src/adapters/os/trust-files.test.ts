import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../base/limits.ts';
import { trustFilesContract } from '../../testing/contracts/trust-files.ts';
import { trustFiles } from './trust-files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/cellos-trust-files-`);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('trustFiles keeps the contract of its port', () => {
  const make = () => ({ files: trustFiles, folder, put: (path: string, text: string) => writeFileSync(path, text), link: (path: string, target: string) => symlinkSync(target, path) });
  for (const { name, run } of trustFilesContract(make)) it(name, run);
});

it('trustFiles refuses a file over the limit', () => {
  writeFileSync(`${folder}/large`, new Uint8Array(LIMITS.documentSizeBytesMax + 1));
  expect(() => trustFiles.read(`${folder}/large`)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
});
