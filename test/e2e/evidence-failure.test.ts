import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeCgroups } from '../../src/adapters/os/cgroup.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-full-`);
const state = `${folder}/state`;
const env = { PATH: process.env['PATH'], CELLOS_STATE_DIR: state };

beforeAll(() => void spawnSync('bin/cellos', ['run', '--quiet', '--', 'true'], { env }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function groups(): string[] {
  return probeCgroups({ writable: () => true }).groups.flatMap(({ parent }) => readdirSync(parent).filter((name) => name.startsWith('cellos-')).map((name) => `${parent}/${name}`));
}

function expectNothingLeft(before: readonly string[]): void {
  expect(readdirSync(`${state}/live`)).toEqual([]);
  expect(readdirSync(`${state}/scratch`)).toEqual([]);
  const runIds = readdirSync(`${state}/runs`);
  expect(groups().filter((path) => !before.includes(path) && runIds.some((id) => path.endsWith(id)))).toEqual([]);
}

/** Runs in a mount namespace of its own, with a file system of that size for the evidence. */
function runOnDisk(sizeBytes: number, argv: readonly string[]): { status: number | null; stderr: string; stdout: string } {
  const disk = mkdtempSync(`${folder}/disk-`);
  const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift && cd . && disk="$1" && shift && exec bin/cellos run --evidence "$disk/evidence" --export big=big -- "$@"';
  return spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', String(sizeBytes), disk, ...argv], { env, encoding: 'utf8', timeout: 50_000, maxBuffer: 64 * 1024 * 1024 });
}

describe.skipIf(process.geteuid?.() !== 0)('evidence that cannot be written (needs root, to mount a small disk)', () => {
  it.each([
    ['before the cell', 4096, ['sh', '-c', 'echo ran']],
    ['while the command writes', 128 * 1024, ['sh', '-c', 'yes | head -c 4000000; sleep 60; echo survived']],
    ['while an artifact is copied', 128 * 1024, ['sh', '-c', 'head -c 4000000 /dev/zero > big']],
  ] as const)('%s: the cell is dead, exit 123, nothing is left, and the message says where and why', (_, size, argv) => {
    const before = groups();
    const { status, stderr, stdout } = runOnDisk(size, argv);
    expect(stderr).toMatch(/^cellos: Cannot .*\/disk-\w+\/evidence.*(ENOSPC|no space left)/m);
    expect(status).toBe(123);
    expect(stdout).not.toContain('survived');
    expectNothingLeft(before);
  });

  it('does not begin where the evidence has no place', () => {
    const before = groups();
    mkdirSync(`${folder}/used`);
    writeFileSync(`${folder}/used/file`, '');
    for (const evidence of [`${folder}/used`, `${folder}/used/file`, `${folder}/used/file/below`]) {
      const { status, stderr, stdout } = spawnSync('bin/cellos', ['run', '--evidence', evidence, '--', 'echo', 'ran'], { env, encoding: 'utf8' });
      expect(stderr).toContain(evidence);
      expect(status).toBe(123);
      expect(stdout).toBe('');
    }
    expectNothingLeft(before);
  });
});

describe('keys that cannot be trusted', () => {
  const path = `${state}/keys/keys.json`;
  const cases: [string, () => void][] = [
    ['readable by others', () => chmodSync(path, 0o644)],
    ['damaged', () => writeFileSync(path, readFileSync(path, 'utf8').slice(0, -10))],
    ['empty', () => writeFileSync(path, '')],
    ['of another version', () => writeFileSync(path, '{"v":2}')],
    ['a link', () => { writeFileSync(`${folder}/keys`, readFileSync(path)); rmSync(path); symlinkSync(`${folder}/keys`, path); }],
    ['a folder', () => { rmSync(path); mkdirSync(path); }],
  ];
  it.each(cases)('%s: nothing is run, exit 123', (_, spoil) => {
    const before = groups();
    const runs = readdirSync(`${state}/runs`).length;
    const good = readFileSync(path);
    spoil();
    try {
      const { status, stderr, stdout } = spawnSync('bin/cellos', ['run', '--', 'sh', '-c', 'echo ran'], { env, encoding: 'utf8' });
      expect(stderr).toMatch(/^cellos: Cannot use .*keys\.json/m);
      expect(status).toBe(123);
      expect(stdout).toBe('');
      expect(readdirSync(`${state}/runs`)).toHaveLength(runs);
      expectNothingLeft(before);
    } finally {
      rmSync(path, { recursive: true, force: true });
      writeFileSync(path, good, { mode: 0o600 });
    }
    expect(existsSync(path)).toBe(true);
  });
});
