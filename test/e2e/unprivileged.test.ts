/** The programs as a user without any right of root's runs them: from a folder of theirs, when the tests are root's as another user. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { startTimeOf } from '../../src/adapters/os/procfs.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-user-`);
const someone = process.geteuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
chmodSync(root, 0o755);
cpSync('build/programs', `${root}/programs`, { recursive: true });
copyFileSync(process.execPath, `${root}/node`);
chmodSync(`${root}/node`, 0o755);
mkdirSync(`${root}/home`);
if (someone.uid !== undefined) chownSync(`${root}/home`, someone.uid, someone.gid);

const program = [`${root}/node`, `${root}/programs/cellos.cjs`] as const;
const options = { ...someone, cwd: `${root}/home`, env: { PATH: '/usr/bin:/bin', HOME: `${root}/home` } };

function cellos(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program[0], [program[1], ...args], { ...options, input: '', encoding: 'utf8' });
  return { status, stdout, stderr };
}

interface PlanItem {
  readonly name: string;
  readonly status: string;
}

const planOf = (...asks: string[]): PlanItem[] => (JSON.parse(cellos('plan', '--json', ...asks, '--', 'true').stdout) as { items: PlanItem[] }).items;

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('cellos without root', () => {
  it('runs a cell whose evidence is complete, and says in it what is not enforced', () => {
    const result = cellos('run', '--evidence', `${root}/home/evidence`, '--', 'sh', '-c', 'id -u; grep -c NoNewPrivs:.1 /proc/self/status; unshare -U true 2>/dev/null || echo held; exit 7');
    expect(result).toMatchObject({ status: 7, stdout: '1000\n1\nheld\n' });
    expect(cellos('verify', `${root}/home/evidence`)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^complete\b/) });
    const items = planOf();
    expect(items.filter((item) => item.name.startsWith('namespace.')).every((item) => item.status === 'enforced')).toBe(true);
    expect(items.find((item) => item.name === 'user.host-uid')?.status).not.toBe('enforced');
    expect(readFileSync(`${root}/home/evidence/records.jsonl`, 'utf8')).toContain('user.host-uid');
  });

  it('refuses a limit that it cannot enforce, and runs nothing', () => {
    const limit = planOf('--memory', '256M').find((item) => item.name === 'limit.memory');
    const result = cellos('run', '--memory', '256M', '--rw', `${root}/home:/work/home`, '--', 'touch', '/work/home/ran');
    expect({ status: result.status, ran: existsSync(`${root}/home/ran`) }).toEqual(limit?.status === 'enforced' ? { status: 0, ran: true } : { status: 121, ran: false });
    if (limit?.status !== 'enforced') expect(result.stderr).toContain('--allow-downgrade limit.memory');
    rmSync(`${root}/home/ran`, { force: true });
    expect(cellos('run', '-q', '--memory', '256M', '--allow-downgrade', 'limit.memory', '--', 'true').status).toBe(0);
  });

  it('brings the changes of a workspace back under the name of the user', () => {
    const work = `${root}/home/project`;
    mkdirSync(work);
    for (const name of ['a', 'b']) writeFileSync(`${work}/${name}`, 'old\n');
    if (someone.uid !== undefined) for (const path of [work, `${work}/a`, `${work}/b`]) chownSync(path, someone.uid, someone.gid);
    const result = cellos('run', '--workspace', work, '--evidence', `${root}/home/changed`, '--apply', '--', 'sh', '-c', 'rm a; echo new > b; mkdir d; echo made > d/e');
    expect(result).toMatchObject({ status: 0, stderr: expect.stringContaining('workspace: 2 added, 1 modified, 1 deleted; applied') });
    expect(existsSync(`${work}/a`)).toBe(false);
    expect([readFileSync(`${work}/b`, 'utf8'), readFileSync(`${work}/d/e`, 'utf8')]).toEqual(['new\n', 'made\n']);
    expect(statSync(`${work}/d/e`).uid).toBe(someone.uid ?? process.geteuid?.());
    expect(cellos('verify', `${root}/home/changed`).stdout).toMatch(/^complete\b/);
  });

  it('ends and lists what a killed supervisor left', async () => {
    const supervisor = spawn(program[0], [program[1], 'run', '--', 'sh', '-c', 'setsid -f sleep 1000; echo ready; sleep 1000'], { ...options, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(supervisor, 'exit');
    await once(supervisor.stdout, 'data');
    const live = JSON.parse(cellos('ps', '--json').stdout.split('\n')[0] ?? '') as { runId: string; state: string };
    expect(live.state).toBe('running');
    const mark = JSON.parse(readFileSync(`${root}/home/.local/state/cellos/live/${live.runId}.json`, 'utf8')) as { cell: { init: { pid: number; startTime: string } } };
    supervisor.kill('SIGKILL');
    await ended;
    expect(cellos('run', '-q', '--', 'true').status).toBe(0);
    expect(startTimeOf(mark.cell.init.pid)).not.toBe(mark.cell.init.startTime);
    const listed = cellos('ps', '--json').stdout.trim().split('\n').map((line) => JSON.parse(line) as { runId: string; state: string });
    expect(listed.find((run) => run.runId === live.runId)?.state).toBe('unsealed');
  });
});
