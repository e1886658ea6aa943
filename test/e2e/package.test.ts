/** The package as somebody gets it: built, packed, installed into an empty folder without a network, used. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeys } from '../../src/compose/host-keys.ts';
import { StateFolder } from '../../src/compose/local.ts';
import { verifyKeysFile } from '../../src/core/signing/trust-document.ts';
import { VERSION } from '../../src/version.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-package-`);
const app = `${root}/app`;
const bin = `${app}/node_modules/.bin`;
const installed = `${app}/node_modules/cellos`;
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string; bin: Record<string, string>; exports: Record<string, { types: string; default: string } | string>; dependencies: Record<string, string> };

/** The packages that ours runs on, and those that they run on. */
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, { dev?: boolean; devOptional?: boolean }> };
const runtime = Object.entries(lock.packages).flatMap(([path, { dev, devOptional }]) => (path.startsWith('node_modules/') && dev !== true && devOptional !== true ? [path.slice('node_modules/'.length)] : []));

function sh(program: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const result = spawnSync(program, args, { cwd: options.cwd ?? app, env: { PATH: process.env['PATH'], HOME: root, CELLOS_STATE_DIR: `${root}/state`, CELLOS_CACHE_DIR: `${root}/cache`, ...options.env }, encoding: 'utf8' });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function must(program: string, args: readonly string[], cwd: string): string {
  const result = sh(program, args, { cwd });
  expect(result.status, `${program} ${args.join(' ')}\n${result.stdout}${result.stderr}`).toBe(0);
  return result.stdout;
}

function pack(folder: string): string {
  return `${root}/${must('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', root], folder).trim()}`;
}

beforeAll(() => {
  mkdirSync(app);
  writeFileSync(`${app}/package.json`, '{"private":true,"type":"module"}');
  must(process.execPath, ['tools/build.ts'], resolve('.'));
  // The dependencies come from this clone's own copies: nothing is fetched.
  const tarballs = [...runtime.map((name) => pack(resolve('node_modules', name))), pack(resolve('.'))];
  must('npm', ['install', '--offline', '--cache', `${root}/npm`, '--no-audit', '--no-fund', '--loglevel=error', ...tarballs], app);
}, 180_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the installed package', () => {
  it('has one version, in the manifest and in the program', () => {
    expect(VERSION).toBe(manifest.version);
    expect(sh(`${bin}/cellos`, ['--version']).stdout).toBe(`cellos ${manifest.version}\n`);
  });

  it('brings nothing but what it declares', () => {
    const found = readdirSync(`${app}/node_modules`).filter((name) => !name.startsWith('.')).flatMap((name) => (name.startsWith('@') ? readdirSync(`${app}/node_modules/${name}`).map((inner) => `${name}/${inner}`) : [name]));
    expect(found.sort()).toEqual(['cellos', ...runtime].sort());
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['@nats-io/jetstream', '@nats-io/transport-node', '@noble/hashes', 'yaml']);
    expect(existsSync(`${installed}/src`)).toBe(false);
    expect(existsSync(`${installed}/dist/native/linux-${process.arch}/cellos-cell`)).toBe(true);
  });

  it('runs a real cell, and keeps its compiled code out of the shared temporary folder', () => {
    const result = sh(`${bin}/cellos`, ['run', '--evidence', `${root}/evidence`, '--', 'sh', '-c', 'echo out; exit 7'], { env: { TMPDIR: `${root}/tmp` } });
    expect(result).toMatchObject({ status: 7, stdout: 'out\n' });
    expect(sh(`${bin}/cellos`, ['verify', `${root}/evidence`])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^complete\b/) });
    expect(existsSync(`${root}/tmp`)).toBe(false);
    expect(readdirSync(`${root}/cache/compiled`).length).toBeGreaterThan(0);
  });

  it('brings the drop-in supervisor, with a client of its secrets that works where the command runs', () => {
    const spec = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'packed', authority: { secretRefs: ['TOKEN'] }, lifetime: { ttlSeconds: 30 }, run: { argv: ['sh', '-c', `PATH=${dirname(process.execPath)}:$PATH ${bin}/cellos-supervisor secret get TOKEN`], secretDelivery: 'runtimeBroker' } } };
    writeFileSync(`${root}/spec.json`, JSON.stringify(spec));
    const env = { CELLOS_DEPLOYMENT_PROFILE: 'portable', CELL_OS_USE_NOOP_SINK: '', CELLOS_BROKER: 'env', CELLOS_SECRET_TOKEN: 'told once' };
    expect(sh(`${bin}/cellos-supervisor`, ['--version']).stdout).toBe('cellos-supervisor 0.6.0-pre\n');
    expect(sh(`${bin}/cellos-supervisor`, [`${root}/spec.json`], { env })).toMatchObject({ status: 0, stdout: 'told once' });
  });

  it('keeps the compiled code of a few other versions, and not of any number', () => {
    const compiled = `${root}/cache/compiled`;
    const run = () => sh(`${bin}/cellos`, ['run', '-q', '--', 'true'], {}).status;
    expect(run()).toBe(0);
    const [ours = ''] = readdirSync(compiled).filter((name) => name.startsWith('cellos-run-'));
    rmSync(`${compiled}/${ours}`); // so that it is written anew
    for (let i = 0; i < 6; i += 1) writeFileSync(`${compiled}/cellos-run-other${i}`, '');
    expect(run()).toBe(0);
    const kept = readdirSync(compiled).filter((name) => name.startsWith('cellos-run-'));
    expect(kept).toContain(ours);
    expect(kept.length).toBe(4);
  });

  it('verifies with the lone file, on every Node at hand, and only under a key that was named', () => {
    const { root: rootKey } = openKeys(new StateFolder(`${root}/state`));
    writeFileSync(`${root}/trust.json`, verifyKeysFile(new Map([[rootKey.kid, rootKey.publicKey]])));
    writeFileSync(`${root}/cellos-verify.mjs`, readFileSync(`${installed}/dist/cellos-verify.mjs`));
    writeFileSync(`${root}/other.json`, verifyKeysFile(new Map([['other', Buffer.alloc(32, 9)]])));
    for (const node of new Set([process.execPath, '/usr/bin/node'].filter((path) => existsSync(path)))) {
      const verify = (...args: string[]) => sh(node, [`${root}/cellos-verify.mjs`, ...args], { cwd: '/' });
      expect(verify('--trust', `${root}/trust.json`, `${root}/evidence`)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^complete\b/) });
      expect(verify('--trust', `${root}/other.json`, '--json', `${root}/evidence`).status).toBe(12);
      expect(verify(`${root}/evidence`).status).toBe(64);
    }
    const records = readFileSync(`${root}/evidence/records.jsonl`, 'utf8');
    writeFileSync(`${root}/evidence/records.jsonl`, records.replace('"exitCode":7', '"exitCode":0'));
    expect(sh(process.execPath, [`${root}/cellos-verify.mjs`, '--trust', `${root}/trust.json`, `${root}/evidence`]).status).toBe(11);
  });

  it('can be imported, and its types hold in a strict project', () => {
    const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json');
    const lines = entries.map((name, i) => `import * as m${i} from 'cellos${name.slice(1)}';`);
    writeFileSync(`${app}/use.ts`, `${lines.join('\n')}\nexport const names: string[] = [${entries.map((_, i) => `...Object.keys(m${i})`).join(', ')}];\nimport { auditBundle, type Verdict } from 'cellos/core';\nexport const verdict = async (): Promise<Verdict> => (await auditBundle({ list: async () => [], open: () => { throw new Error('none'); } }, { roots: new Map() })).verdict;\nif (await verdict() !== 'incomplete-tail') throw new Error('no verdict');\n`);
    writeFileSync(`${app}/tsconfig.json`, JSON.stringify({ compilerOptions: { strict: true, module: 'nodenext', target: 'es2024', lib: ['es2024', 'esnext.disposable'], noEmit: true, types: ['node'], typeRoots: [resolve('node_modules/@types')] }, files: ['use.ts'] }));
    expect(sh(process.execPath, [resolve('node_modules/.bin/tsc'), '-p', app])).toMatchObject({ status: 0, stdout: '' });
    expect(sh(process.execPath, ['use.ts'])).toMatchObject({ status: 0, stderr: '' });
  });
});
