import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { folderBundle } from '../../src/adapters/os/bundle-files.ts';
import { openKeys } from '../../src/compose/host-keys.ts';
import { StateFolder } from '../../src/compose/local.ts';
import { auditBundle } from '../../src/core/evidence/audit.ts';
import { endStarted } from '../end-started.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-signals-`);
const state = new StateFolder(`${folder}/state`);
const { root } = openKeys(state);
const started: ChildProcess[] = [];
let runs = 0;

afterEach(() => endStarted(started.splice(0), [state.path]), 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly evidence: string;
  readonly code: Promise<number | null>;
}

function start(argv: readonly string[], options: { stdout?: 'ignore' | 'pipe'; detached?: boolean } = {}): Started {
  runs += 1;
  const evidence = `${folder}/evidence-${runs}`;
  mkdirSync(evidence, { mode: 0o700 }); // there before, so that it can be watched
  const child = spawn('bin/cellos', ['run', '--quiet', '--evidence', evidence, '--', ...argv], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state.path }, stdio: ['ignore', options.stdout ?? 'ignore', 'inherit'], detached: options.detached ?? false });
  started.push(child);
  return { child, evidence, code: new Promise((resolve) => child.once('exit', resolve)) };
}

/** Resolves when something shows in a watched folder and `ready` says yes. */
async function until(watched: string, ready: () => boolean): Promise<void> {
  if (ready()) return;
  await new Promise<void>((resolve) => {
    const watcher = watch(watched, () => {
      if (!ready()) return;
      watcher.close();
      resolve();
    });
    if (ready()) watcher.emit('change', 'change', ''); // it may have come before the watch
  });
}

const recorded = (evidence: string): string => (existsSync(`${evidence}/records.jsonl`) ? readFileSync(`${evidence}/records.jsonl`, 'utf8') : '');
const marked = (): boolean => readdirSync(`${state.path}/live`).some((name) => name.endsWith('.json'));

async function expectSealed(run: Started, code: number, ending: string): Promise<void> {
  expect(await run.code).toBe(code);
  const report = await auditBundle(folderBundle(run.evidence), { roots: new Map([[root.kid, root.publicKey]]) });
  expect(report).toMatchObject({ verdict: 'complete', outcome: ending });
  expect(readdirSync(`${state.path}/live`)).toEqual([]);
  expect(readdirSync(`${state.path}/scratch`)).toEqual([]);
}

describe('a signal to cellos run', () => {
  it.each([['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const)('%s ends the command in order and seals: exit %i', async (signal, code) => {
    const run = start(['sleep', '300']);
    await until(run.evidence, () => recorded(run.evidence).includes('process_spawned'));
    run.child.kill(signal);
    await expectSealed(run, code, 'cancelled');
  });

  it('while the cell is being made: nothing is run, and the run is sealed all the same', async () => {
    for (const word of ['', 'evidence.v1.genesis', 'dns_target_set', 'isolation.v1.observed', 'network_policy']) {
      const run = start(['sleep', '300']);
      await until(word === '' ? `${state.path}/live` : run.evidence, () => (word === '' ? marked() : recorded(run.evidence).includes(word)));
      run.child.kill('SIGTERM');
      await expectSealed(run, 143, 'cancelled');
    }
  });

  it('from the terminal reaches the supervisor alone, not the cell beneath it', async () => {
    const run = start(['sh', '-c', 'trap "exit 0" INT; sleep 300'], { detached: true });
    await until(run.evidence, () => recorded(run.evidence).includes('process_spawned'));
    process.kill(-(run.child.pid as number), 'SIGINT');
    await expectSealed(run, 130, 'cancelled');
  });

  it('the second one does not wait for a command that ignores the first', async () => {
    const run = start(['sh', '-c', 'trap "echo asked" TERM; echo ready; while :; do sleep 1; done'], { stdout: 'pipe' });
    const said = (run.child.stdout as Readable)[Symbol.asyncIterator]();
    expect(String((await said.next()).value)).toBe('ready\n');
    const from = performance.now();
    run.child.kill('SIGINT');
    // Two that wait at once may come in any order.
    expect(String((await said.next()).value)).toBe('asked\n');
    run.child.kill('SIGTERM');
    await expectSealed(run, 130, 'cancelled');
    expect(performance.now() - from).toBeLessThan(9_000); // the grace time alone is 10 s
  });

  it('does not wait for a consumer that does not read', async () => {
    const run = start(['yes'], { stdout: 'pipe' });
    await until(run.evidence, () => recorded(run.evidence).includes('process_spawned'));
    run.child.kill('SIGTERM');
    await expectSealed(run, 143, 'cancelled');
  });
});

describe('a consumer that goes away', () => {
  it('ends the command by SIGPIPE, and the run with it', async () => {
    const run = start(['yes'], { stdout: 'pipe' });
    run.child.stdout?.once('data', () => run.child.stdout?.destroy());
    await expectSealed(run, 141, 'signalled');
  });
});
