/** Reports and suggestions of real cells. */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-report-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const state = `${root}/state`;
const VALUE = 'a-value-that-nobody-may-see';

function cellos(args: readonly string[], env: Record<string, string> = {}) {
  const result = spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state, TOKEN: VALUE, SPARE: `${VALUE}-too`, ...env }, input: '', encoding: 'utf8' });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function file(name: string, text: string): string {
  writeFileSync(`${root}/${name}`, text);
  return `${root}/${name}`;
}

const lastId = (): string => cellos(['ps', '-aq']).stdout.split('\n')[0] ?? '';

const JOB = file(
  'job.yaml',
  `apiVersion: cellos.io/v1
kind: ExecutionCell
spec:
  id: nightly
  authority:
    secretRefs: [TOKEN, SPARE]
    egressRules: [{ host: api.example.com, port: 443 }]
  lifetime: { ttlSeconds: 600 }
  run:
    argv: [sh, -c, 'secret get TOKEN | wc -c > size.txt; echo "<script>" > "<b>.txt"']
    secretDelivery: runtimeBroker
    timeoutMs: 60000
  export: { artifacts: [{ name: size, path: size.txt }] }
`,
);
const PACK = file('pack.json', JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'ci', version: '1.2.0', rules: { maxLifetimeTtlSeconds: 600 } } }));
mkdirSync(`${root}/work`);
writeFileSync(`${root}/work/old.txt`, 'old');

const ran = cellos(['run', '--policy', PACK, '--workspace', `${root}/work`, '--secret', 'TOKEN', '--secret', 'SPARE', '--allow-downgrade', 'network.egress', JOB]);
const good = lastId();

describe('cellos show --report', () => {
  it('tells a whole run as text, as JSON and as a page, and no secret in any of them', () => {
    expect(ran.status, ran.stderr).toBe(0);
    const text = cellos(['show', '--report', good]);
    expect(text.status).toBe(0);
    for (const line of [/^Evidence complete: nothing is missing/m, /^secret +TOKEN +from env by runtimeBroker +used/m, /^secret +SPARE +.*not used +the command never asked for it/m, /^egress +api\.example\.com:443 +egress rule +could not be used/m, /^network\.egress +weaker/m, /^Decided by +the pack ci 1\.2\.0$/m, /^Changes +2 added, 0 modified, 0 deleted$/m, /^size +size\.txt +nightly\/size +3 B/m, /^clean +lease\.TOKEN +revoked$/m, /^Trusted root +ed25519:[0-9a-f]{16}, trusted by this host$/m]) expect(text.stdout).toMatch(line);
    const model = JSON.parse(cellos(['show', '--report', '--json', good]).stdout);
    expect(model).toMatchObject({ v: 1, run: { id: good, specId: 'nightly', outcome: 'exited', exitCode: 0 }, standing: { kind: 'proven' }, certificate: { residue: 0, unchecked: 0 }, gaps: { sealed: true, attested: true, withheld: [] } });
    expect(model.authority).toContainEqual(expect.objectContaining({ kind: 'secret', name: 'SPARE', use: 'unused' }));
    // What the kernel showed fits what was planned.
    expect(model.items.filter((item: { observed?: { agrees: boolean } }) => item.observed?.agrees === false)).toEqual([]);
    expect(model.items.find((item: { name: string }) => item.name === 'namespace.network').observed.text).toMatch(/^namespace \d+$/);
    const page = `${root}/report.html`;
    expect(cellos(['show', '--html', '-o', page, good])).toMatchObject({ status: 0, stdout: '' });
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('&lt;b&gt;.txt');
    expect(html).not.toMatch(/<script|<b>|<link|src=|https?:/);
    for (const one of [text.stdout, JSON.stringify(model), html]) expect(one).not.toContain(VALUE);
    // The same bundle gives the same page, byte for byte: replaced, not appended to.
    expect(cellos(['show', '--html', '-o', page, good]).status).toBe(0);
    expect(readFileSync(page, 'utf8')).toBe(html);
  });

  it('reads a folder and a tar as verify does, with trust that is given and no state folder', () => {
    const keys = `${root}/keys.json`;
    const tar = `${root}/bundle.tar`;
    expect(cellos(['keys', 'export', '-o', keys]).status).toBe(0);
    spawnSync('tar', ['--format=ustar', '-cf', tar, '-C', `${state}/runs`, good]);
    const elsewhere = { CELLOS_STATE_DIR: `${root}/none` };
    for (const path of [tar, `${state}/runs/${good}`]) {
      const { stdout, status } = cellos(['show', '--report', '--json', '--trust', keys, path], elsewhere);
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ run: { id: good, state: 'sealed', where: path }, audit: { verdict: 'complete' } });
      expect(cellos(['show', '--trust', keys, path], elsewhere).stdout).toMatch(new RegExp(`^Run +${good}, sealed$`, 'm'));
    }
    expect(existsSync(`${root}/none`)).toBe(false);
  });

  it('a changed bundle is told as what it is', () => {
    const bundle = `${root}/tampered`;
    cpSync(`${state}/runs/${good}`, bundle, { recursive: true });
    const records = readFileSync(`${bundle}/records.jsonl`, 'utf8').replace('"exitCode":0,"reason"', '"exitCode":1,"reason"').replace('"ending":"exited","exitCode":0', '"ending":"exited","exitCode":1');
    writeFileSync(`${bundle}/records.jsonl`, records);
    const { stdout } = cellos(['show', '--report', bundle]);
    expect(stdout).toContain('Evidence tampered');
    expect(stdout).toContain('and not what was proven');
    expect(stdout).toMatch(/not proven: exited code 1/);
    appendFileSync(`${bundle}/records.jsonl`, 'no record\n');
    expect(JSON.parse(cellos(['show', '--report', '--json', bundle]).stdout).gaps.unreadable).toBe(1);
  });

  it('a run that failed, one that was refused, and one whose supervisor was killed', async () => {
    cellos(['run', '--', 'sh', '-c', 'exit 3']);
    expect(cellos(['show', '--report', lastId()]).stdout).toMatch(/^✗ It ended: exited, exit code 3/m);
    expect(cellos(['run', JOB]).status).toBe(121);
    const refused = cellos(['show', '--report', lastId()]).stdout;
    expect(refused).toMatch(/^✗ It was refused, and nothing was run: network\.egress cannot be enforced/m);
    expect(refused).toMatch(/^network\.egress +NO /m);
    const run = spawn('bin/cellos', ['run', '--', 'sh', '-c', 'echo up; sleep 60'], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state }, stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => run.stdout.once('data', resolve));
    const [live = ''] = readdirSync(`${state}/live`).filter((name) => name.endsWith('.json'));
    const going = live.replace('.json', '');
    expect(cellos(['show', '--report', going]).stdout).toMatch(/^going on: it can be audited when it is over/m);
    expect(cellos(['policy', 'suggest', going])).toMatchObject({ status: 125 });
    process.kill(JSON.parse(readFileSync(`${state}/live/${live}`, 'utf8')).owner.pid, 'SIGKILL');
    await new Promise((resolve) => run.once('close', resolve));
    const killed = cellos(['show', '--report', going]).stdout;
    expect(killed).toContain('Evidence incomplete-tail');
    expect(killed).toContain('There is no teardown certificate');
    expect(cellos(['policy', 'suggest', going])).toMatchObject({ status: 10, stdout: '' });
    expect(cellos(['run', '--', 'true']).status).toBe(0); // sweeps it
    expect(cellos(['show', '--report', lastId()]).stdout).toContain('This start also swept what a killed supervisor had left of run ');
  });

  it('refuses what makes no sense', () => {
    for (const args of [['--html', '--json', good], ['--out', `${root}/x`, good], ['--html', '-o', `${root}/no/such/folder`, good], ['--report'], ['--report', `${root}/nothing/there`]]) expect([args, cellos(['show', ...args]).status]).toEqual([args, 64]);
    expect(cellos(['show', '--report', JOB]).status).toBe(125);
  });
});

describe('cellos policy suggest', () => {
  it('prints a narrower document that runs, and that suggests no more', () => {
    const { status, stdout } = cellos(['policy', 'suggest', good, JOB]);
    expect(status).toBe(0);
    expect(stdout).toContain('# [1] narrowed: SPARE removed: the command never asked for it');
    expect(stdout).toMatch(/# egressRules narrowed: all 1 removed: the cell had loopback and nothing else/);
    const narrower = file('narrower.yaml', stdout);
    expect(cellos(['run', '--workspace', `${root}/work`, '--secret', 'TOKEN', narrower]), stdout).toMatchObject({ status: 0 });
    const again = cellos(['policy', 'suggest', '--json', lastId(), narrower]);
    expect(again.status).toBe(0);
    const { spec } = JSON.parse(again.stdout);
    expect(spec.authority).toEqual({ secretRefs: ['TOKEN'] });
    expect(spec.lifetime).toEqual({ ttlSeconds: 10 });
    expect(again.stderr).toContain('spec.authority.secretRefs[0] left: TOKEN was used: handed over once, seen by the host');
  });

  it('makes the document of a command line again, and its options', () => {
    expect(cellos(['run', '--ttl', '5m', '--workspace', `${root}/work`, '--secret', 'TOKEN', '--secret', 'SPARE', '--secret-delivery', 'runtimeLeasedBroker', '--export', 'out=o.txt', '--', 'sh', '-c', 'secret get TOKEN > o.txt']).status).toBe(0);
    const { stdout, stderr, status } = cellos(['policy', 'suggest', lastId()]);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`^# cellos run (--pids \\d+ )?--workspace ${root}/work suggested\\.yaml$`, 'm'));
    expect(stdout).toMatch(/^ {4}secretRefs:\n {6}- TOKEN\n/m);
    expect(stdout).not.toContain(VALUE);
  });

  it('narrows nothing of a run that failed; takes no other document, and no evidence that does not verify', () => {
    cellos(['run', '--secret', 'TOKEN', '--secret-delivery', 'runtimeBroker', '--', 'sh', '-c', 'exit 3']);
    const failed = cellos(['policy', 'suggest', lastId()]);
    expect(failed.stdout.replaceAll(/\n *# /g, ' ')).toContain('0 members narrowed, nothing widened');
    expect(failed.stdout.replaceAll(/\n *# /g, ' ')).toContain('left: a command did not end with exit code 0 (exited 3): what it would have used after that was never seen');
    const other = file('other.yaml', readFileSync(JOB, 'utf8').replace('600', '601'));
    expect(cellos(['policy', 'suggest', good, other])).toMatchObject({ status: 64, stdout: '' });
    expect(cellos(['policy', 'suggest', good])).toMatchObject({ status: 64, stdout: '' });
    expect(cellos(['policy', 'suggest', `${root}/tampered`, JOB])).toMatchObject({ status: 11, stdout: '' });
    for (const args of [['suggest'], ['suggest', good, JOB, JOB], ['show', '--trust', PACK, PACK], ['suggest', '--effective', good]]) expect(cellos(['policy', ...args]).status).toBe(64);
  });
});
