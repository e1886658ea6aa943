import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { logFilesIn } from '../../src/adapters/log/log-files.ts';
import { verifyConsistency, verifyInclusion } from '../../src/core/evidence/merkle-proofs.ts';
import { checkTiles, tilePath } from '../../src/core/evidence/tiles.ts';
import type { HostLog, LogHead } from '../../src/ports/host-log.ts';
import { seededRandom } from './kill-campaign.ts';
import { batchSize, leafOf, openLog } from './log-writer.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-log-kill-`);
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

interface Acknowledged {
  readonly writer: string;
  readonly batch: number;
  readonly first: bigint;
  readonly size: bigint;
}

/** Runs a writer until it has acknowledged `batches`, and then for some time more, and kills it. */
async function writeAndKill(folder: string, writer: string, batches: number, moreMs: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, ['test/crash/log-writer.ts', folder, writer], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  let text = '';
  let seen = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    seen();
  });
  const ended = once(child, 'close');
  await new Promise<void>((resolve) => {
    seen = () => text.split('\n').length > batches && resolve();
    void ended.then(() => resolve());
  });
  await wait(moreMs);
  child.kill('SIGKILL');
  await ended;
  children.delete(child);
  return text.split('\n').slice(0, -1).map((line) => {
    const [batch, first, size] = line.split(' ');
    return { writer, batch: Number(batch), first: BigInt(first as string), size: BigInt(size as string) };
  });
}

/** Everything acknowledged is where it was said to be, and each head is the beginning of the newest. */
function sound(folder: string, log: HostLog, acknowledged: readonly Acknowledged[], heads: readonly LogHead[]): void {
  const head = log.head as LogHead;
  for (const { writer, batch, first, size } of acknowledged) {
    expect(size).toBe(first + BigInt(batchSize(batch)));
    for (const at of [0, batchSize(batch) - 1]) {
      const index = first + BigInt(at);
      expect(verifyInclusion({ leafHash: leafOf(writer, batch, at), index, size: head.size, proof: log.inclusionProof(index), root: head.root }), `${writer}/${batch}`).toBe(true);
    }
  }
  for (const older of heads) expect(verifyConsistency({ size1: older.size, size2: head.size, root1: older.root, root2: head.root, proof: log.consistencyProof(older.size) })).toBe(true);
  const files = logFilesIn(folder);
  checkTiles(head, (tile) => files.read(tilePath(tile)) ?? files.read(tilePath({ ...tile, width: 256 })) ?? expect.fail(`no ${tilePath(tile)}`));
}

it('a writer that is killed at any moment loses no leaf it acknowledged, and the next goes on [X1] [X2]', async () => {
  const folder = `${root}/one`;
  const random = seededRandom(20_261);
  const acknowledged: Acknowledged[] = [];
  const heads: LogHead[] = [];
  for (let round = 0; round < 8; round += 1) {
    acknowledged.push(...(await writeAndKill(folder, `w${round}`, 1 + Math.floor(random() * 8), random() * 12)));
    const log = openLog(folder);
    sound(folder, log, acknowledged, heads);
    heads.push(log.head as LogHead);
  }
  expect(acknowledged.length).toBeGreaterThan(8);
});

it('writers that run at a time, and are killed, take no place from each other [X4]', async () => {
  const folder = `${root}/three`;
  const random = seededRandom(20_262);
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < 2; round += 1) {
    const done = await Promise.all([0, 1, 2].map((n) => writeAndKill(folder, `r${round}w${n}`, 6, random() * 20)));
    acknowledged.push(...done.flat());
  }
  sound(folder, openLog(folder), acknowledged, []);
  const places = acknowledged.map(({ first }) => first);
  expect(new Set(places).size).toBe(places.length);
  expect(acknowledged.length).toBeGreaterThanOrEqual(36);
});
