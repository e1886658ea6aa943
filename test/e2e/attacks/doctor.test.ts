import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import type { Scoreboard } from '../../../src/compose/attacks.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-doctor-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
const cellos = (state: string, ...args: string[]) => spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state } });

describe('cellos doctor --attacks', () => {
  it('prints the scoreboard of the classes asked for', () => {
    const result = cellos(`${root}/state`, 'doctor', '--attacks', '--class', 'ipc');
    expect(result.stdout.toString()).toMatch(/^class {2}held {2}broken {2}n\/a\nipc +2\d +0 +0 {2}Sockets.*\n\n2\d attacks: 2\d held, 0 broken, 0 not applicable\n/);
    expect(result.status).toBe(0);
  });

  it('keeps evidence that verifies, and names the run of each attack', () => {
    const result = cellos(`${root}/state`, 'doctor', '--attacks', '--class', 'abi-bypass', '--class', 'secrets', '--json', '--keep', `${root}/kept`);
    const board = JSON.parse(result.stdout.toString()) as Scoreboard;
    expect(board).toMatchObject({ v: 1, backend: 'bwrap', broken: 0 });
    const runs = new Set(board.results.map((one) => one.runId));
    expect(runs.size).toBe(3);
    for (const run of runs) expect(JSON.parse(cellos(`${root}/kept`, 'verify', '--json', String(run)).stdout.toString())).toMatchObject({ verdict: 'complete' });
  });

  it('refuses a class that is none, and a folder that is in use', () => {
    expect(cellos(`${root}/state`, 'doctor', '--attacks', '--class', 'nope').status).toBe(64);
    expect(cellos(`${root}/state`, 'doctor', '--attacks', '--keep', root).status).toBe(64);
  });
});
