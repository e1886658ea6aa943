import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect, it } from 'vitest';
import { StateFolder } from '../../src/compose/local.ts';
import { endStarted } from '../end-started.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-ended-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('what a failed test left running is ended, and its cell swept', async () => {
  const state = new StateFolder(`${folder}/state`);
  const child = spawn('bin/cellos', ['run', '--quiet', '--', 'sh', '-c', 'echo up; exec sleep 300'], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state.path }, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const [run] = state.live();
  expect(run?.cgroups.filter(({ path }) => !existsSync(path))).toEqual([]);
  await endStarted([child], [state.path, `${folder}/none`]);
  expect(run?.cgroups.filter(({ path }) => existsSync(path))).toEqual([]);
  expect(readdirSync(`${state.path}/live`)).toEqual([]);
  await endStarted([child], [state.path]);
});
