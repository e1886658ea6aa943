import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workspaceContract, type WorkspaceHarness } from '../../testing/contracts/workspace.ts';
import { openOverlay } from './overlay.ts';

const helper = `${import.meta.dirname}/../../../build/native/cellos-cell`;

/** An upper folder as overlayfs would have filled it. */
function subject(): WorkspaceHarness & { readonly source: string; readonly upper: string } {
  const root = mkdtempSync(`${tmpdir()}/cellos-overlay-`);
  const [source, upper] = [`${root}/source`, `${root}/upper`];
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  const run = (...argv: readonly [string, ...string[]]): void => {
    const { status, stderr } = spawnSync(argv[0], argv.slice(1));
    if (status !== 0) throw new Error(stderr.toString());
  };
  put(`${source}/a`, 'one');
  put(`${source}/sub/b`, 'two');
  mkdirSync(upper);
  return {
    source,
    upper,
    overlay: openOverlay({ source, upper, helper }),
    write: (path, text) => put(`${upper}/${path}`, text),
    remove: (path) => {
      mkdirSync(dirname(`${upper}/${path}`), { recursive: true });
      run('mknod', `${upper}/${path}`, 'c', '0', '0'); // a whiteout
    },
    makeSpecial: (path) => run('mkfifo', `${upper}/${path}`),
    writeBehind: (path, text) => put(`${source}/${path}`, text),
    textOf: (path) => (existsSync(`${source}/${path}`) ? readFileSync(`${source}/${path}`, 'utf8') : undefined),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

describe('openOverlay() keeps the contract of ports/workspace.ts', () => {
  for (const one of workspaceContract(subject)) it.runIf(process.geteuid?.() === 0)(one.name, one.run);
});

describe('openOverlay()', () => {
  it('says workspace.unreadable for a folder that is not there', async () => {
    const overlay = openOverlay({ source: '/nonexistent', upper: '/nonexistent', helper });
    await expect(overlay.changes()).rejects.toMatchObject({ code: 'workspace.unreadable' });
  });

  it('refuses paths that leave the folder, and files that are not the recorded ones', async () => {
    const { overlay, upper, write, source, dispose } = subject();
    try {
      const file = { kind: 'file', sizeBytes: 1, digest: `sha256:${'0'.repeat(64)}`, mode: 0o644 } as const;
      expect(() => overlay.apply([{ path: '../out', after: file }])).toThrow(expect.objectContaining({ code: 'workspace.conflict' }));
      write('new', 'n');
      const changes = await overlay.changes();
      writeFileSync(`${upper}/new`, 'm');
      expect(() => overlay.apply(changes)).toThrow(expect.objectContaining({ code: 'workspace.failed' }));
      expect(existsSync(`${source}/new`)).toBe(false);
    } finally {
      dispose();
    }
  });

  it('takes set-user-ID bits off what it brings over [L3]', async () => {
    const { overlay, upper, write, source, dispose } = subject();
    try {
      write('tool', '#!/bin/sh\n');
      chmodSync(`${upper}/tool`, 0o6755);
      overlay.apply(await overlay.changes());
      expect(statSync(`${source}/tool`).mode & 0o7777).toBe(0o755);
    } finally {
      dispose();
    }
  });
});
