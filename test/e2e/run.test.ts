import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-e2e-`);
let runs = 0;

const env = () => ({ PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state`, CANARY: 'host-canary' });

function cellos(args: readonly string[], input?: Uint8Array): { status: number | null; stdout: Buffer; stderr: string } {
  const result = spawnSync('bin/cellos', args, { env: env(), input: input ?? '', maxBuffer: 64 * 1024 * 1024 });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr.toString() };
}

function run(options: readonly string[], argv: readonly string[], input?: Uint8Array) {
  runs += 1;
  const evidence = `${root}/evidence-${runs}`;
  const result = cellos(['run', '--evidence', evidence, ...options, '--', ...argv], input);
  const records = readFileSync(`${evidence}/records.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line).envelope.event);
  const find = (type: string) => records.find((event) => event.type.endsWith(type))?.data;
  return { ...result, evidence, records, find };
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('cellos run', () => {
  it('hands back output and exit code, and leaves a complete bundle', () => {
    const result = run([], ['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(result.status).toBe(7);
    expect(result.stdout.toString()).toBe('out\n');
    expect(result.stderr).toMatch(/^err\n/);
    const verdict = cellos(['verify', '--json', result.evidence]);
    expect(JSON.parse(verdict.stdout.toString())).toMatchObject({ verdict: 'complete', findings: [] });
    expect(verdict.status).toBe(0);
    expect(result.find('teardown.v1.certificate')).toMatchObject({ residue: 0, unchecked: 0 });
  });

  it('tells a signal from an exit code', () => {
    const killed = run([], ['sh', '-c', 'kill -9 $$']);
    expect(killed.status).toBe(137);
    expect(killed.find('process.v1.exited')).toMatchObject({ ending: 'signalled', signal: 9 });
    const exited = run([], ['sh', '-c', 'exit 137']);
    expect(exited.status).toBe(137);
    expect(exited.find('process.v1.exited')).toMatchObject({ ending: 'exited', exitCode: 137 });
  });

  it('answers 127 for a missing program and 126 for one that cannot be executed', () => {
    expect(run([], ['no-such-program']).status).toBe(127);
    expect(run([], ['/etc/passwd']).status).toBe(126);
  });

  it('enforces the time to live', () => {
    const result = run(['--ttl', '1s'], ['sleep', '20']);
    expect(result.status).toBe(124);
    expect(result.find('process.v1.exited')).toMatchObject({ ending: 'timed-out' });
  });

  it('isolates: no host environment, no network, no capabilities, a read-only root, a filter', () => {
    const probe = run([], ['sh', '-c', 'env; cat /proc/self/status; ls /sys/class/net 2>&1; touch /usr/x /etc/x /x 2>&1; unshare -U true 2>&1; ls /proc/self/fd; true']);
    const text = probe.stdout.toString();
    expect(text).not.toContain('host-canary');
    expect(text).toMatch(/CapEff:\t0000000000000000/);
    expect(text).toMatch(/CapBnd:\t0000000000000000/);
    expect(text).toMatch(/NoNewPrivs:\t1/);
    expect(text).toMatch(/Seccomp:\t2/);
    expect(text.match(/Read-only file system/g)?.length).toBe(3);
    expect(text).toMatch(/unshare failed: Operation not permitted/);
  });

  it('passes 200 MB of binary stdin through', () => {
    const input = randomBytes(1024 * 1024);
    const path = `${root}/input`;
    const hash = createHash('sha256');
    const fd = openSync(path, 'w');
    for (let i = 0; i < 200; i += 1) {
      input[0] = i;
      writeSync(fd, input);
      hash.update(input);
    }
    closeSync(fd);
    const expected = `${hash.digest('hex')}  -\n`;
    const from = (stdin: number | 'pipe', file?: Uint8Array) => spawnSync('bin/cellos', ['run', '-q', '--', 'sha256sum'], { env: env(), stdio: [stdin, 'pipe', 'pipe'], input: file }).stdout.toString();
    const file = openSync(path, 'r');
    expect(from(file)).toBe(expected);
    closeSync(file);
    expect(from('pipe', readFileSync(path))).toBe(expected);
    rmSync(path);
  });

  it('holds little of a flood: 1 GB of stdout stays under 150 MB resident', () => {
    const peak = `${root}/peak`;
    writeFileSync(`${root}/peak.cjs`, `const fs = require('node:fs'); process.on('exit', () => fs.writeFileSync(${JSON.stringify(peak)}, fs.readFileSync('/proc/self/status')));`);
    const sink = openSync(`${root}/sink`, 'w');
    const { status } = spawnSync('bin/cellos', ['run', '-q', '--', 'head', '-c', '1000000000', '/dev/zero'], { env: { ...env(), NODE_OPTIONS: `--require ${root}/peak.cjs` }, stdio: ['ignore', sink, 'inherit'] });
    expect({ status, size: fstatSync(sink).size }).toEqual({ status: 0, size: 1_000_000_000 });
    closeSync(sink);
    rmSync(`${root}/sink`);
    // Not resourceUsage(): what it counts begins with the process that started ours.
    expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(peak, 'utf8'))?.[1])).toBeLessThan(150 * 1024);
  });

  it('delivers a secret, and leaves its value nowhere in the evidence', () => {
    writeFileSync(`${root}/secret`, 'tell-nobody-4711\n', { mode: 0o600 });
    const result = run(['--secret', `TOKEN=file:${root}/secret`], ['sh', '-c', 'test ${#TOKEN} = 16 && case $TOKEN in tell-*-4711) ;; *) exit 1 ;; esac']);
    expect(result.status).toBe(0);
    for (const file of ['records.jsonl', 'attestation.dsse.json', 'keyset.json', 'stdout.log', 'stderr.log']) expect(readFileSync(`${result.evidence}/${file}`, 'latin1')).not.toContain('tell-nobody-4711');
    expect(result.records.filter((event) => event.type.endsWith('secret.v1.lease')).map((event) => event.data.state)).toEqual(['minted', 'used', 'revoked']);
  });

  it('refuses what makes no sense, without running it', () => {
    expect(cellos(['run']).status).toBe(64);
    expect(cellos(['run', '--nope', '--', 'true']).status).toBe(64);
    expect(cellos(['frobnicate']).status).toBe(64);
  });
});

describe('cellos verify', () => {
  it('never calls an edited bundle complete, and names the first bad record', () => {
    const { evidence } = run([], ['true']);
    const path = `${evidence}/records.jsonl`;
    const original = readFileSync(path, 'utf8');
    const lines = original.split('\n').filter(Boolean);
    const verdictOf = (text: string) => {
      writeFileSync(path, text);
      return JSON.parse(cellos(['verify', '--json', evidence]).stdout.toString());
    };
    const edits: [string, number][] = [
      [`${lines.filter((_, i) => i !== 3).join('\n')}\n`, 3],
      [`${[...lines.slice(0, 4), lines[3], ...lines.slice(4)].join('\n')}\n`, 4],
      [`${[...lines.slice(0, 2), lines[3], lines[2], ...lines.slice(4)].join('\n')}\n`, 2],
      [original.replace('"seq":5,', '"seq":6,'), 5],
    ];
    for (const [text, seq] of edits) expect(verdictOf(text)).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq } });
    expect(verdictOf(`${lines.slice(0, -1).join('\n')}\n`).verdict).not.toBe('complete');
    expect(verdictOf(original)).toMatchObject({ verdict: 'complete' });
  });

  it('blanks what is asked for before it is signed: no byte of it is in the records, and they verify', () => {
    const { status, evidence, records, find } = run(['--redact', 'argv,process.exited:*'], ['sh', '-c', 'exit 3 # tell-nobody-of-this']);
    expect(status).toBe(3);
    expect(readFileSync(`${evidence}/records.jsonl`, 'utf8')).not.toContain('tell-nobody-of-this');
    expect(records[0].data.redacted).toEqual(['argv', 'process.exited:*']);
    expect(find('process.v1.exited')).toMatchObject({ ending: '[redacted]', usage: {}, runId: records[0].data.runId });
    expect(cellos(['verify', evidence]).status).toBe(0);
    expect(cellos(['run', '--redact', 'runId', '--', 'true']).status).toBe(64);
  });
});
