import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { isCellError } from '../base/errors.ts';
import { askedMount, hostPath, secretSource } from './asks.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-asks-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
mkdirSync(`${root}/real`);
symlinkSync('real', `${root}/link`);

const codeOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return isCellError(error) ? error.code : error;
  }
};

describe('askedMount()', () => {
  it('shows a path where it is, or where it is told, and resolves links on the host', () => {
    expect(askedMount('ro', 'ro', `${root}/link`)).toMatchObject({ kind: 'ro', source: `${root}/real`, target: `${root}/link` });
    expect(askedMount('rw', 'rw', `${root}/real:/data`)).toMatchObject({ kind: 'rw', source: `${root}/real`, target: '/data' });
  });

  it('refuses places that belong to the cell, that climb, and paths that are not there', () => {
    for (const target of ['/', '/proc', '/proc/1', '/usr', '/usr/', '/etc', '/run/cellos/bin', '/a/../etc']) expect([target, codeOf(() => askedMount('rw', 'rw', `${root}/real:${target}`))]).toEqual([target, 'usage.invalid']);
    expect(codeOf(() => askedMount('ro', 'ro', `${root}/none`))).toBe('usage.invalid');
    expect(codeOf(() => hostPath('workspace', `${root}/none`))).toBe('usage.invalid');
  });
});

describe('secretSource()', () => {
  it('names a variable or a file, never a value, and no name that changes how programs run', () => {
    expect(secretSource('secrets', 'TOKEN', undefined)).toEqual({ broker: 'env', key: 'TOKEN' });
    expect(secretSource('secrets', 'TOKEN', 'env:OTHER')).toEqual({ broker: 'env', key: 'OTHER' });
    expect(secretSource('secrets', 'TOKEN', 'file:/run/token')).toEqual({ broker: 'file', path: '/run/token' });
    for (const [name, source] of [['TOKEN', 'hunter2'], ['TOKEN', 'env:'], ['PATH', undefined], ['LD_PRELOAD', undefined], ['CELLOS_X', undefined], ['a b', undefined], ['', undefined]] as const) {
      expect([name, source, codeOf(() => secretSource('secrets', name, source))]).toEqual([name, source, 'usage.invalid']);
    }
  });
});
