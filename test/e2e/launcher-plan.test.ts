import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { helperPath } from '../../src/compose/local.ts';
import { seededRandom } from '../crash/kill-campaign.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-launcher-`);
const marker = `${folder}/marker`;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KIND = { stage: 8, exec: 11, end: 12 } as const;

function record(kind: number, ...fields: string[]): Buffer {
  const parts = [Buffer.of(kind, fields.length)];
  for (const field of fields) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(Buffer.byteLength(field));
    parts.push(size, Buffer.from(field));
  }
  return Buffer.concat(parts);
}

/** A plan that makes the marker: what is executed is touch, in place of bubblewrap. */
const records = [record(KIND.stage, '/mnt'), record(KIND.exec, '/usr/bin/touch'), record(KIND.exec, marker), record(KIND.end)];
const plan = Buffer.concat(records);

/** In a mount namespace of its own, should it come as far as mounting. */
function launch(bytes: Buffer, supervisor = process.pid): { status: number | null; stderr: string } {
  writeFileSync(`${folder}/plan`, bytes);
  const fd = openSync(`${folder}/plan`, 'r');
  try {
    const { status, stderr } = spawnSync('unshare', ['-m', '--propagation', 'private', helperPath(), 'launch', '3', String(supervisor)], { stdio: ['ignore', 'ignore', 'pipe', fd], encoding: 'utf8' });
    return { status, stderr };
  } finally {
    closeSync(fd);
  }
}

function expectRefused(bytes: Buffer, what: string, supervisor?: number): void {
  const { status, stderr } = launch(bytes, supervisor);
  expect(status, `${what}: ${stderr}`).not.toBe(0);
  expect(existsSync(marker), `${what} ran something`).toBe(false);
}

describe.skipIf(process.geteuid?.() !== 0)('the launcher (needs root, for a mount namespace)', () => {
  it('follows a whole plan: the control for what is below', () => {
    expect(launch(plan)).toEqual({ status: 0, stderr: '' });
    expect(existsSync(marker)).toBe(true);
    rmSync(marker);
  });

  it('runs nothing from a plan that is cut anywhere [N5]', () => {
    for (let kept = 0; kept < plan.byteLength; kept += 1) expectRefused(plan.subarray(0, kept), `cut to ${kept}`);
  });

  it('runs nothing from a plan with more behind its end, records of no kind, or too many fields', () => {
    expectRefused(Buffer.concat([plan, record(KIND.end)]), 'a second end');
    expectRefused(Buffer.concat([plan, Buffer.of(0)]), 'a byte more');
    for (const kind of [0, 13, 128, 255]) expectRefused(Buffer.concat([record(kind, 'x'), plan]), `kind ${kind}`);
    expectRefused(Buffer.concat([record(KIND.exec, ...Array.from({ length: 9 }, () => 'x')), plan]), 'nine fields');
    expectRefused(Buffer.concat([...Array.from({ length: 600 }, () => record(KIND.stage, '/mnt')), plan]), 'too many records');
    expectRefused(Buffer.concat([record(KIND.stage, '/mnt\0/etc'), ...records.slice(1)]), 'a NUL in a text');
    expectRefused(Buffer.concat([Buffer.alloc(5 * 1024 * 1024), plan]), 'five megabytes');
  });

  it('runs nothing from a plan whose structure is changed at random', () => {
    const seed = Date.now() % 2 ** 31;
    const random = seededRandom(seed);
    const structure: number[] = [];
    for (let at = 0, i = 0; i < records.length; at += records[i]?.byteLength ?? 0, i += 1) for (let k = 0; k < (i === records.length - 1 ? 2 : 6); k += 1) structure.push(at + k);
    for (let i = 0; i < 120; i += 1) {
      const bytes = Buffer.from(plan);
      const at = structure[Math.floor(random() * structure.length)] as number;
      bytes[at] = ((bytes[at] ?? 0) + 1 + Math.floor(random() * 255)) % 256;
      expectRefused(bytes, `seed ${seed}, byte ${at} to ${bytes[at]}`);
    }
  });

  it('runs nothing for a supervisor that is gone', () => expectRefused(plan, 'an orphan', 1));
});
