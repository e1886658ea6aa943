/** The drop-in supervisor with real cells: what the profiles isolate, what they refuse, and that its stream verifies. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { toBase64Url } from '../../src/base/bytes.ts';
import { AUDIT_GENESIS, type AuditRow, auditRowHash, auditRowText, parseAuditRow } from '../../src/core/evidence/audit-row.ts';
import { type NatsServer, startNatsServer, stopNatsServers } from '../nats-server.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-supervisor-`);
afterAll(async () => {
  await stopNatsServers();
  rmSync(root, { recursive: true, force: true });
});

const SEED = Uint8Array.from({ length: 32 }, (_, at) => at);
const SIGNING = { CELLOS_EVENT_SIGNING: 'ed25519', CELLOS_EVENT_SIGNING_KID: 'kid-1', CELLOS_EVENT_SIGNING_KEY_BASE64: toBase64Url(SEED) };
const STATE = { CELLOS_STATE_DIR: `${root}/state` };
const PROGRAM = `${process.cwd()}/bin/cellos-supervisor`;
let folders = 0;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly folder: string;
}

function prepared(spec: object, files: Readonly<Record<string, string>> = {}): string {
  folders += 1;
  const folder = `${root}/${folders}`;
  mkdirSync(folder);
  writeFileSync(`${folder}/spec.json`, JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'cell-e2e', authority: {}, lifetime: { ttlSeconds: 30 }, ...spec } }));
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
  return folder;
}

function supervisor(folder: string, env: Record<string, string>, during?: (kill: (signal: NodeJS.Signals) => void) => Promise<void>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, ['spec.json'], { cwd: folder, env: { PATH: process.env['PATH'], ...STATE, ...env }, stdio: 'pipe' });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.end();
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, folder }));
    during?.((signal) => child.kill(signal)).catch(reject);
  });
}

const PORTABLE = { CELLOS_DEPLOYMENT_PROFILE: 'portable', CELL_OS_USE_NOOP_SINK: '1', CELL_OS_JSONL_EVENTS: 'events.jsonl' };

/** Keys, ceiling and token of the reference's own hardened run. */
function hardenedCase(argv: readonly string[]): { folder: string; env: Record<string, string> } {
  const { cases } = JSON.parse(readFileSync('test/vectors/supervisor/run-admission.json', 'utf8')) as { cases: { name: string; input: { spec_text: string; files: Record<string, string>; env: Record<string, string> } }[] };
  const input = cases.find(({ name }) => name === 'hardened-full-run')?.input;
  if (input === undefined) throw new Error('the vector is gone');
  const { spec } = JSON.parse(input.spec_text) as { spec: object };
  const { CELL_OS_USE_NOOP_SINK: _, CELLOS_TEST_FORCE_MISSING_ISOLATION_PRIMITIVES: __, ...env } = input.env;
  return { folder: prepared({ ...spec, run: { argv } }, input.files), env: { ...env, ...SIGNING } };
}

/** A server with a stream for all that a supervisor publishes. */
async function startBroker(): Promise<NatsServer> {
  const server = await startNatsServer();
  await server.keep(['cellos.>']);
  return server;
}

/** What a command can tell of where it is. */
const LOOK = 'readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/pid; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; env | sort; ls /etc/shadow 2>&1; true';

describe('the profile hardened', () => {
  it('runs the command in an isolated cell, and its stream is authentic', async () => {
    const broker = await startBroker();
    const { folder, env } = hardenedCase(['/bin/sh', '-c', LOOK]);
    const { code, stdout, stderr } = await supervisor(folder, { ...env, NATS_URL: broker.url, HOST_SECRET: 'leak' });
    expect([code, stderr.split('\n').filter((line) => line.startsWith('Error'))]).toEqual([0, []]);
    for (const name of ['mnt', 'net', 'pid']) expect(stdout).not.toContain(readlinkSync(`/proc/self/ns/${name}`));
    for (const line of ['CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2']) expect(stdout).toContain(line);
    expect(stdout).not.toContain('HOST_SECRET');
    expect(stdout).toMatch(/\/etc\/shadow.*No such file/);

    writeFileSync(`${folder}/trust.json`, JSON.stringify({ 'kid-1': toBase64Url(ed25519SigningKey(SEED).publicKey) }));
    const verified = spawnSync('bin/cellos', ['verify', '--json', '--trust', `${folder}/trust.json`, `${folder}/events.jsonl`], { env: { PATH: process.env['PATH'], ...STATE }, encoding: 'utf8' });
    const lines = readFileSync(`${folder}/events.jsonl`, 'utf8').trim().split('\n');
    expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'authentic-unordered', count: lines.length });
    // What the primary got, the mirror has, in the same order; receipts stand alone before it.
    const payloads = (await broker.messages()).map(({ payload }) => payload);
    expect(payloads.slice(-lines.length)).toEqual(lines);
    expect(payloads.slice(0, -lines.length).map((text) => /cell\.(?:host|admission)\.v1\.[a-z-]+/.exec(text)?.[0])).toEqual(['cell.host.v1.baseline-attestation', 'cell.admission.v1.allowed']);
  });

  it('leaves the sealed bundle of the run besides', async () => {
    const broker = await startBroker();
    const { folder, env } = hardenedCase(['/bin/true']);
    const state = `${folder}.state`;
    expect(await supervisor(folder, { ...env, NATS_URL: broker.url, CELLOS_STATE_DIR: state })).toMatchObject({ code: 0 });
    const [run = ''] = readdirSync(`${state}/runs`);
    const verified = spawnSync('bin/cellos', ['verify', '--json', run], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state }, encoding: 'utf8' });
    expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'complete' });
  });

  it('is what an unset profile means, and refuses to drop events', async () => {
    const { folder, env } = hardenedCase(['/bin/true']);
    const { CELLOS_DEPLOYMENT_PROFILE: _, ...unset } = env;
    for (const profile of [unset, { ...env, CELLOS_DEPLOYMENT_PROFILE: ' Hardened ' }]) {
      expect(await supervisor(folder, { ...profile, CELL_OS_USE_NOOP_SINK: '' })).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('[profile-noop]') });
      expect(await supervisor(folder, { ...profile, NATS_URL: 'nats://127.0.0.1:9' })).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('[jetstream-required]') });
    }
    expect(existsSync(`${folder}/events.jsonl`)).toBe(false);
  });

  it('takes no token that is for another run, and no claim beyond the ceiling', async () => {
    const broker = await startBroker();
    const { folder, env } = hardenedCase(['/bin/true']);
    expect(await supervisor(folder, { ...env, CELLOS_RUN_ID: 'another' })).toMatchObject({ code: 1, stderr: expect.stringContaining('[derivation-other-run]') });
    writeFileSync(`${folder}/ceil.json`, '{}');
    expect(await supervisor(folder, { ...env, NATS_URL: broker.url })).toMatchObject({ code: 1, stderr: expect.stringContaining('[ceiling-invalid]') });
  });

  it('takes no file of role keys that names a role twice', async () => {
    const { folder, env } = hardenedCase(['/bin/true']);
    const path = `${folder}/${env['CELLOS_AUTHORITY_KEYS_PATH']}`;
    const keys = readFileSync(path, 'utf8').trim();
    const [role = ''] = Object.keys(JSON.parse(keys) as object);
    writeFileSync(path, `{${JSON.stringify(role)}:"AAAA",${keys.slice(1)}`);
    expect(await supervisor(folder, env)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/given twice \[authority-keys\]/) });
  });
});

describe('the profile airgapped', () => {
  it('isolates, and keeps its events in a chain that goes on with the next run', async () => {
    const folder = prepared({ run: { argv: ['/bin/sh', '-c', LOOK] } });
    mkdirSync(`${folder}/spool`);
    const env = { CELLOS_DEPLOYMENT_PROFILE: 'airgapped', CELLOS_SPOOL_DIR: 'spool', NATS_URL: 'nats://127.0.0.1:9', ...SIGNING };
    for (const rows of [9, 18]) {
      const { code, stdout } = await supervisor(folder, env);
      expect(code).toBe(0);
      expect(stdout).not.toContain(readlinkSync('/proc/self/ns/mnt'));
      expect(readFileSync(`${folder}/spool/audit-trail.jsonl`, 'utf8').trim().split('\n')).toHaveLength(rows);
    }
    const trail = readFileSync(`${folder}/spool/audit-trail.jsonl`, 'utf8');
    const verify = (path: string) => JSON.parse(spawnSync('bin/cellos', ['verify', '--json', '--keys', `${folder}/keys.json`, path], { env: { PATH: process.env['PATH'], ...STATE }, encoding: 'utf8' }).stdout) as object;
    writeFileSync(`${folder}/keys.json`, JSON.stringify({ 'kid-1': toBase64Url(ed25519SigningKey(SEED).publicKey) }));
    for (const path of [`${folder}/spool`, `${folder}/spool/audit-trail.jsonl`]) expect(verify(path)).toMatchObject({ verdict: 'complete', count: 18 });
    writeFileSync(`${folder}/spool/audit-trail.jsonl`, trail.replace('cell-e2e', 'cell-e3e'));
    expect(verify(`${folder}/spool`)).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 0, line: 1 } });
    expect(await supervisor(folder, env)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('[spool-broken]') });

    // Who can write the folder can make a chain that fits, with its head: the seal is what does not.
    const rows: AuditRow[] = [];
    for (const row of trail.trim().split('\n').map(parseAuditRow).slice(2)) {
      const made = { ...row, seq: rows.length, prevHash: rows.at(-1)?.rowHash ?? AUDIT_GENESIS };
      rows.push({ ...made, rowHash: auditRowHash(made) });
    }
    writeFileSync(`${folder}/spool/audit-trail.jsonl`, `${rows.map(auditRowText).join('\n')}\n`);
    writeFileSync(`${folder}/spool/audit-trail.head`, rows.at(-1)?.rowHash ?? '');
    expect(await supervisor(folder, env)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('made anew') });
  });

  it('forwards the chain when there is a broker, once, and says so in it', async () => {
    const folder = prepared({ run: { argv: ['/bin/true'] } });
    mkdirSync(`${folder}/spool`);
    const env = { CELLOS_DEPLOYMENT_PROFILE: 'airgapped', CELLOS_SPOOL_DIR: 'spool', ...SIGNING };
    expect(await supervisor(folder, { ...env, NATS_URL: 'nats://127.0.0.1:9' })).toMatchObject({ code: 0 });
    const broker = await startBroker();
    for (const forwarded of [9, 19]) {
      expect(await supervisor(folder, { ...env, NATS_URL: broker.url })).toMatchObject({ code: 0 });
      const rows = readFileSync(`${folder}/spool/audit-trail.jsonl`, 'utf8').trim().split('\n');
      const sent = (await broker.messages()).map(({ payload }) => payload).filter((text) => text.includes('"schema":"axiom.audit.v1"'));
      expect(sent).toEqual(rows.slice(0, forwarded));
      expect(rows[forwarded]).toContain('audit.v1.reconciled');
    }
    writeFileSync(`${folder}/spool/audit-trail.forward-cursor`, '500');
    expect(await supervisor(folder, { ...env, NATS_URL: broker.url })).toMatchObject({ code: 1, stderr: expect.stringContaining('[spool-broken]') });
  });

  it('does not give up its filter', async () => {
    const folder = prepared({ run: { argv: ['/bin/true'] } });
    expect(await supervisor(folder, { CELLOS_DEPLOYMENT_PROFILE: 'airgapped', CELLOS_SPOOL_DIR: 'spool', CELLOS_SUBPROCESS_SECCOMP: 'off', ...SIGNING })).toMatchObject({ code: 1, stderr: expect.stringContaining('[profile-seccomp-off]') });
  });
});

/** Processes with this in their arguments. */
function processesSaying(text: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

describe('the profile portable', () => {
  it("sees the host's files but not the keys of CellOS, and what it started is gone with it", async () => {
    const folder = prepared({ run: { argv: ['/bin/sh', '-c', `ls ${root}/state 2>&1; (sleep 5; echo late > late) & echo done > done; until [ -e go ]; do :; done`] } });
    const ending = supervisor(folder, PORTABLE);
    await vi.waitUntil(() => existsSync(`${folder}/done`), { timeout: 20_000 });
    expect(processesSaying(`ls ${root}/state`).length).toBeGreaterThan(1);
    writeFileSync(`${folder}/go`, '');
    const { code, stdout } = await ending;
    expect([code, readFileSync(`${folder}/done`, 'utf8')]).toEqual([0, 'done\n']);
    expect(stdout).not.toContain('keys');
    expect(processesSaying(`ls ${root}/state`)).toEqual([]); // the shell that wants to write `late`
    const [run = ''] = readdirSync(`${root}/state/runs`).sort().slice(-1);
    const records = readFileSync(`${root}/state/runs/${run}/records.jsonl`, 'utf8');
    expect(records).toContain('"name":"namespace.mount","reason":"The profile portable was asked for by name","status":"downgraded"');
    expect(records).not.toContain('clone_newnet');
  });

  it('makes files as the one who asks does, and as no other', () => {
    const folder = prepared({ run: { argv: ['/bin/sh', '-c', 'umask; echo > made'] } });
    for (const mask of ['0077', '0002']) {
      const { stdout } = spawnSync('/bin/sh', ['-c', `umask ${mask}; exec "$0" spec.json`, PROGRAM], { cwd: folder, env: { ...STATE, ...PORTABLE }, encoding: 'utf8' });
      expect(stdout).toBe(`${mask}\n`);
    }
  });

  it('ends the cell in order on a signal, says why, and exits with 128 and its number', async () => {
    const folder = prepared({ run: { argv: ['/bin/sh', '-c', 'echo > started; sleep 60'] } });
    const ended = await supervisor(folder, PORTABLE, async (kill) => {
      while (!existsSync(`${folder}/started`)) await new Promise((resolve) => setTimeout(resolve, 10));
      kill('SIGTERM');
    });
    expect(ended).toMatchObject({ code: 143 });
    const last = JSON.parse(readFileSync(`${folder}/events.jsonl`, 'utf8').trim().split('\n').at(-1) ?? '') as object;
    expect(last).toMatchObject({ type: 'dev.cellos.events.cell.lifecycle.v1.destroyed', data: { outcome: 'failed', reason: expect.stringContaining('SIGTERM') } });
  });

  it('exports no file that lies elsewhere, or behind a link', async () => {
    for (const [path, setup] of [['/etc/hostname', 'true'], ['../x', 'true'], ['link', 'ln -s /etc/hostname link']] as const) {
      const folder = prepared({ run: { argv: ['/bin/sh', '-c', setup] }, export: { artifacts: [{ name: 'a', path }] } });
      expect(await supervisor(folder, { ...PORTABLE, CELLOS_EXPORT_DIR: `${folder}/out` })).toMatchObject({ code: 1, stderr: expect.stringContaining('Cannot export "a"') });
      expect(existsSync(`${folder}/out/cell-e2e/a`)).toBe(false);
    }
  });
});
