import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-documents-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function cellos(args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
  const result = spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state`, ...options.env }, input: options.input ?? '', encoding: 'utf8' });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function file(name: string, text: string): string {
  writeFileSync(`${root}/${name}`, text);
  return `${root}/${name}`;
}

const YAML = `apiVersion: cellos.io/v1
kind: ExecutionCell
spec:
  id: hello
  authority:
    secretRefs: [API_TOKEN]
  lifetime:
    ttlSeconds: 30
  run:
    argv: [sh, -c, 'echo out; test "$(printf %s "$API_TOKEN" | wc -c)" = 11 || exit 9; cat; exit 3']
    workingDirectory: /tmp
    secretDelivery: env
  export:
    artifacts: []
`;
const SECRET = { CELLOS_SECRET_API_TOKEN: 'tell-nobody' };

function json(spec: object): string {
  return JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'a', authority: {}, lifetime: { ttlSeconds: 30 }, ...spec } });
}

describe('cellos run SPEC', () => {
  it('runs a YAML document in a cell, with its secret, its limits and its spec hash in the evidence', () => {
    const evidence = `${root}/evidence`;
    const result = cellos(['run', '--evidence', evidence, file('hello.yaml', YAML)], { env: SECRET, input: 'in\n' });
    expect(result).toMatchObject({ status: 3, stdout: 'out\nin\n' });
    expect(result.stderr).not.toContain('tell-nobody');
    const records = readFileSync(`${evidence}/records.jsonl`, 'utf8');
    expect(records.includes('tell-nobody')).toBe(false);
    expect(/"canonicalSpecHash":"sha256:[0-9a-f]{64}"/.test(records)).toBe(true);
    expect(JSON.parse(cellos(['verify', '--json', evidence]).stdout)).toMatchObject({ verdict: 'complete', log: { origin: expect.stringMatching(/^cellos\.dev\/log\//) } });
  });

  it.each([
    ['policy', ['--compatible'], json({ lifetime: { ttlSeconds: 0 }, run: { argv: ['true'] } }), { status: 120, type: 'admission.v1.refused', data: { argv: ['true'], violations: [{ rule: 'lifetime.positive' }] } }],
    ['this host', [], json({ authority: { egressRules: [{ host: 'example.com', port: 443 }] }, run: { argv: ['true'] } }), { status: 121, type: 'plan.v1.refused', data: { argv: ['true'], missing: ['network.egress'] } }],
  ])('seals the evidence of what %s refuses, says so, and makes no cell [BG1]', (who, options, text, { status, type, data }) => {
    const evidence = `${root}/refused-${status}`;
    const result = cellos(['run', '--evidence', evidence, ...options, file('refused.json', text)]);
    const [, runId = ''] = /The refusal is recorded: cellos show (\w+)/.exec(result.stderr) ?? [];
    expect([result.status, result.stdout, runId]).toEqual([status, '', expect.stringMatching(/^\w{26}$/)]);
    const records = readFileSync(`${evidence}/records.jsonl`, 'utf8').trim().split('\n');
    const events = records.map((line) => JSON.parse(line).envelope.event);
    expect(events.map((event) => event.type.replace('dev.cellos.events.cell.', ''))).toEqual(['evidence.v1.genesis', type, 'evidence.v1.sealed']);
    expect([events[1].data, events[2].data]).toMatchObject([data, { outcome: 'refused', exitCode: status }]);
    expect(JSON.parse(cellos(['verify', '--json', evidence]).stdout)).toMatchObject({ verdict: 'complete', outcome: 'refused' });
    expect(cellos(['show', runId]).stdout).toContain(`refused ${status}: ${who === 'policy' ? 'spec.lifetime.ttlSeconds is 0' : 'not available here: network.egress'}`);
    expect(readdirSync(`${root}/state/scratch`)).toEqual([]);
  });

  it('takes a secret from where --secret says', () => {
    const source = file('token', 'tell-nobody\n');
    expect(cellos(['run', '--secret', `API_TOKEN=file:${source}`, file('hello.yml', YAML)])).toMatchObject({ status: 3, stdout: 'out\n' });
    expect(cellos(['run', file('hello.yml', YAML)])).toMatchObject({ status: 120, stderr: expect.stringContaining('CELLOS_SECRET_API_TOKEN is not set') });
  });

  it('takes the secret of an identity from where --secret says, or by its audience', () => {
    const identity = { kind: 'federatedOidc', provider: 'https://issuer.example', audience: 'sts-audience', secretRef: 'OIDC' };
    const path = file('identity.json', json({ identity, authority: { secretRefs: ['OIDC'] }, run: { argv: ['sh', '-c', 'printf %s "$OIDC" | wc -c'], secretDelivery: 'env' } }));
    expect(cellos(['run', '--secret', `OIDC=file:${file('oidc', 'four')}`, path])).toMatchObject({ status: 0, stdout: '4\n' });
    expect(cellos(['run', path], { env: { CELLOS_SECRET_STS_AUDIENCE: 'five!' } })).toMatchObject({ status: 0, stdout: '5\n' });
  });

  it('reads a document from stdin, in JSON or YAML, and the command then finds stdin at its end', () => {
    expect(cellos(['run', '-'], { env: SECRET, input: YAML })).toMatchObject({ status: 3, stdout: 'out\n' });
    expect(cellos(['run', '-'], { input: json({ run: { argv: ['sh', '-c', 'cat; echo done'] } }) })).toMatchObject({ status: 0, stdout: 'done\n' });
  });

  it('enforces the time limit of the document', () => {
    expect(cellos(['run', file('slow.json', json({ run: { argv: ['sleep', '20'], timeoutMs: 300 } }))])).toMatchObject({ status: 124, stderr: expect.stringContaining('300 ms') });
  });

  it('refuses a document with mistakes with 65, and every finding with its path and line', () => {
    const path = file('bad.yaml', YAML.replace('ttlSeconds', 'ttlSecond').replace('id: hello', 'id: ""'));
    const result = cellos(['run', path]);
    expect(result).toMatchObject({ status: 65, stdout: '' });
    expect(result.stderr.split('\n').slice(1, 4).map((line) => line.trimStart())).toEqual([
      `${path}:7:3: spec.lifetime.ttlSeconds is missing: a whole number is required`,
      `${path}:4:7: spec.id has to be 1 to 128 letters, digits, dots, dashes and underscores, begin with a letter or digit, and hold no ".."`,
      `${path}:8:5: spec.lifetime.ttlSecond is an unknown key; did you mean ttlSeconds?`,
    ]);
  });

  it('runs with a warning in compatible mode what the reference would run', () => {
    const path = file('unknown.json', json({ run: { argv: ['true'] }, later: 1 }));
    expect(cellos(['run', path]).status).toBe(65);
    expect(cellos(['run', '--compatible', path])).toMatchObject({ status: 0, stderr: expect.stringContaining(`cellos: ${path}:1:`) });
    expect(cellos(['run', '--compatible', '--quiet', path])).toMatchObject({ status: 0, stderr: '' });
  });

  it("refuses options that would say otherwise than the document, and what the document does not ask for", () => {
    const limits = { memoryMaxBytes: 256 * 1024 * 1024, cpuMax: { quotaMicros: 50_000 } };
    const path = file('limits.json', json({ run: { argv: ['true'], limits } }));
    for (const [option, value] of [['ttl', '1s'], ['memory', '1G'], ['cpus', '1'], ['export', 'a=b'], ['secret', 'OTHER']] as const) {
      expect(cellos(['run', `--${option}`, value, path])).toMatchObject({ status: 64, stderr: expect.stringContaining(`--${option}`) });
    }
    expect(cellos(['run', '--pids', '64', path]).status).toBe(0);
  });

  it('refuses to run a cell without time, or a secret under a reserved name', () => {
    expect(cellos(['run', file('zero.json', json({ lifetime: { ttlSeconds: 0 }, run: { argv: ['true'] } }))]).status).toBe(120);
    const preload = json({ authority: { secretRefs: ['LD_PRELOAD'] }, run: { argv: ['true'], secretDelivery: 'env' } });
    expect(cellos(['run', file('preload.json', preload)], { env: { CELLOS_SECRET_LD_PRELOAD: 'x' } }).status).toBe(120);
  });

  it('says what to do about a document that cannot be read', () => {
    expect(cellos(['run', `${root}/nowhere.yaml`])).toMatchObject({ status: 65, stderr: expect.stringContaining('does not exist') });
    expect(cellos(['run', root])).toMatchObject({ status: 65, stderr: expect.stringContaining('folder') });
    expect(cellos(['run', '/dev/zero'])).toMatchObject({ status: 65, stderr: expect.stringContaining('bytes') });
  });
});
