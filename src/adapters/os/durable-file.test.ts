import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { privateFolder } from './durable-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/cellos-private-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const unusable = (why: string): unknown => expect.objectContaining({ code: 'state.unusable', message: expect.stringContaining(why) });

describe('privateFolder()', () => {
  it('makes what is not there, for this user alone', () => {
    privateFolder(`${folder}/a/b`);
    expect(statSync(`${folder}/a/b`).mode & 0o777).toBe(0o700);
    privateFolder(`${folder}/a/b`);
  });

  it('refuses a folder that others can reach', () => {
    for (const mode of [0o750, 0o701, 0o720]) {
      mkdirSync(`${folder}/${mode}`);
      chmodSync(`${folder}/${mode}`, mode);
      expect(() => privateFolder(`${folder}/${mode}`)).toThrow(unusable(`(mode ${mode.toString(8)}); chmod 700 it`));
    }
  });

  it('refuses what is no folder, and a symlink to nothing', () => {
    writeFileSync(`${folder}/file`, '');
    symlinkSync(`${folder}/nowhere/deep`, `${folder}/link`);
    expect(() => privateFolder(`${folder}/file`)).toThrow(unusable('it is not a folder'));
    expect(() => privateFolder(`${folder}/file/beneath`)).toThrow(unusable('Cannot use'));
    expect(() => privateFolder(`${folder}/link`)).toThrow(unusable('Cannot use'));
  });

  it.runIf(process.geteuid?.() === 0)("refuses another user's folder", () => {
    mkdirSync(`${folder}/theirs`, { mode: 0o700 });
    chownSync(`${folder}/theirs`, 54321, 54321);
    expect(() => privateFolder(`${folder}/theirs`)).toThrow(unusable('it belongs to user 54321'));
  });
});
