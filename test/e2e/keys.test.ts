/** The life of keys as operators and auditors meet it: real runs, a whole rotation, a compromise, and evidence of all of it judged elsewhere. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-key-life-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function hostAt(name: string) {
  const state = `${root}/${name}`;
  return {
    state,
    cellos: (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state }, encoding: 'utf8' });
      return { status, stdout, stderr };
    },
  };
}

function json(result: { stdout: string; stderr: string }): Record<string, unknown> {
  if (result.stdout === '') throw new Error(result.stderr);
  return JSON.parse(result.stdout);
}

function verdictOf(host: ReturnType<typeof hostAt>, ...args: string[]): string {
  return String(json(host.cellos('verify', '--json', ...args))['verdict']);
}

/** One verifier without a state folder. */
const alone = (...args: string[]) => spawnSync(process.execPath, ['src/cli/verify-alone.ts', '--json', ...args], { encoding: 'utf8' });

describe('a rotation', () => {
  const host = hostAt('host');
  const auditor = hostAt('auditor');
  const stick = `${root}/stick`;
  const evidence: string[] = [];
  const trust: string[] = [];
  const run = () => {
    evidence.push(`${root}/evidence-${evidence.length}`);
    expect(host.cellos('run', '-q', '--evidence', evidence.at(-1) ?? '', '--', 'true')).toMatchObject({ status: 0 });
  };
  const exported = () => {
    trust.push(`${root}/trust-${trust.length}.json`);
    expect(host.cellos('keys', 'export', '-o', trust.at(-1) ?? '').status).toBe(0);
  };

  it('goes from init to retire step by step, runs before, between and after it verify, there and here', () => {
    expect(host.cellos('keys', 'init', '--root-out', stick, '--roots', '3', '--threshold', '2')).toMatchObject({ status: 0, stdout: expect.stringContaining('take the folder away from this host') });
    expect(readdirSync(stick)).toHaveLength(3);
    expect(readdirSync(`${host.state}/keys`).sort()).toEqual(['keys.json', 'keysets']);
    run();
    exported();
    for (const [at, step] of ['announce', 'accept', 'switch', 'retire'].entries()) {
      expect(json(host.cellos('keys', 'rotate', '--root', stick, '--json'))).toMatchObject({ v: 1, step, epoch: at + 2 });
      run();
      exported();
    }
    const kids = evidence.map((path) => JSON.parse(readFileSync(`${path}/records.jsonl`, 'utf8').split('\n')[0] ?? '').envelope.signerKid);
    expect(new Set(kids.slice(0, 3)).size).toBe(1);
    expect(new Set(kids.slice(3)).size).toBe(1);
    expect(kids[0]).not.toBe(kids[3]);
    expect(auditor.cellos('keys', 'trust', trust[0] ?? '').status).toBe(0);
    // Each bundle brings what is newer; what it brings is remembered.
    for (const path of evidence) expect(verdictOf(auditor, path), path).toBe('complete');
    for (const path of evidence) {
      expect(verdictOf(auditor, path)).toBe('complete');
      expect(verdictOf(host, path)).toBe('complete');
      for (const file of trust) expect(alone('--trust', file, path), `${path} under ${file}`).toMatchObject({ status: 0 });
    }
    expect(json(auditor.cellos('verify', '--json', evidence[0] ?? ''))).toMatchObject({ verdict: 'complete', epoch: 5 });
    expect(readdirSync(`${host.state}/keys/keysets`)).toEqual([1, 2, 3, 4, 5].map((epoch) => `00000${epoch}.json`));
  }, 120_000);

  it('is never taken back: neither by an older trust file, after any restart, nor by keys that were put back', () => {
    expect(auditor.cellos('keys', 'trust', trust[1] ?? '')).toMatchObject({ status: 65, stderr: expect.stringContaining('ends with epoch 2, and epoch 5 was seen') });
    expect(auditor.cellos('keys', 'trust', trust[4] ?? '').status).toBe(0);
    expect(json(auditor.cellos('keys', '--json'))['keys']).toHaveLength(3);
    // An older file for this once is stale, but for evidence that brings what is newer itself.
    expect(auditor.cellos('verify', '--trust', trust[1] ?? '', evidence[0] ?? '')).toMatchObject({ status: 13, stdout: expect.stringMatching(/^stale-trust: [^\n]*\n[^\n]*epoch 5 was seen/) });
    expect(verdictOf(auditor, '--trust', trust[1] ?? '', evidence[4] ?? '')).toBe('complete');
    expect(verdictOf(auditor, '--trust', trust[4] ?? '', evidence[0] ?? '')).toBe('complete');
    const keys = `${host.state}/keys/keys.json`;
    const now = readFileSync(keys);
    writeFileSync(keys, JSON.stringify({ ...JSON.parse(now.toString()), epoch: 4 }));
    expect(host.cellos('run', '-q', '--', 'true')).toMatchObject({ status: 123, stderr: expect.stringContaining('old keys were put back') });
    writeFileSync(keys, now);
    expect(host.cellos('run', '-q', '--', 'true').status).toBe(0);
  }, 60_000);

  it('needs root keys, as many as the threshold says, and of this host', () => {
    expect(host.cellos('keys', 'rotate')).toMatchObject({ status: 123, stderr: expect.stringContaining('0 of the 2 root keys') });
    const [first = ''] = readdirSync(stick);
    expect(host.cellos('keys', 'rotate', '--root', `${stick}/${first}`).status).toBe(123);
    expect(host.cellos('keys', 'rotate', '--root', `${stick}/${first}`, '--root', `${stick}/${first}`).status).toBe(123);
    const other = hostAt('other');
    other.cellos('keys', 'init');
    expect(host.cellos('keys', 'rotate', '--root', `${other.state}/keys`)).toMatchObject({ status: 123 });
    expect(json(host.cellos('keys', '--json'))).toMatchObject({ epoch: 5, next: 'announce', threshold: 2 });
  }, 60_000);

  it('leaves a public chain that is archived as it is, and nothing of a key that is retired', () => {
    const { keys } = json(host.cellos('keys', 'list', '--all', '--json')) as unknown as { keys: { kid: string; state: string }[] };
    const retired = keys.filter((key) => key.state === 'retired').map((key) => key.kid);
    expect(retired).toHaveLength(3);
    expect(Object.keys(JSON.parse(readFileSync(`${host.state}/keys/keys.json`, 'utf8')).keys)).toHaveLength(3);
    writeFileSync(`${host.state}/keys/keysets/000003.json`, '{}');
    expect(host.cellos('keys', 'rotate', '--root', stick)).toMatchObject({ status: 123, stderr: expect.stringContaining('is not the keyset of epoch 3') });
    rmSync(`${host.state}/keys/keysets/000003.json`);
    expect(host.cellos('keys', 'rotate', '--root', stick).status).toBe(0);
    expect(existsSync(`${host.state}/keys/keysets/000003.json`)).toBe(true);
  }, 60_000);

  it('gives the reference what it reads: keys of events and of roots, the keyset and its chain', () => {
    const events = JSON.parse(host.cellos('keys', 'export', '--format', 'verify-keys').stdout);
    expect(Object.keys(events)).toHaveLength(1);
    expect(Object.keys(JSON.parse(host.cellos('keys', 'export', '--format', 'root-keys').stdout))).toHaveLength(3);
    const envelope = host.cellos('keys', 'export', '--format', 'keyset-envelope').stdout;
    expect(envelope).toBe(readFileSync(`${host.state}/keys/keysets/000006.json`, 'utf8'));
    expect(host.cellos('keys', 'export', '--format', 'pdf').status).toBe(64);
    writeFileSync(`${root}/verify-keys.json`, JSON.stringify(events));
    const bare = readFileSync(`${evidence[4]}/records.jsonl`, 'utf8').trimEnd().split('\n').map((line) => /"envelope":(\{.*\}),"prev"/.exec(line)?.[1]).join('\n');
    writeFileSync(`${root}/bare.jsonl`, bare);
    expect(verdictOf(hostAt('nobody'), '--keys', `${root}/verify-keys.json`, `${root}/bare.jsonl`)).toBe('authentic-unordered');
    expect(verdictOf(hostAt('nobody'), '--trust', trust[4] ?? '', `${root}/bare.jsonl`)).toBe('authentic-unordered');
    expect(alone('--keys', `${root}/verify-keys.json`, `${root}/bare.jsonl`).status).toBe(15);
    expect(hostAt('nobody').cellos('verify', '--keys', `${root}/verify-keys.json`, evidence[4] ?? '')).toMatchObject({ status: 64, stderr: expect.stringContaining('a bundle brings its own keys') });
    expect(existsSync(`${root}/nobody`)).toBe(false);
  }, 60_000);
});

describe('a compromise', () => {
  const host = hostAt('drill');
  const auditor = hostAt('drill-auditor');

  it('takes what the key signed from its position on, and nothing before; a new key signs at once', () => {
    const evidence = ['a', 'b', 'c'].map((name) => `${root}/drill-${name}`);
    const run = (path: string) => host.cellos('run', '-q', '--evidence', path, '--', 'true');
    for (const path of evidence.slice(0, 2)) run(path);
    host.cellos('keys', 'export', '-o', `${root}/drill-0.json`);
    auditor.cellos('keys', 'trust', `${root}/drill-0.json`);
    for (const path of evidence.slice(0, 2)) expect(verdictOf(auditor, path)).toBe('complete');
    const second = JSON.parse(readFileSync(`${evidence[1]}/records.jsonl`, 'utf8').split('\n')[0] ?? '');
    const kid = second.envelope.signerKid;
    expect(host.cellos('keys', 'revoke', kid).status).toBe(64);
    expect(host.cellos('keys', 'revoke', kid, '--retired', '--compromised-from', second.stream).status).toBe(64);
    expect(host.cellos('keys', 'revoke', kid, '--compromised-from', '2026-99-99').status).toBe(64);
    expect(host.cellos('keys', 'revoke', 'ed25519:0000', '--retired')).toMatchObject({ status: 64, stderr: expect.stringContaining('there is no key of that name') });
    expect(host.cellos('keys', 'revoke', kid, '--compromised-from', `${second.stream.slice(-8)}:3`)).toMatchObject({ status: 0, stdout: expect.stringContaining(`${kid} is compromised from record 3 of run ${second.stream} on`) });
    run(evidence[2] ?? '');
    // Who has not heard of it goes on trusting; the next bundle tells.
    expect(verdictOf(auditor, evidence[1] ?? '')).toBe('complete');
    expect(verdictOf(auditor, evidence[2] ?? '')).toBe('complete');
    expect(json(auditor.cellos('verify', '--json', evidence[1] ?? ''))).toMatchObject({ verdict: 'untrusted-key', exitCode: 12, count: 3, firstBadRecord: { seq: 3, line: 4, reason: expect.stringContaining(`from record 3 of run ${second.stream} on`) } });
    expect(verdictOf(auditor, evidence[0] ?? '')).toBe('complete');
    // The same after a restart of everything: what was learned is on the disk.
    cpSync(auditor.state, `${root}/moved`, { recursive: true });
    chmodSync(`${root}/moved`, 0o700);
    expect(verdictOf(hostAt('moved'), evidence[1] ?? '')).toBe('untrusted-key');
    expect(verdictOf(host, evidence[1] ?? '')).toBe('untrusted-key');
    host.cellos('keys', 'export', '-o', `${root}/drill-1.json`);
    expect(alone('--trust', `${root}/drill-0.json`, evidence[1] ?? '').status).toBe(0);
    expect(alone('--trust', `${root}/drill-1.json`, evidence[1] ?? '').status).toBe(12);
    expect(alone('--trust', `${root}/drill-1.json`, evidence[0] ?? '').status).toBe(0);
  }, 120_000);

  it('can be told by a time, and only earlier afterwards', () => {
    const { keys } = json(host.cellos('keys', '--json')) as unknown as { keys: { kid: string; purpose: string }[] };
    const kid = keys.find((key) => key.purpose === 'event')?.kid ?? '';
    expect(host.cellos('keys', 'revoke', kid, '--compromised-from', '2026-01-02T00:00:00Z').status).toBe(0);
    expect(host.cellos('keys', 'revoke', kid, '--compromised-from', '2026-01-03T00:00:00Z').status).toBe(64);
    expect(host.cellos('keys', 'revoke', kid, '--compromised-from', '2026-01-01T00:00:00Z').status).toBe(0);
    expect(verdictOf(host, `${root}/drill-c`)).toBe('untrusted-key');
  }, 60_000);

  it('is told by one command at a time', async () => {
    const before = readdirSync(`${host.state}/keys/keysets`).length;
    const states = await Promise.all([1, 2, 3].map(() => new Promise<number | null>((resolve) => spawn('bin/cellos', ['keys', 'rotate'], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: host.state } }).once('close', resolve))));
    // Who comes too early is told to come again; nobody signs a second history.
    const done = states.filter((status) => status === 0).length;
    expect(done).toBeGreaterThan(0);
    expect(states.filter((status) => status === 125)).toHaveLength(3 - done);
    expect(readdirSync(`${host.state}/keys/keysets`)).toHaveLength(before + done);
    expect(json(host.cellos('keys', '--json'))).toMatchObject({ epoch: before + done });
  }, 60_000);
});

describe('root keys that never come to the host', () => {
  it('sign what it asks for, one after the other, and nothing that was not asked for', () => {
    const [host, nobody] = [hostAt('asking'), hostAt('signing')];
    const file = (name: string) => `${root}/ask-${name}`;
    host.cellos('keys', 'init', '--root-out', file('roots'), '--roots', '3', '--threshold', '2');
    const [one = '', two = ''] = readdirSync(file('roots')).map((name) => `${file('roots')}/${name}`);
    expect(host.cellos('run', '-q', '--evidence', file('before'), '--', 'true').status).toBe(0);
    expect(host.cellos('keys', 'rotate', '--ask', file('1'), '--root', one).status).toBe(64);
    expect(host.cellos('keys', 'apply', file('roots')).status).toBe(64);
    for (const [at, step] of ['next', 'accepted', 'active', 'retired'].entries()) {
      const [ask, half, whole] = [file(`${step}-ask`), file(`${step}-half`), file(`${step}-whole`)];
      expect(host.cellos('keys', 'rotate', '--ask', ask), step).toMatchObject({ status: 0, stdout: expect.stringContaining(`is ${step}`) });
      expect(json(host.cellos('keys', '--json'))).toMatchObject({ epoch: at + 1 });
      expect(nobody.cellos('keys', 'sign', ask, '--root', one, '--out', half)).toMatchObject({ status: 0, stdout: expect.stringContaining('1 of the 2 signatures it needs') });
      expect(host.cellos('keys', 'apply', half)).toMatchObject({ status: 125, stderr: expect.stringContaining('2 are needed') });
      expect(nobody.cellos('keys', 'sign', half, '--root', two, '--out', whole)).toMatchObject({ status: 0, stdout: expect.stringContaining('It has the signatures it needs') });
      expect(host.cellos('keys', 'apply', whole)).toMatchObject({ status: 0, stdout: expect.stringContaining(`Keyset epoch ${at + 2}`) });
      expect(host.cellos('keys', 'apply', whole), 'a second time').toMatchObject({ status: 65, stderr: expect.stringContaining('has asked for none') });
    }
    expect(existsSync(nobody.state)).toBe(false);
    expect(host.cellos('run', '-q', '--evidence', file('after'), '--', 'true').status).toBe(0);
    for (const name of ['before', 'after']) expect(verdictOf(host, file(name))).toBe('complete');
    // Only the last request counts; a key that signs cannot be retired by one; a foreign root signs nothing.
    const kid = (json(host.cellos('keys', '--json'))['keys'] as { kid: string; purpose: string }[]).find((key) => key.purpose === 'event')?.kid ?? '';
    expect(host.cellos('keys', 'revoke', kid, '--retired', '--ask', file('r'))).toMatchObject({ status: 64, stderr: expect.stringContaining('it signs until the answer comes') });
    expect(host.cellos('keys', 'rotate', '--ask', file('stale')).status).toBe(0);
    expect(host.cellos('keys', 'revoke', kid, '--compromised-from', '2026-01-01T00:00:00Z', '--ask', file('c')).status).toBe(0);
    for (const name of ['stale', 'c']) expect(nobody.cellos('keys', 'sign', file(name), '--root', file('roots'), '--out', file(`${name}-signed`)).status).toBe(0);
    expect(host.cellos('keys', 'apply', file('stale-signed'))).toMatchObject({ status: 65, stderr: expect.stringContaining('it is not the one this host asked for last') });
    const other = hostAt('signing-other');
    other.cellos('keys', 'init');
    expect(other.cellos('keys', 'sign', file('c'), '--root', `${other.state}/keys`, '--out', file('no')).status).toBe(123);
    expect(host.cellos('keys', 'apply', file('c-signed'))).toMatchObject({ status: 0, stdout: expect.stringContaining(`${kid} is compromised from 2026-01-01`) });
    expect(verdictOf(host, file('after'))).toBe('untrusted-key');
    expect(verdictOf(host, file('before'))).toBe('complete');
    expect(readdirSync(`${host.state}/keys`).sort()).toEqual(['keys.json', 'keysets']);
  }, 120_000);
});

describe('what is trusted', () => {
  it('is not lost when two programs learn at once, and goes when it is told to', async () => {
    const files = ['x', 'y', 'z'].map((name) => {
      const file = `${root}/at-once-${name}.json`;
      hostAt(`at-once-${name}`).cellos('keys', 'init');
      hostAt(`at-once-${name}`).cellos('keys', 'export', '-o', file);
      return file;
    });
    const auditor = hostAt('at-once');
    const states = await Promise.all(files.map((file) => new Promise<number | null>((resolve) => spawn('bin/cellos', ['keys', 'trust', file], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: auditor.state } }).once('close', resolve))));
    expect(states).toEqual([0, 0, 0]);
    const kids = (json(auditor.cellos('keys', '--json'))['keys'] as { kid: string }[]).map((key) => key.kid);
    expect(kids).toHaveLength(3);
    expect(auditor.cellos('keys', 'untrust', kids[1] ?? '', 'nobody').stdout).toBe(`${kids[1]} is not trusted any more\nnobody was not trusted\n`);
    expect((json(auditor.cellos('keys', '--json'))['keys'] as { kid: string }[]).map((key) => key.kid)).toEqual([kids[0], kids[2]]);
  }, 60_000);
});

describe('options of cellos keys', () => {
  it('belong to one action, and say so', () => {
    const { cellos } = hostAt('options');
    expect(cellos('keys', 'list', '--root', 'x')).toMatchObject({ status: 64, stderr: 'cellos: Cannot use --root here: it belongs to cellos keys rotate\n' });
    expect(cellos('keys', 'rotate')).toMatchObject({ status: 64, stderr: expect.stringContaining('has no keys yet') });
    expect(cellos('keys', 'revoke', 'x', '--retired').status).toBe(64);
    expect(cellos('keys', 'export').status).toBe(64);
    expect(cellos('keys', 'init', '--roots', '2', '--threshold', '3').status).toBe(64);
    expect(cellos('keys', 'init', '--roots', '17').status).toBe(64);
    expect(cellos('keys', 'init', 'x').status).toBe(64);
    expect(cellos('keys', 'init', '--json').stdout).toMatch(/^\{"v":1,"epoch":1,"threshold":1,"next":"announce","keys":\[.*\]\}\n$/);
    expect(cellos('keys', 'init')).toMatchObject({ status: 0, stdout: expect.stringContaining('are there already') });
    expect(cellos('keys', 'init', '--roots', '2')).toMatchObject({ status: 64, stderr: expect.stringContaining('Cannot make other keys') });
    expect(cellos('keys', 'rotate', 'now').status).toBe(64);
    expect(cellos('keys', 'rotate', '--root', '/nowhere').status).toBe(64);
  });
});
