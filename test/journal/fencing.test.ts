/** Two writers: the second is refused while the first lives; a first one that only looked dead, and wakes up, acknowledges nothing that is lost. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { openJournal, openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { isCellError } from '../../src/base/errors.ts';
import { recordsOf } from '../../src/testing/contracts/journal.ts';
import { History, modelOptions, openModel } from './history.ts';
import { ModelDisk } from './model-disk.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-fencing-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a writer that was taken for dead', () => {
  it('stops at its next append, and what it says it wrote is there [F2]', async () => {
    const disk = new ModelDisk();
    const history = new History();
    const stale = await openModel(disk);
    await history.append(stale, 'before');
    const next = await openModel(disk);
    const error = await history.append(stale, 'late');
    expect(error).toMatchObject({ code: 'journal.fenced' });
    expect(await history.append(stale, 'later', { urgent: true })).toBe(error);
    await expect(stale.moveCursor('sink', stale.durable)).rejects.toBe(error);
    await history.append(next, 'of the new one');
    await stale.close();
    await history.append(next, 'and another');
    expect(await history.check(next)).toBeUndefined();
    expect((await recordsOf(next)).map(({ payload }) => Buffer.from(payload).toString())).toEqual(['before', 'of the new one', 'and another']);
    await next.close();
    expect(await history.check(await openModel(disk))).toBeUndefined();
  });

  it('may be stopped before any operation of the disk, and wake up when the other one has begun [F2, F3]', async () => {
    const outcomes = new Set<string>();
    for (let stopAt = 0; ; stopAt += 1) {
      const disk = new ModelDisk();
      const history = new History();
      // Two views of one disk: what the stale writer does waits at the chosen pause.
      const stale = await openModel(disk);
      await history.append(stale, 'a'.repeat(1000));
      const sleeping = Promise.withResolvers<void>();
      const asleep = Promise.withResolvers<void>();
      let pauses = 0;
      disk.pause = async () => {
        pauses += 1;
        if (pauses !== stopAt + 1) return;
        asleep.resolve();
        await sleeping.promise;
      };
      const late = (async () => {
        const codes: unknown[] = [];
        for (const name of ['b', 'c', 'd', 'e']) codes.push(await history.append(stale, name.repeat(1000)));
        return codes;
      })();
      const done = await Promise.race([asleep.promise.then(() => false), late.then(() => true)]);
      if (done) break;
      disk.pause = async () => undefined;
      const next = await openModel(disk);
      await history.append(next, 'new'.repeat(300));
      sleeping.resolve();
      for (const error of await late) outcomes.add(error === undefined ? 'acknowledged' : isCellError(error) ? error.code : String(error));
      await history.append(next, 'newer'.repeat(200));
      await stale.close();
      expect(await history.check(next), `stopped at ${stopAt}`).toBeUndefined();
      await next.close();
      expect(await history.check(await openModel(disk)), `stopped at ${stopAt}`).toBeUndefined();
    }
    expect(outcomes.has('journal.fenced')).toBe(true);
    expect([...outcomes].filter((code) => !['acknowledged', 'journal.fenced', 'evidence.unwritable'].includes(code))).toEqual([]);
  });
});

describe('two that open at once', () => {
  it('one gets it, at every interleaving of their operations that was tried', async () => {
    for (let round = 0; round < 200; round += 1) {
      const disk = new ModelDisk();
      const history = new History();
      const first = await openModel(disk);
      await history.append(first, 'x');
      const alive = new Set<number>();
      let turn = round;
      disk.pause = async () => {
        turn = (turn * 1103515245 + 12345) % 2 ** 31;
        for (let i = turn % 5; i > 0; i -= 1) await Promise.resolve();
      };
      const attempts = await Promise.allSettled(
        [1, 2, 3].map(async () => {
          const options = modelOptions({ isAlive: ({ pid }) => alive.has(pid) });
          alive.add(options.owner?.pid ?? 0);
          return openJournal(disk, options);
        }),
      );
      const won = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      for (const attempt of attempts) if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'journal.busy' });
      expect(won.length).toBe(1);
      const [winner] = won;
      if (winner?.state !== 'writable') throw new Error('the journal is damaged');
      await history.append(winner.journal, 'y');
      expect(await history.check(winner.journal)).toBeUndefined();
    }
  });

  it('as processes, 100 times: one writes, the others are refused, nothing is lost', async () => {
    const path = `${root}/raced`;
    const racers = ['a', 'b', 'c', 'd'].map((name) => {
      const child = spawn(process.execPath, ['test/journal/race-child.ts', path, name, '25'], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      return new Promise<string>((resolve, reject) => child.once('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`racer ${name} ended with ${code}`)))));
    });
    const acked = (await Promise.all(racers)).flatMap((said) => said.trim().split('\n').filter((line) => line !== '').map((line) => line.split(' ') as [string, string]));
    const opened = await openJournalFolder(path, { whole: true });
    if (opened.state !== 'writable') throw new Error(opened.damage.detail);
    const records = new Map((await recordsOf(opened.journal)).map(({ sequence, payload }) => [String(sequence), Buffer.from(payload).toString()]));
    await opened.journal.close();
    expect(acked.length).toBeGreaterThanOrEqual(100);
    expect(new Set(acked.map(([sequence]) => sequence)).size).toBe(acked.length);
    for (const [sequence, content] of acked) expect(records.get(sequence)).toBe(content);
  });
});
