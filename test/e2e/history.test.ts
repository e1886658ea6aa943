/** Runs of a host, and what somebody kept, against its log. The rows of the tamper matrix that one bundle alone cannot show. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-history-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function host(name: string) {
  const state = `${root}/${name}`;
  const env = { PATH: process.env['PATH'], CELLOS_STATE_DIR: state };
  const cellos = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('bin/cellos', args, { env, input: '', encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const runs = (): string[] => readdirSync(`${state}/runs`).sort();
  const run = (): string => {
    const before = new Set(runs());
    cellos('run', '-q', '--', 'true');
    return runs().find((id) => !before.has(id)) ?? expect.fail('no run');
  };
  const history = (...args: string[]) => {
    const { status, stdout, stderr } = cellos('history', '--json', ...args);
    return { status, stderr, report: JSON.parse(stdout || '{}') as { verdict: string; size: string; items: { standing: string; runId?: string; found?: number; records?: number }[]; unseen: { first: number; last: number }[] } };
  };
  return { state, env, cellos, runs, run, history };
}

const a = host('a');
a.cellos('keys', 'list'); // makes the state folder
a.cellos('run', '-q', '--', 'true');
const [first = ''] = a.runs();
const second = a.run();
const third = a.run();
const kept = `${root}/kept.txt`;
a.history('-o', kept);
const copyOf = (name: string) => {
  spawnSync('cp', ['-a', a.state, `${root}/${name}`]); // with its modes
  return host(name);
};
const trust = `${root}/trust.json`;
a.cellos('keys', 'export', '-o', trust);

describe('cellos history', () => {
  it('of a host: every run is of one history, and it goes on from a checkpoint that was kept', () => {
    const now = a.history(kept);
    expect(now).toMatchObject({ status: 0, report: { verdict: 'complete', size: '54', unseen: [] } });
    expect(now.report.items.map(({ standing }) => standing)).toEqual(['part', 'part', 'part', 'part']);
    const b = copyOf('goes-on');
    b.run();
    expect(b.history(kept)).toMatchObject({ status: 0, report: { verdict: 'complete', size: '72' } });
    expect(b.cellos('history', kept).stdout).toMatch(/^complete: all of it is of one history\n {2}Log {6}cellos\.dev\/log\/\S+, 72 leaves.*\n {2}Part {5}4 runs, 1 checkpoint\n/);
    expect(b.cellos('history', '-o', kept)).toMatchObject({ status: 64, stderr: expect.stringContaining('exists already') });
  });

  it('elsewhere: with a copy of the log, the trust file, and bundles', () => {
    const nowhere = { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/nowhere` }, encoding: 'utf8' as const };
    const bundle = `${root}/bundle.tar`;
    a.cellos('bundle', second, '--withhold', '3,4', '-o', bundle);
    const asked = spawnSync('bin/cellos', ['history', '--json', '--log', `${a.state}/log`, '--trust', trust, bundle, kept], nowhere);
    expect([asked.status, JSON.parse(asked.stdout)]).toMatchObject([0, { verdict: 'complete', unseen: [{ first: 0, last: 17 }, { first: 36, last: 53 }] }]);
    expect(existsSync(`${root}/nowhere`)).toBe(false);
    expect(spawnSync('bin/cellos', ['verify', '--trust', kept, bundle], nowhere)).toMatchObject({ status: 65, stderr: expect.stringContaining(`(the trust file ${kept})`) });
    const other = host('other');
    other.cellos('run', '-q', '--', 'true');
    other.cellos('keys', 'export', '-o', `${root}/other.json`);
    expect(spawnSync('bin/cellos', ['history', '--log', `${a.state}/log`, '--trust', `${root}/other.json`], nowhere)).toMatchObject({ status: 12, stderr: expect.stringContaining('Cannot trust the checkpoint') });
    expect(other.history(`${a.state}/runs/${first}`, '--trust', trust, '--trust', `${root}/other.json`)).toMatchObject({ status: 10, report: { verdict: 'incomplete-tail' } });
  });

  it('delete a whole run: its leaves are of nobody', () => {
    const b = copyOf('deleted');
    rmSync(`${b.state}/runs/${second}`, { recursive: true });
    expect(b.history()).toMatchObject({ status: 0, report: { unseen: [{ first: 18, last: 35 }] } });
    expect(b.history('--all').status).toBe(10);
    expect(b.cellos('history').stdout).toContain('18 leaves of runs that were removed, or not given: 18 to 35');
  });

  it('drop the tail, though the log covered it: leaves of nobody, and a run without an end', () => {
    const b = copyOf('cut');
    const bundle = `${b.state}/runs/${third}`;
    const lines = readFileSync(`${bundle}/records.jsonl`, 'utf8').split('\n');
    for (const name of ['attestation.dsse.json', 'checkpoint.txt', 'proofs.json']) rmSync(`${bundle}/${name}`);
    writeFileSync(`${bundle}/records.jsonl`, `${lines.slice(0, 10).join('\n')}\n`);
    const { status, report } = b.history('--all');
    expect([status, report.unseen]).toEqual([10, [{ first: 46, last: 53 }]]);
    expect(report.items).toContainEqual(expect.objectContaining({ runId: third, standing: 'unfinished', records: 10, found: 10 }));
  });

  it('show two histories: what one of them gave away does not stand in the other', () => {
    const [b, c] = [copyOf('two'), copyOf('three')];
    b.run();
    const shown = c.run();
    c.history('-o', `${root}/of-c.txt`);
    c.run();
    c.history('-o', `${root}/ahead-of-b.txt`);
    const { status, report } = b.history(`${c.state}/runs/${shown}`, `${root}/of-c.txt`, `${root}/ahead-of-b.txt`, kept);
    expect([status, report.verdict, report.items.slice(-4).map(({ standing }) => standing)]).toEqual([11, 'tampered', ['other', 'other', 'ahead', 'part']]);
    expect(b.cellos('history', `${root}/of-c.txt`).stdout).toContain('is of another history');
  });

  it('put the log back, with the runs of then: a checkpoint that was kept is ahead', () => {
    const before = copyOf('put-back');
    a.run();
    a.history('-o', `${root}/later.txt`);
    expect(before.history(kept, `${root}/later.txt`)).toMatchObject({ status: 11, report: { verdict: 'tampered' } });
    expect(before.cellos('history', `${root}/later.txt`).stdout).toContain('is ahead of the log');
  });

  it('begin the log anew: what was kept is of another one', () => {
    const b = copyOf('anew');
    rmSync(`${b.state}/log`, { recursive: true });
    b.run();
    const { status, report } = b.history(kept);
    expect([status, report.verdict]).toEqual([10, 'incomplete-tail']);
    expect(report.items.filter(({ standing }) => standing !== 'elsewhere').map(({ standing, records }) => [standing, records])).toEqual([['part', 18]]);
    expect(report.items.at(-1)?.standing).toBe('elsewhere');
  });

  it('a tile, a record or a checkpoint that was changed', () => {
    const b = copyOf('changed');
    const partial = `${b.state}/log/tile/0/000.p/${b.history().report.size}`;
    const bytes = readFileSync(partial);
    writeFileSync(partial, bytes.with(40, (bytes[40] ?? 0) ^ 1));
    expect(b.history()).toMatchObject({ status: 11, stderr: expect.stringContaining('not the one that its checkpoint was signed for') });
    writeFileSync(partial, bytes);
    const records = `${b.state}/runs/${first}/records.jsonl`;
    writeFileSync(records, readFileSync(records, 'utf8').replace('"tier":"host"', '"tier":"guest"'));
    expect(b.history()).toMatchObject({ status: 11, report: { verdict: 'tampered' } });
    writeFileSync(`${root}/forged.txt`, readFileSync(kept, 'utf8').replace('\n54\n', '\n53\n'));
    expect(a.history(`${root}/forged.txt`)).toMatchObject({ status: 11 });
    expect(a.history(`${root}/no-such-thing.txt`)).toMatchObject({ status: 64, stderr: expect.stringContaining('no such bundle or checkpoint') });
    expect(host('nothing-ran').history()).toMatchObject({ status: 64, stderr: expect.stringContaining('from its first run on') });
    rmSync(`${b.state}/log/checkpoint`);
    expect(b.history()).toMatchObject({ status: 64, stderr: expect.stringContaining('has no checkpoint') });
  });

  it('a run whose supervisor was killed has no end, and what the log has of it is found', async () => {
    const b = copyOf('killed');
    const supervisor = spawn('bin/cellos', ['run', '--', 'sh', '-c', 'echo up; exec sleep 1000'], { env: b.env, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(supervisor, 'exit');
    await once(supervisor.stdout, 'data');
    expect(b.history().report.items.map(({ standing }) => standing)).toContain('unfinished');
    supervisor.kill('SIGKILL');
    await ended;
    mkdirSync(`${b.state}/runs/01m00000000000000000000000`, { mode: 0o700 }); // killed before its first record
    writeFileSync(`${b.state}/runs/01m00000000000000000000000/records.jsonl`, '');
    b.run(); // sweeps
    const { status, report } = b.history('--all');
    expect([status, report.items.filter(({ standing }) => standing === 'unfinished').length, report.unseen]).toEqual([0, 2, []]);
    rmSync(`${b.state}/runs/01m00000000000000000000000/records.jsonl`);
    expect(b.history('--all').status).toBe(0);
  }, 60_000);
});
