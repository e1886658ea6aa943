import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTree } from './remove-tree.ts';

const NOBODY = 65_534;
const root = mkdtempSync(`${tmpdir()}/cellos-tree-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Root may list every folder: what is to be shown needs a user who may not. */
function asUser(action: () => void): void {
  const asRoot = process.geteuid?.() === 0;
  if (asRoot) process.seteuid?.(NOBODY);
  try {
    action();
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
}

describe('removeTree()', () => {
  it('removes folders that their owner closed, and follows no link out of the tree', () => {
    const outside = `${root}/outside`;
    mkdirSync(outside);
    writeFileSync(`${outside}/kept`, 'x');
    const tree = `${root}/tree`;
    mkdirSync(tree);
    if (process.geteuid?.() === 0) for (const path of [root, tree]) chownSync(path, NOBODY, NOBODY);
    asUser(() => {
      mkdirSync(`${tree}/work/work`, { recursive: true });
      writeFileSync(`${tree}/work/work/x`, 'x');
      symlinkSync(outside, `${tree}/link`);
      chmodSync(`${tree}/work/work`, 0);
      expect(() => rmSync(tree, { recursive: true })).toThrow(/EACCES/);
      removeTree(tree);
      removeTree(tree);
    });
    expect(existsSync(tree)).toBe(false);
    expect(existsSync(`${outside}/kept`)).toBe(true);
  });
});
