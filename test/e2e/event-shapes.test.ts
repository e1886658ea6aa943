/** Events of real runs are held to their JSON Schemas, closed: a member that a schema does not name fails too. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { Cell } from '../../src/index.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-shapes-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  [key: string]: unknown;
}

/** Labels and the like have any member; every other object has those it names. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)])) as Schema;
  return inner.properties === undefined || inner['type'] !== 'object' ? inner : { ...inner, additionalProperties: false };
}

const { $defs, anyOf } = JSON.parse(readFileSync('docs/events.schema.json', 'utf8')) as { $defs: Record<string, Schema>; anyOf: { properties: { type: { const: string }; data: { $ref: string } } }[] };
const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
const checks = new Map(anyOf.map(({ properties: { type, data } }) => [type.const, ajv.compile(closed($defs[data.$ref.slice('#/$defs/'.length)]) as object)]));

function wrongIn(evidence: string): { types: Set<string>; findings: string[] } {
  const types = new Set<string>();
  const findings: string[] = [];
  for (const line of readFileSync(`${evidence}/records.jsonl`, 'utf8').trim().split('\n')) {
    const { type, data } = JSON.parse(line).envelope.event as { type: string; data: unknown };
    types.add(type.replace('dev.cellos.events.cell.', ''));
    const check = checks.get(type);
    if (check === undefined) findings.push(`${type} has no schema`);
    else if (!check(data)) findings.push(...(check.errors ?? []).map((error) => `${type}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`));
  }
  return { types, findings };
}

function run(name: string, args: readonly string[], env: Record<string, string> = {}): ReturnType<typeof wrongIn> & { status: number | null } {
  const evidence = `${root}/${name}`;
  const { status } = spawnSync('bin/cellos', ['run', '--evidence', evidence, ...args], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state`, ...env } });
  return { status, ...wrongIn(evidence) };
}

const spec = (name: string, members: object): string => {
  writeFileSync(`${root}/${name}.json`, JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'shapes', authority: {}, lifetime: { ttlSeconds: 60 }, ...members } }));
  return `${root}/${name}.json`;
};

describe('what runs write is what their schemas say', () => {
  it('of a command with workspace, export and a secret', () => {
    mkdirSync(`${root}/folder`);
    const { status, types, findings } = run('whole', ['--workspace', `${root}/folder`, '--apply', '--secret', 'TOKEN', '--export', 'out=made', '--', 'sh', '-c', 'echo x | tee made'], { TOKEN: 'tell-nobody' });
    expect([status, findings]).toEqual([0, []]);
    expect([...types]).toEqual(expect.arrayContaining(['evidence.v1.genesis', 'secret.v1.lease', 'output.v1.captured', 'workspace.v1.changed', 'workspace.v1.applied', 'export.v2.completed', 'teardown.v1.certificate', 'evidence.v1.sealed']));
  });

  it('of a document with correlation, placement and identity', () => {
    const document = spec('identity', {
      correlation: { platform: 'ci', labels: { a: 'b' }, tenantId: 'acme' },
      placement: { poolId: 'p' },
      authority: { secretRefs: ['OIDC'] },
      identity: { kind: 'federatedOidc', provider: 'https://issuer.example', audience: 'sts', secretRef: 'OIDC' },
      run: { argv: ['true'], secretDelivery: 'env' },
    });
    const { status, types, findings } = run('identity', [document], { CELLOS_SECRET_OIDC: 'tell-nobody', CELLOS_SECRET_STS: 'tell-nobody' });
    expect([status, findings]).toEqual([0, []]);
    expect([...types]).toEqual(expect.arrayContaining(['identity.v1.materialized', 'identity.v1.revoked']));
  });

  it.each([
    ['signalled', ['--', 'sh', '-c', 'kill -9 $$'], 137, 'process.v1.exited'],
    ['not-found', ['--', 'no-such-program'], 127, 'process.v1.exited'],
    ['late', ['--ttl', '1s', '--', 'sleep', '20'], 124, 'limit.v1.reached'],
    ['large', ['--memory', '64M', '--', 'sh', '-c', 'head -c 200M /dev/zero | tail'], 137, 'limit.v1.reached'],
    ['no-artifact', ['--export', 'out=none', '--', 'true'], 125, 'export.v2.failed'],
    ['refused', [spec('refused', { authority: { egressRules: [{ host: 'example.com', port: 443 }] }, run: { argv: ['true'] } })], 121, 'plan.v1.refused'],
    ['not-admitted', ['--compatible', spec('not-admitted', { lifetime: { ttlSeconds: 0 }, run: { argv: ['true'] } })], 120, 'admission.v1.refused'],
  ] as const)('of one that ends otherwise: %s', (name, args, code, type) => {
    const { status, types, findings } = run(name, args);
    expect([status, findings]).toEqual([code, []]);
    expect(types).toContain(type);
  });

  it('of the library: many commands, files touched', async () => {
    const cell = await Cell.create({ stateDir: `${root}/state` });
    await cell.exec(['true']);
    await cell.exec(['false']);
    await cell.files.write('/work/a', 'x');
    await cell.files.read('/work/a');
    await cell.close();
    const { types, findings } = wrongIn(cell.evidence.path);
    expect(findings).toEqual([]);
    expect(types).toContain('file.v1.touched');
  });
});
