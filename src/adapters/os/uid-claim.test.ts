import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { claimUid, type UidClaim } from './uid-claim.ts';

/** Numbers no cell of this test run uses: above every uid that is made from a pid. */
const uidOf = (slot: number): number => 0x9000_0000 + process.pid * 256 + slot;

it('claimUid() gives every slot once, refuses when all are taken, and gives a released one again', async () => {
  const claims: UidClaim[] = [];
  try {
    for (let i = 0; i < 256; i += 1) claims.push(await claimUid(uidOf));
    expect(new Set(claims.map((claim) => claim.slot)).size).toBe(256);
    expect(await claimUid(uidOf).catch((error: unknown) => isCellError(error, 'backend.failed'))).toBe(true);
    const released = claims.pop();
    await released?.release();
    claims.push(await claimUid(uidOf));
    expect(claims.at(-1)?.slot).toBe(released?.slot);
  } finally {
    await Promise.all(claims.map((claim) => claim.release()));
  }
});

it('claimUid() never gives two threads of a process the same slot', async () => {
  const mine = await claimUid(uidOf);
  const source = `
    import { parentPort } from 'node:worker_threads';
    const { claimUid } = await import(${JSON.stringify(new URL('./uid-claim.ts', import.meta.url).href)});
    const claims = [];
    for (let i = 0; i < 255; i += 1) claims.push(await claimUid((slot) => ${uidOf(0)} + slot));
    parentPort.postMessage(claims.map((claim) => claim.slot));
    await Promise.all(claims.map((claim) => claim.release()));
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  try {
    const theirs = await new Promise<number[]>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(theirs).toHaveLength(255);
    expect(theirs).not.toContain(mine.slot);
  } finally {
    await worker.terminate();
    await mine.release();
  }
});
