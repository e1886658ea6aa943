import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-secrets-`);
const VALUE = 'hush-"\\ü-4711';
let runs = 0;

afterAll(() => rmSync(root, { recursive: true, force: true }));

interface SecretRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly evidence: string;
  readonly leases: readonly Readonly<Record<string, unknown>>[];
}

function run(options: readonly string[], script: string): SecretRun {
  runs += 1;
  const evidence = `${root}/evidence-${runs}`;
  writeFileSync(`${root}/value`, `${VALUE}\n`, { mode: 0o600 });
  const args = ['run', '--evidence', evidence, '--secret', `TOKEN=file:${root}/value`, ...options, '--', 'sh', '-c', script];
  const result = spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state` }, input: '' });
  const events = readFileSync(`${evidence}/records.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line).envelope.event as { type: string; data: Record<string, unknown> });
  return { status: result.status, stdout: result.stdout.toString(), stderr: result.stderr.toString(), evidence, leases: events.filter((event) => event.type.endsWith('secret.v1.lease')).map((event) => event.data) };
}

function* filesBelow(path: string): Generator<string> {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) yield* filesBelow(`${path}/${name}`);
  else if (lstatSync(path).isFile()) yield path;
}

/** The value in the spellings it could leak in. */
const SPELLINGS = [VALUE, JSON.stringify(VALUE).slice(1, -1), Buffer.from(VALUE).toString('base64').slice(0, -4), Buffer.from(VALUE).toString('hex'), encodeURIComponent(VALUE)];

describe('secrets by socket', () => {
  it.each(['runtimeBroker', 'runtimeLeasedBroker'])('%s: minted, used as often as asked for, refused by name, revoked [X2]', (mode) => {
    const result = run(['--secret-delivery', mode], 'env | grep -q "^TOKEN=" && exit 9; secret get TOKEN; secret get TOKEN >/dev/null; secret get NOPE || exit 5');
    expect(result.status).toBe(5);
    expect(result.stdout).toBe(VALUE);
    expect(result.stderr).toContain('unknown secret key "NOPE"');
    expect(result.leases.map(({ state, uses }) => `${state} ${uses}`)).toEqual(['minted 0', 'used 1', 'used 2', 'refused 0', 'revoked 2']);
  });

  it('answers nobody who does not hold the token of the run', () => {
    const result = run(['--secret-delivery', 'runtimeLeasedBroker'], 'CELLOS_RUNTIME_SECRET_TOKEN=guess secret get TOKEN');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('unauthorized');
    expect(result.leases.map(({ state, reason }) => [state, reason])).toContainEqual(['refused', 'unauthorized']);
  });

  it('counts a flood of requests, and does not write it all down [X4]', () => {
    const result = run(['--secret-delivery', 'runtimeLeasedBroker'], 'i=0; while [ $i -lt 300 ]; do secret get TOKEN >/dev/null; CELLOS_RUNTIME_SECRET_TOKEN=x secret get TOKEN 2>/dev/null; i=$((i+1)); done');
    expect(result.leases.filter(({ state }) => state === 'used')).toHaveLength(101); // one by one to a hundred, then one for the rest
    expect(result.leases.filter(({ state }) => state === 'refused')).toHaveLength(101);
    expect(result.leases.at(-1)).toMatchObject({ state: 'revoked', uses: 300 });
  });

  it('leaves the value in no file and no word of ours [X1]', () => {
    for (const mode of ['env', 'runtimeBroker', 'runtimeLeasedBroker']) {
      const result = run(['--secret-delivery', mode], `${mode === 'env' ? ':' : 'secret get TOKEN >/dev/null'}; kill -SEGV $$`);
      for (const file of [...filesBelow(result.evidence), ...filesBelow(`${root}/state`)]) {
        const bytes = readFileSync(file);
        for (const spelling of SPELLINGS) expect(bytes.includes(spelling), `${file} holds the value`).toBe(false);
      }
      for (const spelling of SPELLINGS) expect(result.stderr).not.toContain(spelling);
    }
  });

  it('does not start a cell without the secret it needs [X3]', () => {
    const result = spawnSync('bin/cellos', ['run', '--secret', 'ABSENT', '--', 'true'], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state` }, input: '' });
    expect(result.status).toBe(120);
    expect(result.stderr.toString()).toContain('ABSENT');
  });
});
