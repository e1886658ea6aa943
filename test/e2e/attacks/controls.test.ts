import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { SCENARIOS } from '../../../src/attacks/suite.ts';
import { attackProgramPath, batchList } from '../../../src/compose/attacks.ts';
import { helperPath } from '../../../src/compose/local.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-controls-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
spawnSync('chmod', ['0755', root]);

const hostMount = String(statSync('/proc/self/ns/mnt').ino);

describe('the program of the attacks', () => {
  const marker = `${root}/marker`;
  const list = `${root}/harmless`;
  writeFileSync(list, `harmless\t1000\tsh\ttouch ${marker}\n`);

  it.each([
    ['with the inode of the host', hostMount, 0],
    ['with another inode', '4026531999', 0],
    ['with no inode', '', 0],
    ['as another user', hostMount, 65534],
  ])('tries nothing outside of a cell: %s', (_name, inode, uid) => {
    const program = `${root}/cellos-attack`;
    copyFileSync(attackProgramPath(), program);
    for (const args of [['batch', inode, list], ['solo', inode, 'sh', `touch ${marker}`]]) {
      const result = spawnSync(program, args, process.geteuid?.() === 0 ? { uid, gid: uid } : {});
      expect(result.status).toBe(99);
      expect(result.stderr.toString()).toMatch(/not in a cell .*: nothing was tried/);
      expect(existsSync(marker)).toBe(false);
    }
  });
});

/** Harmless where they succeed, and held by nothing but our own filter: where it is missing they have to succeed, or they prove nothing. */
const HELD_BY_THE_FILTER_ALONE = [
  'processes.ptrace-me', 'processes.ptrace-child', 'processes.vm-readv', 'namespaces.unshare-user', 'namespaces.unshare-user-mnt', 'namespaces.clone-user', 'kernel-surface.keyctl', 'kernel-surface.add-key',
  'kernel-surface.io-uring-setup', 'kernel-surface.personality', 'kernel-surface.netlink-audit', 'kernel-surface.netlink-generic', 'abi-bypass.clone-high', 'abi-bypass.netlink-high', 'abi-bypass.personality-high',
  'abi-bypass.filter-stacked', 'identity.setuid-own',
];

describe('a cell whose filter allows everything', () => {
  it('lets the attacks through that only the filter holds', () => {
    const filter = `${root}/allow-all`;
    writeFileSync(filter, Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]));
    const attacks = SCENARIOS.flatMap((scenario) => scenario.attacks).filter((attack) => HELD_BY_THE_FILTER_ALONE.includes(attack.id));
    expect(attacks.length).toBe(HELD_BY_THE_FILTER_ALONE.length);
    writeFileSync(`${root}/list`, batchList(attacks, (text) => text.replaceAll('/work', '/tmp/work')));
    for (const path of [attackProgramPath(), helperPath()]) copyFileSync(path, `${root}/${path.split('/').at(-1)}`);
    const options = ['--unshare-all', '--unshare-user', '--die-with-parent', '--cap-drop', 'ALL', '--uid', '1000', '--gid', '1000', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', '/tmp/work', '--tmpfs', '/run'];
    const shown = ['--ro-bind', `${root}/cellos-cell`, '/run/cellos/bin/init', '--ro-bind', `${root}/cellos-attack`, '/tmp/cellos-attack', '--ro-bind', `${root}/list`, '/tmp/list'];
    const result = spawnSync('bwrap', [...options, ...shown, '--seccomp', '3', '--', '/tmp/cellos-attack', 'batch', hostMount, '/tmp/list'], {
      stdio: ['ignore', 'pipe', 'pipe', openSync(filter, 'r')],
      ...(process.geteuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}),
    });
    expect(result.stderr.toString()).toBe('');
    const answers = Object.fromEntries(result.stdout.toString().trim().split('\n').map((line) => line.split('\t') as [string, string]));
    expect(answers).toEqual(Object.fromEntries(HELD_BY_THE_FILTER_ALONE.map((id) => [id, 'OK'])));
  });
});

describe('a supervisor with descriptors it did not open itself', () => {
  it('hands none of them to the cell', () => {
    const extra = openSync('/etc/passwd', 'r');
    const stdio = ['ignore', 'pipe', 'pipe', extra, extra, 'ignore', 'ignore', 'ignore', 'ignore', extra] as ('ignore' | 'pipe' | number)[];
    expect(spawnSync('sh', ['-c', 'ls /proc/self/fd'], { stdio }).stdout.toString()).toMatch(/\b9\b/);
    const argv = ['run', '--evidence', `${root}/evidence`, '--ro', `${attackProgramPath()}:/attack/cellos-attack`, '--', '/attack/cellos-attack', 'solo', hostMount, 'inherited'];
    const result = spawnSync('bin/cellos', argv, { stdio, env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state` } });
    expect(result.stdout.toString()).toBe('none\n');
    expect(result.status).toBe(0);
  });
});
