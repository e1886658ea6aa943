/**
 * For tests that start supervisors: ends those that a failed test left running, by the handles they were started with, and sweeps their cells.
 * A killed supervisor leaves its groups to the next start in its state folder, and a test removes that folder.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** @param stateDirs state folders of the children */
export async function endStarted(children: Iterable<ChildProcess>, stateDirs: Iterable<string>): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await ended;
  }
  for (const stateDir of stateDirs) {
    const live = `${stateDir}/live`;
    if (!existsSync(live) || !readdirSync(live).some((name) => name.endsWith('.json'))) continue;
    const { status, stderr } = spawnSync('bin/cellos', ['run', '--quiet', '--', 'true'], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: stateDir }, encoding: 'utf8' });
    if (status !== 0) throw new Error(`Cannot sweep ${stateDir}: ${stderr}`);
  }
}
