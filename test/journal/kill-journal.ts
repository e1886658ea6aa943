/** Writers that are killed with SIGKILL at random moments, one after the other on one journal. Everything they said was acknowledged has to be there. */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { recordsOf } from '../../src/testing/contracts/journal.ts';
import { seededRandom } from '../crash/kill-campaign.ts';

export interface JournalKills {
  readonly killed: number;
  readonly acknowledged: number;
  /** Openings that had a tail to cut off. */
  readonly cut: number;
  readonly wrong: readonly string[];
}

/** Starts a writer and kills it. @returns what it said */
async function killOne(path: string, seed: number, random: () => number): Promise<string[]> {
  const child = spawn(process.execPath, ['test/journal/kill-child.ts', path, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, error] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const began = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Most are killed while they write, some while they open.
  if (random() < 0.85) await Promise.race([began, ended]);
  await Promise.race([wait(random() * 120, undefined, { ref: false }), ended]);
  const early = child.exitCode !== null;
  child.kill('SIGKILL');
  await ended;
  if (early) throw new Error(`a writer ended by itself: ${error}`);
  return said.split('\n').slice(0, -1);
}

/** @param options.look how many kills between two looks at everything */
export async function killJournals(options: { path: string; seed: number; count: number; look?: number }): Promise<JournalKills> {
  const { path, seed, count, look = 10 } = options;
  const random = seededRandom(seed);
  const acked = new Map<number, string>();
  const wrong: string[] = [];
  let cut = 0;
  for (let kill = 1; kill <= count && wrong.length === 0; kill += 1) {
    for (const line of await killOne(path, seed + kill, random)) {
      const [sequence = '', name = '', size = ''] = line.split(' ');
      if (acked.has(Number(sequence))) wrong.push(`${sequence} was acknowledged twice`);
      acked.set(Number(sequence), `${name} ${size}`);
    }
    const whole = kill % look === 0 || kill === count;
    const opened = await openJournalFolder(path, { segmentBytes: 65_536, reserveBytes: 4096, whole });
    if (opened.state !== 'writable') {
      wrong.push(`after kill ${kill}: ${opened.damage.reason}: ${opened.damage.detail}`);
      break;
    }
    const { journal } = opened;
    cut += Number(opened.cut !== undefined);
    if (whole) {
      const found = new Map((await recordsOf(journal, { from: journal.firstSequence })).map(({ sequence, payload }) => [sequence, `${/^[\d/]+/.exec(Buffer.from(payload).toString('latin1'))?.[0]} ${payload.byteLength}`]));
      for (const [sequence, content] of acked) if (sequence >= journal.firstSequence && found.get(sequence) !== content) wrong.push(`after kill ${kill}: record ${sequence} was ${content}, and is ${found.get(sequence)}`);
      await journal.cursor('sink');
    }
    await journal.close();
  }
  return { killed: count, acknowledged: acked.size, cut, wrong: wrong.slice(0, 20) };
}

/**
 * A writer is stopped with SIGSTOP in the middle of its work; another one, to which it looks dead, takes the journal over and writes; then the first
 * goes on. It has to stop by itself, and everything it said was acknowledged, before and after, has to be there.
 */
export async function stopJournals(options: { path: string; seed: number; count: number }): Promise<{ readonly acknowledged: number; readonly wrong: readonly string[] }> {
  const { path, seed, count } = options;
  const random = seededRandom(seed);
  const wrong: string[] = [];
  const acked = new Map<string, string>();
  for (let stop = 1; stop <= count && wrong.length === 0; stop += 1) {
    const child = spawn(process.execPath, ['test/journal/kill-child.ts', path, String(seed + stop)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [said, error] = ['', ''];
    child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
    const began = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await Promise.race([began, ended]);
    await wait(random() * 60, undefined, { ref: false });
    child.kill('SIGSTOP');
    const opened = await openJournalFolder(path, { segmentBytes: 65_536, reserveBytes: 4096, isAlive: () => false });
    if (opened.state !== 'writable') {
      wrong.push(`${opened.damage.reason}: ${opened.damage.detail}`);
      child.kill('SIGKILL');
      break;
    }
    const { journal } = opened;
    const append = async (): Promise<void> => {
      const { sequence } = await journal.append(1, Buffer.from(`0/${stop}/0`));
      acked.set(String(sequence), `0/${stop}/0`);
    };
    await append();
    child.kill('SIGCONT');
    for (let i = 0; i < 5; i += 1) await append();
    await ended;
    if (!error.includes('journal.fenced') && !error.includes('evidence.unwritable')) wrong.push(`the writer that was stopped ended otherwise: ${error.slice(0, 300)}`);
    await append();
    for (const line of said.split('\n').slice(0, -1)) acked.set(line.split(' ')[0] ?? '', line.split(' ')[1] ?? '');
    const found = new Map<string, string>();
    for await (const { sequence, payload } of journal.read({ from: journal.firstSequence })) found.set(String(sequence), /^[\d/]+/.exec(Buffer.from(payload).toString('latin1'))?.[0] ?? '');
    for (const [sequence, name] of acked) if (Number(sequence) >= journal.firstSequence && found.get(sequence) !== name) wrong.push(`record ${sequence} was ${name}, and is ${found.get(sequence)}`);
    await journal.close();
  }
  return { acknowledged: acked.size, wrong: wrong.slice(0, 20) };
}
