import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-policy-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function cellos(args: readonly string[], env: Record<string, string> = {}) {
  const result = spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state`, ...env }, input: '', encoding: 'utf8' });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function file(name: string, value: object | string): string {
  writeFileSync(`${root}/${name}`, typeof value === 'string' ? value : JSON.stringify(value));
  return `${root}/${name}`;
}

const packOf = (rules: object, spec: object = {}) => ({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'ci-pack', version: '1.2.0', rules, ...spec } });
const job = file('job.json', { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'job', authority: { secretRefs: ['TOKEN'] }, lifetime: { ttlSeconds: 60 }, run: { argv: ['true'], limits: { memoryMaxBytes: 1 << 26 } } } });
const good = file('good.json', packOf({ maxLifetimeTtlSeconds: 60, maxMemoryMaxBytes: 1 << 26, requireResourceLimits: true, secretRefAllowlist: { ci: ['TOKEN'] } }));

describe('cellos policy check', () => {
  it('permits: 0; refuses: 120 with every violation', () => {
    expect(cellos(['policy', 'check', good, job], { CELLOS_CALLER_IDENTITY: 'ci' })).toMatchObject({ status: 0, stdout: 'permitted: the pack ci-pack 1.2.0 lets job run\n' });
    const refused = cellos(['policy', 'check', '--json', file('tight.json', packOf({ maxLifetimeTtlSeconds: 59, maxMemoryMaxBytes: 1, secretRefAllowlist: {} })), job]);
    expect(refused.status).toBe(120);
    const { verdict, violations, pack } = JSON.parse(refused.stdout);
    expect(verdict).toBe('refused');
    expect(violations.map(({ rule }: { rule: string }) => rule)).toEqual(['maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'caller_unmapped']);
    expect(pack).toMatchObject({ id: 'ci-pack', version: '1.2.0', caller: 'default' });
  });

  it('an invalid pack, in YAML too, is 65 with path and line; a missing one says so; wrong usage is 64', () => {
    const bad = cellos(['policy', 'check', file('bad.yaml', 'apiVersion: cellos.io/v1\nkind: PolicyPack\nspec:\n  id: p\n  rules:\n    maxMemmoryMaxBytes: 1\n'), job]);
    expect(bad.status).toBe(65);
    expect(bad.stderr).toContain('bad.yaml:6:5: spec.rules.maxMemmoryMaxBytes is an unknown key; did you mean maxMemoryMaxBytes?');
    expect(cellos(['policy', 'check', `${root}/none.json`, job]).status).toBe(65);
    for (const args of [[], ['chek'], ['check'], ['check', good], ['check', good, job, job]]) expect(cellos(['policy', ...args]).status).toBe(64);
  });

  it('a pack older than the floor needs leave', () => {
    const old = file('old.json', packOf({}, { version: '0.9.0' }));
    expect(cellos(['policy', 'check', old, job]).status).toBe(65);
    expect(cellos(['policy', 'check', old, job], { CELLOS_POLICY_ALLOW_DOWNGRADE: '1' }).status).toBe(0);
  });

  it('says when no pack applied', () => {
    const scoped = file('scoped.json', packOf({ maxLifetimeTtlSeconds: 1 }, { placement: { poolId: 'p' } }));
    const elsewhere = file('elsewhere.json', JSON.stringify({ ...JSON.parse(readFileSync(job, 'utf8')), spec: { ...JSON.parse(readFileSync(job, 'utf8')).spec, placement: { poolId: 'q' } } }));
    expect(cellos(['policy', 'check', scoped, elsewhere]).stdout).toContain('no pack applied');
    expect(cellos(['policy', 'check', scoped, job]).status).toBe(120);
  });
});

describe('cellos policy show', () => {
  it('shows what the pack sets; with --effective every rule, and with a document what each says of it', () => {
    expect(cellos(['policy', 'show', good]).stdout).toMatch(/^Pack ci-pack 1\.2\.0 {2}sha256:[0-9a-f]{12}…\n\nmaxLifetimeTtlSeconds {2}pack\n {4}a cell lives at most 60 s\n/);
    const { rules } = JSON.parse(cellos(['policy', 'show', '--effective', '--json', good, job]).stdout);
    expect(rules).toHaveLength(12);
    expect(rules).toContainEqual({ rule: 'secretRefAllowlist', source: 'pack', says: 'secrets by caller; known callers: ci', decision: 'broken' });
    expect(cellos(['policy', 'show', file('empty.json', packOf({}))]).stdout).toContain('The pack demands nothing.');
  });
});

describe('cellos run --policy', () => {
  it('refuses a command line with 120 and every violation; plan says the same; nothing runs', () => {
    for (const verb of ['run', 'plan']) {
      const refused = cellos([verb, '--policy', good, '--ttl', '2m', '--', 'true']);
      expect(refused.status).toBe(120);
      for (const text of ['spec.lifetime.ttlSeconds is 120, more than the 60 the pack allows', 'spec.run.limits is missing', 'spec.run.limits.memoryMaxBytes is missing', 'caller is "default"']) expect(refused.stderr).toContain(text);
    }
  });

  it('records the decision before the plan, and the audit decides it again', () => {
    const evidence = `${root}/evidence`;
    expect(cellos(['run', '--policy', good, '--memory', '64M', '--ttl', '1m', '--evidence', evidence, '--', 'echo', 'hi'], { CELLOS_CALLER_IDENTITY: 'ci' })).toMatchObject({ status: 0, stdout: 'hi\n' });
    const events = readFileSync(`${evidence}/records.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line).envelope.event);
    const types = events.map(({ type }: { type: string }) => type.replace('dev.cellos.events.cell.', ''));
    expect(types.indexOf('policy.v1.decided')).toBe(1);
    expect(types.indexOf('plan.v1.effective')).toBeGreaterThan(1);
    expect(events[1].data.decision).toMatchObject({ v: 1, verdict: 'admitted', applied: true, input: { caller: 'ci', ttlSeconds: 60, memoryMaxBytes: 1 << 26 }, pack: { spec: { id: 'ci-pack' } } });
    expect(JSON.parse(cellos(['verify', '--json', evidence]).stdout)).toMatchObject({ verdict: 'complete' });
  });
});
