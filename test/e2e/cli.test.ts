/** The commands as users meet them: real cells, a state folder of their own, followers and signals by their handles. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { endStarted } from '../end-started.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-cli-`);
const started = new Set<ChildProcessWithoutNullStreams>();
let states = 0;

/** A host of its own: one state folder. */
function host(path = process.env['PATH'] ?? '') {
  states += 1;
  const state = `${root}/state-${states}`;
  const env = { PATH: `${process.cwd()}/bin${delimiter}${path}`, CELLOS_STATE_DIR: state, TERM: 'xterm' };
  const cellos = (...args: string[]) => {
    const result = spawnSync('bin/cellos', args, { env, input: '', maxBuffer: 64 * 1024 * 1024 });
    return { status: result.status, stdout: result.stdout.toString(), stderr: result.stderr.toString(), bytes: result.stdout };
  };
  const shell = (script: string) => {
    const result = spawnSync('bash', ['--norc', '-c', script], { env, input: '' });
    return { status: result.status, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
  };
  const start = (args: string[], options: { detached?: boolean } = {}) => {
    const child = spawn('bin/cellos', args, { env, ...options });
    started.add(child);
    return new Running(child);
  };
  const ids = () => cellos('ps', '-aq').stdout.split('\n').filter(Boolean);
  return { state, env, cellos, shell, start, ids };
}

class Running {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  #wake = (): void => undefined;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#wake();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        started.delete(child);
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Resolves when stdout holds the text; rejects when the program ends without it. */
  async until(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode} before ${JSON.stringify(text)}: ${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

afterEach(() => endStarted(started, Array.from({ length: states }, (_, i) => `${root}/state-${i + 1}`)), 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A command that says that it is there, and ends when its stdin does. */
const WAITS = ['sh', '-c', 'echo ready; cat >/dev/null; echo over'];

const lastJson = (text: string) => JSON.parse(text.trim().split('\n').at(-1) ?? '');

describe('cellos run', () => {
  it('hands the result document out on descriptor 3, never on stdout', () => {
    const { shell } = host();
    const { status, stdout, stderr } = shell('cellos run --json -q -- sh -c "echo out; kill -9 \\$\\$" 3>&2');
    expect(status).toBe(137);
    expect(stdout).toBe('out\n');
    expect(JSON.parse(stderr)).toMatchObject({ v: 1, exitCode: 137, exitSource: 'command', ending: 'signalled', signal: 9, signalName: 'SIGKILL', limitsHit: [], output: { stdout: { bytes: 4, truncated: false } }, teardown: { residue: [] }, evidence: { sealed: true } });
  });

  it('refuses --json when there is nowhere to put it, before anything runs', () => {
    const { shell, ids } = host();
    for (const three of ['3>&-', '3</dev/null']) {
      const { status, stderr } = shell(`cellos run --json -- touch /work/x ${three}`);
      expect(status).toBe(64);
      expect(stderr).toMatch(/descriptor 3, which is not open for writing; .*--result FILE/);
    }
    expect(ids()).toEqual([]);
  });

  it('says so when the result cannot be written, and keeps the evidence', () => {
    const { shell, cellos, ids } = host();
    expect(shell('cellos run --json -- true 3>/dev/full')).toMatchObject({ status: 125, stdout: '', stderr: expect.stringMatching(/Cannot write the result to descriptor 3: .*ENOSPC/) });
    expect(cellos('verify', ids()[0] ?? '').status).toBe(0);
  });

  it('says which side a code came from', () => {
    const { cellos } = host();
    const sourceOf = (...args: string[]) => {
      cellos('run', '-q', '--result', `${root}/result`, ...args);
      return JSON.parse(readFileSync(`${root}/result`, 'utf8'));
    };
    expect(sourceOf('--', 'sh', '-c', 'exit 124')).toMatchObject({ exitCode: 124, exitSource: 'command', ending: 'exited' });
    expect(sourceOf('--ttl', '1s', '--', 'sleep', '20')).toMatchObject({ exitCode: 124, exitSource: 'cellos', ending: 'timed-out', limitsHit: ['time'] });
    expect(sourceOf('--', 'no-such-program')).toMatchObject({ exitCode: 127, exitSource: 'cellos', ending: 'exec-failed' });
    expect(sourceOf('--secret', 'NOT_SET', '--', 'true')).toMatchObject({ exitCode: 120, exitSource: 'cellos', error: { code: 'secret.missing' } });
  });

  it('plans with --dry-run, and runs nothing', () => {
    const { cellos, ids } = host();
    const { status, stdout } = cellos('run', '--dry-run', '--memory', '64M', '--', 'true');
    expect(status).toBe(0);
    expect(stdout).toMatch(/limit\.memory .*64 MiB/);
    expect(ids()).toEqual([]);
  });

  it('refuses what this host does not have, naming it', () => {
    const bin = `${root}/no-bwrap`;
    mkdirSync(bin);
    for (const name of ['sh', 'readlink', 'uname', 'env']) symlinkSync(spawnSync('which', [name]).stdout.toString().trim(), `${bin}/${name}`);
    symlinkSync(process.execPath, `${bin}/node`);
    const { state } = host();
    const bare = (...args: string[]) => spawnSync('bin/cellos', args, { env: { PATH: bin, CELLOS_STATE_DIR: state } });
    const refused = bare('run', '--', 'true');
    expect(refused.status).toBe(121);
    expect(refused.stderr.toString()).toMatch(/nothing was run.*\n {2}host\.bubblewrap: asked bubblewrap\n {4}bwrap is not on PATH: install the package bubblewrap\n/);
    expect(bare('plan', '--', 'true').status).toBe(121);
    expect(JSON.parse(bare('plan', '--json', '--', 'true').stdout.toString()).missing).toMatchObject([{ name: 'host.bubblewrap' }]);
    const doctor = bare('doctor', '--json');
    expect(doctor.status).toBe(121);
    expect(JSON.parse(doctor.stdout.toString())).toMatchObject({ strength: 'none', checks: expect.arrayContaining([expect.objectContaining({ name: 'bubblewrap', status: 'failed', fix: ['apt-get install -y bubblewrap'] }), expect.objectContaining({ name: 'cell', status: 'skipped' })]) });
  });

  it('asks the command on Ctrl-C, which a terminal sends to every process of the foreground, and seals', async () => {
    const { start, cellos, ids } = host();
    const run = start(['run', '--', 'sh', '-c', 'trap "echo asked; exit 5" TERM; echo ready; while :; do sleep 0.05; done'], { detached: true });
    await run.until('ready');
    process.kill(-(run.child.pid ?? 0), 'SIGINT');
    expect(await run.ended).toBe(130);
    expect(run.stdout).toBe('ready\nasked\n');
    expect(cellos('verify', ids()[0] ?? '').status).toBe(0);
  });
});

describe('cellos plan', () => {
  it('prints an inert plan that says what is enforced', () => {
    const { cellos } = host();
    const { status, stdout } = cellos('plan', '--json', '--pids', '64', '--', 'make', 'test');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ v: 1, argv: ['make', 'test'], limits: { pidsMax: 64 }, items: expect.arrayContaining([expect.objectContaining({ name: 'limit.pids', asked: '64 processes', status: 'enforced' })]) });
  });
});

describe('a run that is going on', () => {
  it('is listed, followed to its seal, and refused to rm', async () => {
    const { start, cellos, ids } = host();
    const run = start(['run', '--', ...WAITS]);
    await run.until('ready');
    const [id = ''] = ids();
    expect(lastJson(cellos('ps', '--json').stdout)).toMatchObject({ runId: id, state: 'running', argv: WAITS });
    expect(cellos('ps', '-q', '--state', 'running').stdout.trim()).toBe(id);
    expect(cellos('rm', id)).toMatchObject({ status: 125, stderr: expect.stringContaining('it is going on') });
    expect(cellos('show', id).stdout).toMatch(/Verdict {3}it is going on/);

    const events = start(['events', '-f', id.slice(-6)]);
    const all = start(['events', '-f', '--pretty']);
    const logs = start(['logs', '-f', id]);
    await Promise.all([events.until('process_spawned'), all.until('process_spawned'), logs.until('ready')]);
    expect(logs.stdout).toBe('ready\n');
    run.child.stdin.end();
    expect(await run.ended).toBe(0);
    expect([await events.ended, await logs.ended]).toEqual([0, 0]);
    await all.until('evidence.sealed');
    all.child.kill('SIGINT');
    expect(await all.ended).toBe(0);

    expect(logs.stdout).toBe('ready\nover\n');
    const followed = events.stdout.trim().split('\n');
    expect(followed).toEqual(cellos('events', id).stdout.trim().split('\n'));
    expect(JSON.parse(followed.at(-1) ?? '')).toMatchObject({ specversion: '1.0', type: 'dev.cellos.events.cell.evidence.v1.sealed', data: { count: followed.length } });
  });

  it('is stopped in order, and sealed', async () => {
    const { start, cellos, ids } = host();
    const run = start(['run', '--', 'sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done']);
    await run.until('ready');
    const [id = ''] = ids();
    expect(cellos('stop', id)).toMatchObject({ status: 0, stdout: `${id} is over, and sealed\n` });
    expect(await run.ended).toBe(143);
    expect(cellos('stop', id)).toMatchObject({ status: 0, stdout: `${id} is not running: it is sealed\n` });
    expect(lastJson(cellos('show', '--json', id).stdout)).toMatchObject({ state: 'sealed', ending: 'cancelled', audit: { verdict: 'complete', root: { from: 'this host' } } });
  });

  it('is killed when it does not end in the grace time', async () => {
    const { start, cellos, ids } = host();
    const run = start(['run', '--', 'sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
    await run.until('ready');
    expect(cellos('stop', '--json', '--grace', '100ms', ids()[0] ?? '')).toMatchObject({ status: 0 });
    expect(await run.ended).toBe(143);
    expect(cellos('verify', ids()[0] ?? '').status).toBe(0);
  });

  it('is unsealed when its supervisor is killed, and says so everywhere', async () => {
    const { start, cellos, ids } = host();
    const run = start(['run', '--', ...WAITS]);
    await run.until('ready');
    const [id = ''] = ids();
    const follower = start(['events', '-f', id]);
    await follower.until('process_spawned');
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await follower.ended).toBe(0);
    expect(lastJson(cellos('ps', '--json').stdout)).toMatchObject({ runId: id, state: 'unsealed' });
    expect(cellos('verify', id)).toMatchObject({ status: 10, stdout: expect.stringMatching(/^incomplete-tail: /) });
    expect(cellos('stop', id).stdout).toBe(`${id} is not running: it is unsealed\n`);
    expect(cellos('rm', id).status).toBe(0);
    expect(ids()).toEqual([]);
  });
});

describe('cellos rm', () => {
  it('removes by id and by rule, twice without harm, and leaves what --evidence put elsewhere', () => {
    const { cellos, ids, state } = host();
    const elsewhere = `${root}/elsewhere`;
    cellos('run', '-q', '--evidence', elsewhere, '--', 'true');
    const [outside = ''] = ids();
    expect(cellos('rm', outside).stdout).toBe(`${outside} is off the list; its evidence stays in ${elsewhere}\n`);
    expect(cellos('verify', elsewhere).status).toBe(0);
    cellos('run', '-q', '--', 'true');
    const [id = ''] = ids();
    expect(cellos('rm', '--older-than', '1d').stdout).toBe('');
    expect(cellos('rm', '--all-sealed', '--dry-run').stdout).toBe(`${id} would be removed (sealed)\n`);
    expect(cellos('rm', '--all-sealed').stdout).toMatch(new RegExp(`^${id} removed, [\\d.]+ KiB freed\n$`));
    expect(cellos('rm', id)).toMatchObject({ status: 0, stdout: `${id} is not here any more\n` });
    expect(cellos('rm', id.slice(0, 10))).toMatchObject({ status: 64 });
    expect([...readdirSync(`${state}/runs`), ...readdirSync(`${state}/live`), ...readdirSync(`${state}/scratch`)]).toEqual([]);
  });
});

describe('cellos keys', () => {
  it('lets one host check the bundles of another, once it trusts its root', () => {
    const maker = host();
    const auditor = host();
    expect(auditor.cellos('keys', 'list').stdout).toMatch(/^No keys yet/);
    const evidence = `${root}/shared-evidence`;
    maker.cellos('run', '-q', '--evidence', evidence, '--', 'true');
    expect(auditor.cellos('verify', evidence)).toMatchObject({ status: 12, stdout: expect.stringMatching(/^untrusted-key: /) });
    const file = `${root}/root.json`;
    expect(maker.cellos('keys', 'export', '-o', file).status).toBe(0);
    expect(maker.cellos('keys', 'export', '-o', file)).toMatchObject({ status: 64, stderr: expect.stringContaining('it exists already') });
    expect(auditor.cellos('verify', '--trust', file, evidence).status).toBe(0);
    expect(auditor.cellos('keys', 'trust', file).stdout).toMatch(/is trusted now; fingerprint sha256:[0-9a-f]{64}\n.* known up to epoch 1: /);
    expect(auditor.cellos('verify', evidence)).toMatchObject({ status: 0, stdout: expect.stringContaining('trusted by cellos keys trust') });
    const [{ kid }] = JSON.parse(auditor.cellos('keys', '--json').stdout).keys;
    auditor.cellos('keys', 'untrust', kid);
    expect(auditor.cellos('verify', evidence).status).toBe(12);
    expect(auditor.cellos('keys', 'trust', `${evidence}/keyset.json`).status).toBe(65);
    // Checking makes no keys of one's own.
    expect(existsSync(`${auditor.state}/keys/keys.json`)).toBe(false);
  });

  it('never shows a secret half', () => {
    const { cellos, state } = host();
    cellos('keys', 'init');
    const secrets = JSON.parse(readFileSync(`${state}/keys/keys.json`, 'utf8'));
    const shown = ['list', 'export', 'init'].map((action) => cellos('keys', action).stdout + cellos('keys', action, '--json').stdout).join('');
    const rootFile = readdirSync(`${state}/keys`).find((name) => name.startsWith('root-')) ?? '';
    const all = [...Object.values<{ private: string }>(secrets.keys), JSON.parse(readFileSync(`${state}/keys/${rootFile}`, 'utf8'))];
    expect(all).toHaveLength(4);
    for (const key of all) expect(shown).not.toContain(key.private);
  });
});

describe('cellos logs', () => {
  it('gives a pipe the bytes, and a terminal what cannot hurt it', () => {
    const { cellos, shell, ids } = host();
    cellos('run', '-q', '--', 'sh', '-c', "printf '\\000\\377\\033[2Jx\\n'; echo err >&2");
    const [id = ''] = ids();
    expect(cellos('logs', '--stdout', id).bytes).toEqual(Buffer.from([0, 255, 27, 91, 50, 74, 120, 10]));
    expect(cellos('logs', id).stderr).toBe('err\n');
    expect(cellos('logs', '--stderr', id).stdout).toBe('err\n');
    const seen = shell(`script -qec 'cellos logs --stdout ${id}' /dev/null`).stdout;
    expect(seen).toContain('\\x00\ufffd\\x1b[2Jx');
    expect(seen).not.toContain('\u001b');
  });
});

describe('on a terminal', () => {
  it('shows one line while a command is silent, erases it before its output, and nothing with --quiet', () => {
    const { shell } = host();
    const seen = shell(`script -qec "cellos run -- sh -c 'sleep 2.2; echo done'" /dev/null </dev/null`).stdout;
    expect(seen).toMatch(/cellos: running · [12] s · .*run 01/);
    expect(seen).toMatch(/\r\u001b\[2Kdone\r\n/);
    expect(shell(`script -qec "cellos run -q -- sh -c 'sleep 2.2; echo done'" /dev/null </dev/null`).stdout).toBe('done\r\n');
  });

  it('uses colour, but not with NO_COLOR, and not in a pipe', () => {
    const { cellos, shell } = host();
    cellos('run', '-q', '--', 'true');
    expect(shell('script -qec "cellos ps" /dev/null').stdout).toContain('\u001b[');
    expect(shell('NO_COLOR=1 script -qec "cellos ps" /dev/null').stdout).not.toContain('\u001b[');
    expect(cellos('ps').stdout).not.toContain('\u001b[');
  });
});

describe('cellos doctor', () => {
  it('does what it reports on, and leaves nothing behind', () => {
    const { cellos, state } = host();
    const { status, stdout } = cellos('doctor', '--json');
    const { strength, checks } = JSON.parse(stdout);
    expect(status).toBe(strength === 'full' ? 0 : 121);
    const found = (name: string) => checks.find((check: { name: string }) => check.name === name);
    for (const name of ['cell', 'seccomp', 'evidence', 'mounts', 'overlay']) expect(found(name)).toMatchObject({ status: 'ok' });
    expect(found('seccomp').found).toContain('Seccomp: 2');
    for (const check of checks) if (check.status === 'weaker' || check.status === 'failed') expect(check.fix?.length ?? 0, check.name).toBeGreaterThan(0);
    for (const name of ['runs', 'live', 'scratch']) expect(readdirSync(`${state}/${name}`)).toEqual([]);
  });
});

describe('a reader that goes away', () => {
  it('ends the command as a closed pipe does, and the run is sealed', async () => {
    const { start, cellos, ids } = host();
    const run = start(['run', '-q', '--', 'yes']);
    await run.until('y\n');
    run.child.stdout.destroy();
    expect(await run.ended).toBe(141);
    expect(cellos('verify', ids()[0] ?? '').status).toBe(0);
    expect(lastJson(cellos('ps', '--json').stdout)).toMatchObject({ state: 'sealed', ending: 'signalled', signalName: 'SIGPIPE' });
  });
});

describe('the program', () => {
  it('ends quietly when its reader goes away', () => {
    const { cellos, shell } = host();
    cellos('run', '-q', '--', 'true');
    expect(shell('set -o pipefail; cellos events | head -n 1 | cut -c 1-8')).toMatchObject({ status: 0, stdout: '{"data":\n', stderr: '' });
    expect(shell('set -o pipefail; cellos --help | true')).toMatchObject({ status: 0, stderr: '' });
    // A full disk is another matter.
    expect(shell('cellos events >/dev/full')).toMatchObject({ status: 125, stderr: expect.stringMatching(/^cellos: Cannot write all of the output: .*ENOSPC/) });
  });

  it('names what was meant, and the candidates of an id that fits several', () => {
    const { cellos, ids } = host();
    expect(cellos('veryfy')).toMatchObject({ status: 64, stderr: 'cellos: There is no command "veryfy"; did you mean verify? See cellos --help\n' });
    expect(cellos('help', 'stop').stdout).toBe(cellos('stop', '--help').stdout);
    for (let runs = 0; runs < 2; runs += 1) cellos('run', '-q', '--', 'true');
    const { status, stderr } = cellos('show', '01');
    expect(status).toBe(64);
    for (const id of ids()) expect(stderr).toContain(`\n  ${id}\n`);
  });

  it('completes commands, options, values and ids in bash', () => {
    const { cellos, shell, ids } = host();
    cellos('run', '-q', '--', 'true');
    const [id = ''] = ids();
    const complete = (...words: string[]) => shell(`eval "$(cellos completion bash)"; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _cellos; printf '%s\\n' "\${COMPREPLY[@]}"`).stdout.trim().split('\n');
    expect(complete('cellos', 'ver')).toEqual(['verify']);
    expect(complete('cellos', 'run', '--mem')).toEqual(['--memory']);
    expect(complete('cellos', 'ps', '--state', 'un')).toEqual(['unsealed']);
    expect(complete('cellos', 'show', '01')).toEqual([id]);
    expect(complete('cellos', 'stop', '01')).toEqual(['']);
    expect(complete('cellos', 'keys', 'ex')).toEqual(['export']);
    expect(complete('cellos', 'policy', 'suggest', '01')).toEqual([id]);
    expect(complete('cellos', 'run', '--', 'ba')).toContain('bash');
    for (const name of ['zsh', 'fish']) {
      const { stdout } = cellos('completion', name);
      expect(stdout).toContain('verify');
      if (spawnSync('which', [name]).status === 0) expect(spawnSync(name, ['-n'], { input: stdout }).status).toBe(0);
    }
  });
});
