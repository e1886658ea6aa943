import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import type { PlannedCgroup } from '../../core/plan/plan.ts';
import { makeCgroups, probeCgroups, readUsage, removeCgroup } from './cgroup.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-cgroup-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const HYBRID = 'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\ncgroup /sys/fs/cgroup/freezer cgroup rw,freezer 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n';

function fake(name: string, files: Readonly<Record<string, string>>): string {
  const at = `${root}/${name}`;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(`${at}${path.slice(0, path.lastIndexOf('/'))}`, { recursive: true });
    writeFileSync(`${at}${path}`, text);
  }
  return at;
}

describe('probeCgroups()', () => {
  it('finds version 1 controllers where this process is, and the unified hierarchy beside them', () => {
    const at = fake('hybrid', { '/sys/fs/cgroup/memory/jobs/a/tasks': '', '/sys/fs/cgroup/pids/tasks': '', '/sys/fs/cgroup/freezer/tasks': '', '/sys/fs/cgroup/unified/cgroup.subtree_control': '\n' });
    const found = probeCgroups({ root: at, writable: () => true, mounts: HYBRID, selfGroups: '4:memory:/jobs/a\n3:pids:/\n2:freezer:/gone\n0::/\n' });
    expect(found.groups.map(({ controller, version, parent }) => [controller, version, parent.slice(at.length)])).toEqual([
      ['memory', 1, '/sys/fs/cgroup/memory/jobs/a'],
      ['pids', 1, '/sys/fs/cgroup/pids'],
      ['freezer', 1, '/sys/fs/cgroup/freezer'],
      ['unified', 2, '/sys/fs/cgroup/unified'],
    ]);
    expect(found.notes.cpu).toContain('cpu');
  });

  it('takes from version 2 what the parent passes on, and says what it does not', () => {
    const at = fake('unified', { '/sys/fs/cgroup/user/cgroup.subtree_control': 'memory pids\n' });
    const found = probeCgroups({ root: at, writable: () => true, mounts: 'x /sys/fs/cgroup cgroup2 rw 0 0\n', selfGroups: '0::/user\n' });
    expect(found.groups.map((group) => group.controller)).toEqual(['unified', 'memory', 'pids']);
    expect(found.notes.cpu).toContain('cgroup.subtree_control does not pass on cpu');
  });

  it('names the cause when nothing may be made there', () => {
    const at = fake('closed', { '/sys/fs/cgroup/user/cgroup.subtree_control': 'memory\n' });
    const found = probeCgroups({ root: at, writable: () => false, mounts: 'x /sys/fs/cgroup cgroup2 rw 0 0\n', selfGroups: '0::/user\n' });
    expect(found.groups).toEqual([]);
    expect(found.notes.memory).toContain('Delegate=yes');
  });
});

describe('makeCgroups()', () => {
  const group = (path: string, writes: PlannedCgroup['writes']): PlannedCgroup => ({ controller: 'memory', version: 1, path, writes });

  it('leaves no group when a limit cannot be written [G1]', () => {
    const at = `${root}/limits`;
    mkdirSync(at);
    expect(() => makeCgroups([group(`${at}/a`, []), group(`${at}/b`, [{ file: 'no/such/file', value: '1' }])])).toThrow(expect.objectContaining({ code: 'cgroup.failed' }));
    expect(existsSync(`${at}/a`)).toBe(false);
    expect(existsSync(`${at}/b`)).toBe(false);
  });

  it('does not join a group that exists already: it is not ours [G3]', () => {
    const at = `${root}/taken`;
    mkdirSync(`${at}/a`, { recursive: true });
    expect(() => makeCgroups([group(`${at}/a`, [])])).toThrow(expect.objectContaining({ code: 'cgroup.failed' }));
    expect(existsSync(`${at}/a`)).toBe(true);
  });

  it('writes limits in order, and passes over swap accounting that is off', () => {
    const at = `${root}/written`;
    mkdirSync(at);
    makeCgroups([group(`${at}/a`, [{ file: 'memory.limit_in_bytes', value: '1' }, { file: 'memory.memsw.limit_in_bytes', value: '2' }])]);
    expect(readFileSync(`${at}/a/memory.limit_in_bytes`, 'utf8')).toBe('1');
    expect(existsSync(`${at}/a/memory.memsw.limit_in_bytes`)).toBe(false);
  });
});

describe('readUsage()', () => {
  it('reads both versions, and leaves out what nothing counts', () => {
    const at = fake('usage', {
      '/v1m/memory.max_usage_in_bytes': '4096\n',
      '/v1m/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
      '/v1p/pids.events': 'max 7\n',
      '/v2/memory.peak': '8192\n',
      '/v2/memory.events': 'low 0\noom 1\noom_kill 1\n',
      '/v2/cpu.stat': 'usage_usec 12\nnr_throttled 4\n',
      '/v2/pids.peak': '5\n',
    });
    expect(readUsage([{ controller: 'memory', version: 1, path: `${at}/v1m`, writes: [] }, { controller: 'pids', version: 1, path: `${at}/v1p`, writes: [] }])).toEqual({ memoryPeakBytes: 4096, oomKills: 3, pidsRefused: 7 });
    expect(readUsage([{ controller: 'unified', version: 2, path: `${at}/v2`, writes: [] }])).toEqual({ memoryPeakBytes: 8192, oomKills: 1, cpuMicros: 12, pidsPeak: 5, cpuThrottledPeriods: 4 });
  });
});

describe('removeCgroup()', () => {
  it('says so when a group is still held', async () => {
    const at = `${root}/held`;
    mkdirSync(`${at}/child`, { recursive: true });
    expect(await removeCgroup(at, 0)).toBe(false);
    expect(await removeCgroup(`${root}/never-there`, 0)).toBe(true);
  });
});
