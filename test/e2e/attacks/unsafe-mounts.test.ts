import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-mounts-`);
const state = `${root}/state`;
const cellos = (...options: string[]) => spawnSync('bin/cellos', ['run', ...options, '--', 'true'], { input: '', env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state } });

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the state and the evidence of CellOS', () => {
  it('are made before they are attacked', () => {
    expect(cellos().status).toBe(0);
  });

  it.each([
    ['the state folder', () => ['--ro', `${state}:/attack/state`]],
    ['a folder above it', () => ['--ro', `${root}:/attack/state`]],
    ['the whole host', () => ['--ro', '/:/attack/host']],
    ['the keys alone', () => ['--ro', `${state}/keys:/attack/keys`]],
    ['the state as the workspace', () => ['--workspace', state]],
    ['finished evidence, writable', () => ['--rw', `${state}/runs:/attack/runs`]],
    ['the evidence of the run itself, writable', () => ['--rw', `${root}/out:/attack/out`, '--evidence', `${root}/out/evidence`]],
    ['the same through a symlink', () => ['--rw', `${root}/out:/attack/out`, '--evidence', `${root}/out-link/evidence`]],
  ])('are not shown to a cell: %s [V1]', (_name, options) => {
    spawnSync('sh', ['-c', `mkdir -p ${root}/out; ln -sfn ${root}/out ${root}/out-link`]);
    const before = readdirSync(`${state}/runs`);
    const result = cellos(...options());
    expect(result.status).toBe(64);
    expect(result.stderr.toString()).toMatch(/Cannot show .* to the cell: it holds .*; show a narrower folder/);
    expect(readdirSync(`${state}/runs`)).toEqual(before);
    expect(readdirSync(`${root}/out`)).toEqual([]);
  });

  it('are shown where it does no harm: finished evidence, read-only', () => {
    expect(cellos('--ro', `${state}/runs:/attack/runs`).status).toBe(0);
  });
});

describe('a socket of the host', () => {
  const folder = `${root}/with socket`;
  const server = createServer();
  beforeAll(async () => {
    mkdirSync(`${folder}/deep`, { recursive: true });
    mkdirSync(`${folder}/beside`);
    await new Promise<void>((resolve) => server.listen(`${folder}/deep/host.sock`, resolve));
  });
  afterAll(() => void server.close());

  it.each(['--ro', '--rw'])('is not shown by the way: %s of a folder around it [V2]', (option) => {
    for (const source of [folder, `${folder}/deep`]) {
      const result = cellos(option, `${source}:/attack/folder`);
      expect(result.status).toBe(64);
      expect(result.stderr.toString()).toContain('deep/host.sock');
    }
  });

  it('is shown when it is named itself, and does not keep other folders from being shown', () => {
    expect(cellos('--ro', `${folder}/deep/host.sock:/attack/sock`).status).toBe(0);
    expect(cellos('--ro', `${folder}/beside:/attack/beside`, '--workspace', folder).status).toBe(0);
  });
});
