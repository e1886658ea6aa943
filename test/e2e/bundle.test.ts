/** Bundles of real runs as files to give away. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-bundle-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const env = { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state` };

function cellos(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('bin/cellos', args, { env, input: '', encoding: 'utf8' });
  return { status, stdout, stderr };
}

const ran = cellos('run', '--export', 'made=made', '--', 'sh', '-c', 'echo tell-nobody | tee made');
const id = readdirSync(`${root}/state/runs`)[0] ?? '';
const trust = `${root}/trust.json`;
cellos('keys', 'export', '-o', trust);

/** As somebody elsewhere sees it: with the trust file alone. */
const verified = (path: string) => {
  const { status, stdout } = spawnSync('bin/cellos', ['verify', '--json', '--trust', trust, path], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/nowhere` }, encoding: 'utf8' });
  return { status, report: JSON.parse(stdout) as { verdict: string; count: number } };
};

describe('cellos bundle', () => {
  it('writes one file that verifies elsewhere, the same each time, and one that tar knows', () => {
    expect(ran.status).toBe(0);
    const [first, second] = [`${root}/first.tar`, `${root}/second.tar`];
    expect(cellos('bundle', id, '-o', first)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^complete: .*every event is in it\n$/s) });
    expect(JSON.parse(cellos('bundle', '--json', id, '-o', second).stdout)).toMatchObject({ path: second, verdict: 'complete', runId: id, withheld: [] });
    expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
    expect(verified(first)).toMatchObject({ status: 0, report: { verdict: 'complete' } });
    expect(spawnSync('tar', ['-tf', first], { encoding: 'utf8' }).stdout.split('\n')).toContain(`${id}/records.jsonl`);
    expect(readdirSync(root).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('keeps events back: what they said is nowhere, and the verdict says that something is missing', () => {
    const out = `${root}/without.tar`;
    expect(readFileSync(`${root}/first.tar`, 'latin1')).toContain('tee made');
    const given = cellos('bundle', id, '--withhold', 'plan.effective,process_spawned,process.exited,command.completed', '--withhold', '2-3', '-o', out);
    expect(given).toMatchObject({ status: 0, stdout: expect.stringMatching(/^complete-with-declared-gaps: .* events withheld: record 1, 2, 3, /s) });
    expect(readFileSync(out, 'latin1')).not.toContain('tee made');
    expect(verified(out)).toMatchObject({ status: 0, report: { verdict: 'complete-with-declared-gaps', count: verified(`${root}/first.tar`).report.count } });
    // From an archive again, with more kept back.
    expect(cellos('bundle', out, '--withhold', '5', '-o', `${root}/less.tar`).status).toBe(0);
    expect(verified(`${root}/less.tar`)).toMatchObject({ status: 0, report: { verdict: 'complete-with-declared-gaps' } });
  });

  it('writes nothing that does not verify, over nothing, and nothing that was not meant', () => {
    const out = `${root}/refused.tar`;
    const bad = `${root}/bad.tar`;
    const bytes = readFileSync(`${root}/first.tar`);
    const at = bytes.indexOf('tell-nobody');
    writeFileSync(bad, Buffer.concat([bytes.subarray(0, at), Buffer.from('T'), bytes.subarray(at + 1)]));
    expect(cellos('bundle', bad, '-o', out)).toMatchObject({ status: 11, stderr: expect.stringContaining('its evidence is tampered') });
    expect(cellos('bundle', id, '--withhold', '0', '-o', out)).toMatchObject({ status: 64, stderr: expect.stringContaining('proved by') });
    expect(cellos('bundle', id, '--withhold', 'secret.lease', '-o', out)).toMatchObject({ status: 64, stderr: expect.stringContaining('no such record') });
    expect(cellos('bundle', id)).toMatchObject({ status: 64, stderr: expect.stringContaining('say where it goes') });
    expect(cellos('bundle', id, '-o', `${root}/no/where.tar`)).toMatchObject({ status: 64, stderr: expect.stringContaining('no/where.tar') });
    expect(cellos('bundle', trust, '-o', out).status).not.toBe(0);
    expect(cellos('bundle', id, '-o', `${root}/first.tar`)).toMatchObject({ status: 64, stderr: expect.stringContaining('there already') });
    expect(readFileSync(`${root}/first.tar`).equals(bytes)).toBe(true);
    expect([existsSync(out), readdirSync(root).filter((name) => name.includes('.part'))]).toEqual([false, []]);
  });

  it('refuses a run that is going on, and gives one away whose supervisor was killed', async () => {
    const supervisor = spawn('bin/cellos', ['run', '--', 'sh', '-c', 'echo up; exec sleep 1000'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(supervisor, 'exit');
    await once(supervisor.stdout, 'data');
    const killed = readdirSync(`${root}/state/runs`).find((name) => name !== id) ?? '';
    expect(cellos('bundle', killed, '-o', `${root}/killed.tar`)).toMatchObject({ status: 125, stderr: expect.stringContaining('it is going on') });
    supervisor.kill('SIGKILL');
    await ended;
    cellos('run', '-q', '--', 'true'); // sweeps
    expect(cellos('bundle', killed, '-o', `${root}/killed.tar`)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^incomplete-tail/) });
    expect(verified(`${root}/killed.tar`)).toMatchObject({ status: 10, report: { verdict: 'incomplete-tail' } });
  }, 60_000);
});
