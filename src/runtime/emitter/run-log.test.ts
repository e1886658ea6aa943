import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { LIMITS } from '../../base/limits.ts';
import { verifyLogProofs } from '../../core/evidence/log-proof.ts';
import { leafHash } from '../../core/evidence/merkle.ts';
import type { NoteSigner } from '../../core/evidence/signed-note.ts';
import { settled } from '../../testing/fake-clock.ts';
import { FakeClock, MemoryHostLog, MemoryLogStore } from '../../testing/index.ts';
import { type LogFilesOfRun, RunLog } from './run-log.ts';

const key = ed25519SigningKey(new Uint8Array(32).fill(9));
const signer: NoteSigner = { key: { name: 'cellos.dev/log/test/1', publicKey: key.publicKey }, sign: key.sign };
const refused = (code: string) => expect.objectContaining({ code });

/** A host with one log, and a clock. */
function host() {
  const store = new MemoryLogStore();
  const clock = new FakeClock();
  const opened: MemoryHostLog[] = [];
  const steps: string[] = [];
  const open = async (): Promise<MemoryHostLog> => {
    const log = new MemoryHostLog({ store, signer });
    opened.push(log);
    return log;
  };
  const begin = (): Promise<RunLog> => RunLog.open({ open, durable: () => void steps.push(`durable before ${store.heads.length}`), clock });
  return { store, clock, opened, steps, begin };
}

const header = (name: string): Uint8Array => utf8(name);

function prove(run: RunLog, files: LogFilesOfRun, names: readonly string[]): bigint {
  const [first, last] = [names[0] ?? '', names.at(-1) ?? ''].map((name) => leafHash(header(name))) as [Uint8Array, Uint8Array];
  return verifyLogProofs(files, { anchor: run.anchor, count: names.length, first, last }, new Map([['k', key.publicKey]])).checkpoint.size;
}

describe('RunLog', () => {
  it('puts the records of a run into the log, durable before, and proves them', async () => {
    const { store, steps, begin } = host();
    const run = await begin();
    const names = ['a', 'b', 'c'];
    for (const name of names) run.add(header(name));
    expect(prove(run, await run.end(), names)).toBe(3n);
    expect(store.leaves).toEqual(names.map((name) => leafHash(header(name))));
    expect(steps).toEqual(['durable before 0']);
  });

  it('has each record once and in order, however the runs of a host come between [RL1]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ run: fc.nat(2), publish: fc.boolean() }), { minLength: 3, maxLength: 40 }), async (script) => {
        const { store, begin } = host();
        const runs = await Promise.all([begin(), begin(), begin()]);
        const names: string[][] = [['0 begins'], ['1 begins'], ['2 begins']];
        for (const [at, run] of runs.entries()) run.add(header(`${at} begins`));
        for (const [at, { run, publish }] of script.entries()) {
          names[run]?.push(`${run} ${at}`);
          runs[run]?.add(header(`${run} ${at}`));
          if (publish) await runs[run]?.publish();
        }
        const ended = await Promise.all(runs.map((run) => run.end()));
        for (const [at, run] of runs.entries()) prove(run, ended[at] as LogFilesOfRun, names[at] ?? []);
        const order = store.leaves.map((leaf) => Buffer.from(leaf).toString('hex'));
        for (const own of names) {
          const places = own.map((name) => order.indexOf(Buffer.from(leafHash(header(name))).toString('hex')));
          expect(places).toEqual([...places].sort((a, b) => a - b));
        }
        expect(order.length).toBe(names.flat().length);
      }),
      { numRuns: 100 },
    );
  });

  it('is at most a second, or 256 records, behind [RL2]', async () => {
    const { store, clock, begin } = host();
    const run = await begin();
    run.add(header('a'));
    await clock.advance(LIMITS.logBehindMsMax - 1);
    await settled();
    expect(store.leaves).toHaveLength(0);
    await clock.advance(1);
    await settled();
    expect(store.leaves).toHaveLength(1);
    for (let n = 0; n < LIMITS.logBehindLeavesMax; n += 1) run.add(header(`b ${n}`));
    await settled();
    expect(store.leaves).toHaveLength(1 + LIMITS.logBehindLeavesMax);
    await run.end();
    await clock.advance(10 * LIMITS.logBehindMsMax);
    await settled();
    expect(store.heads).toHaveLength(2);
  });

  it('tells the next call what could not be published, and proves nothing any more [RL2] [RL3]', async () => {
    for (const how of ['before-effect', 'after-effect'] as const) {
      const { opened, clock, begin } = host();
      const run = await begin();
      run.add(header('a'));
      opened[0]?.faults.arm('publish', how);
      await clock.advance(LIMITS.logBehindMsMax);
      await settled();
      expect(() => run.add(header('b'))).toThrow(refused('evidence.unwritable'));
      await expect(run.end()).rejects.toThrow(refused('evidence.unwritable'));
    }
  });

  it('publishes nothing that is not durable', async () => {
    const { store, clock } = host();
    const lost = new Error('no space');
    const run = await RunLog.open({ open: async () => new MemoryHostLog({ store, signer }), durable: () => { throw lost; }, clock });
    run.add(header('a'));
    await expect(run.end()).rejects.toThrow('no space');
    expect(store.heads).toHaveLength(0);
  });

  it('gives up when others are always first', async () => {
    const { store, clock } = host();
    const other = new MemoryHostLog({ store, signer });
    const run = await RunLog.open({
      open: async () => {
        const log = new MemoryHostLog({ store, signer });
        other.append([leafHash(header(`other ${other.size}`))]);
        await other.publish();
        return log;
      },
      durable: () => undefined,
      clock,
    });
    run.add(header('a'));
    await expect(run.end()).rejects.toThrow(refused('evidence.unwritable'));
  });

  it('publishes nothing after it was given up', async () => {
    const { store, clock, begin } = host();
    const run = await begin();
    run.add(header('a'));
    run.abandon();
    await clock.advance(10 * LIMITS.logBehindMsMax);
    await settled();
    expect(store.heads).toHaveLength(0);
  });
});
