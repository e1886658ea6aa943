/** The long versions of the journal's tests: what `npm run soak -- journal` and `-- simulate` do. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { recordsOf } from '../../src/testing/contracts/journal.ts';
import { killJournals, stopJournals } from './kill-journal.ts';
import { SIMULATED_STEPS, simulate } from './simulate.ts';

export interface SoakResult {
  readonly wrong: readonly string[];
  readonly done: string;
}

async function kills(path: string, seed: number, count: number): Promise<SoakResult> {
  const { killed, acknowledged, cut, wrong } = await killJournals({ path, seed, count, look: 25 });
  return { wrong, done: `${killed} writers killed, ${acknowledged} records acknowledged, ${cut} tails cut off` };
}

async function stops(path: string, seed: number, count: number): Promise<SoakResult> {
  const { acknowledged, wrong } = await stopJournals({ path, seed, count });
  return { wrong, done: `${count} writers stopped, ${acknowledged} records acknowledged` };
}

/** Calls of the system that a writer needs, and the error each is given in turn. */
const INJECTED: readonly (readonly [string, string])[] = [['fdatasync', 'EIO'], ['fdatasync', 'ENOSPC'], ['fsync', 'EIO'], ['pwrite64', 'EIO'], ['pwrite64', 'ENOSPC'], ['ftruncate', 'EIO'], ['rename', 'EIO'], ['link', 'EIO']];

/** One call fails in the kernel's place, and would succeed the next time. After it, nothing is written to that file any more. */
async function injected(path: string): Promise<SoakResult> {
  if (spawnSync('strace', ['-V']).status !== 0) return { wrong: [], done: 'SKIPPED: strace is not installed (apt-get install strace)' };
  const wrong: string[] = [];
  let runs = 0;
  for (const [call, errno] of INJECTED) {
    for (let nth = 1; ; nth += 1) {
      rmSync(path, { recursive: true, force: true });
      const log = `${path}.trace`;
      const run = spawnSync('strace', ['-f', '-qq', '-o', log, '-e', 'trace=fdatasync,fsync,pwrite64,ftruncate,rename,link', '-e', `inject=${call}:error=${errno}:when=${nth}`, process.execPath, 'test/journal/inject-child.ts', path], { encoding: 'utf8' });
      if (!readFileSync(log, 'utf8').includes('(INJECTED)')) break;
      runs += 1;
      if (run.status !== 0) wrong.push(`${call} ${nth} gives ${errno}: the writer ended with ${run.status}: ${run.stderr.slice(0, 300)}`);
      const opened = await openJournalFolder(path, { segmentBytes: 8192, reserveBytes: 512, whole: true }).catch((error: unknown) => error as Error);
      if (opened instanceof Error || opened.state !== 'writable') {
        wrong.push(`${call} ${nth} gives ${errno}: ${opened instanceof Error ? opened.message : opened.damage.detail}`);
        continue;
      }
      const found = new Map((await recordsOf(opened.journal)).map(({ sequence, payload }) => [String(sequence), Buffer.from(payload).toString('latin1').slice(0, 2)]));
      await opened.journal.close();
      const lines = run.stdout.split('\n').filter((line) => /^\d+ /.test(line));
      for (const line of lines) if (found.get(line.split(' ')[0] ?? '') !== line.split(' ')[1]) wrong.push(`${call} ${nth} gives ${errno}: ${line} was acknowledged, and is not there`);
    }
  }
  return { wrong, done: `${runs} runs with one failing call each` };
}

/** A gibibyte is written and read by processes that may use a tenth of it. */
function larger(path: string): SoakResult {
  const run = (what: string): { wrong?: string; rssMiB: number; records: number } => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--max-old-space-size=64', 'test/journal/large-child.ts', path, what, '1024'], { encoding: 'utf8' });
    return status === 0 ? (JSON.parse(stdout) as { rssMiB: number; records: number }) : { wrong: `${what} ended with ${status}: ${stderr.slice(0, 300)}`, rssMiB: 0, records: 0 };
  };
  const [written, read] = [run('write'), run('read')];
  rmSync(path, { recursive: true, force: true });
  const wrong = [written, read].flatMap((one) => one.wrong ?? (one.rssMiB > 320 ? [`it took ${one.rssMiB} MiB`] : []));
  if (written.records !== read.records) wrong.push(`${written.records} were written, and ${read.records} read`);
  return { wrong, done: `${read.records} records in 1 GiB, written with ${written.rssMiB} MiB of memory, read with ${read.rssMiB} MiB` };
}

export function journalSoaks(options: { folder: string; seed: number; kills: number }): { name: string; run: () => Promise<SoakResult> }[] {
  const { folder, seed } = options;
  return [
    { name: 'writers killed', run: () => kills(`${folder}/killed`, seed, options.kills) },
    { name: 'writers stopped while another takes over', run: () => stops(`${folder}/stopped`, seed, Math.ceil(options.kills / 10)) },
    { name: 'calls that fail in the kernel', run: () => injected(`${folder}/injected`) },
    { name: 'larger than memory', run: async () => larger(`${folder}/larger`) },
  ];
}

export async function simulateFrom(options: { seed: number; seconds: number }): Promise<SoakResult> {
  let [seed, acknowledged, openings] = [options.seed, 0, 0];
  for (const end = performance.now() + options.seconds * 1000; ; seed += 1) {
    const found = await simulate(seed, SIMULATED_STEPS);
    acknowledged += found.acknowledged;
    openings += found.openings;
    if (found.wrong !== undefined) return { wrong: [`seed ${seed}: ${found.wrong}`, ...found.trace], done: `again with --seed ${seed}` };
    if (performance.now() > end) break;
  }
  return { wrong: [], done: `${seed - options.seed + 1} hosts, ${openings} openings, ${acknowledged} records acknowledged` };
}
