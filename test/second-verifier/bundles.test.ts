/** Both verifiers on folders, and on bundles of real cells: ours by its program and in process. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderBundle } from '../../src/adapters/os/bundle-files.ts';
import { linesOf, withFiles, withLines } from './cases.ts';
import { changedBytes, exchangedFiles } from './campaigns.ts';
import { askBoth, textOf } from './differ.ts';
import { draft, makeBundle, TRUST } from './drafts.ts';
import { readBundle } from './folder.ts';
import { CHECKPOINT, PROOFS } from './log.ts';
import { readTrust } from './trust.ts';
import { type Files, verifyBundle } from './verify.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-second-`);
const env = { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${folder}/state`, TOKEN: 'a secret value' };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cellos(...args: string[]): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync('bin/cellos', args, { env, encoding: 'utf8', input: '' });
  return { status, stdout };
}

function writeBundle(path: string, files: Files): void {
  for (const [name, bytes] of files) {
    mkdirSync(`${path}/${name}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${path}/${name}`, bytes);
  }
}

function filesOf(path = ''): Files {
  const files = readBundle(path);
  if (files === undefined) throw new Error(`no bundle in ${path}`);
  return files;
}

/** What both say of a folder, each reading it by its own code. */
async function ofFolder(path: string, trust: Uint8Array): Promise<{ first: string; second: string }> {
  const { first, second } = await askBoth({ files: readBundle(path), trust }, folderBundle(path));
  return { first: textOf(first), second: textOf(second) };
}

describe('a bundle folder, by both verifiers', () => {
  const cases: [string, (path: string) => void, string][] = [
    ['as it was made', () => undefined, 'complete'],
    ['an empty folder of artifacts', (path) => mkdirSync(`${path}/artifacts`), 'complete'],
    ['an empty folder more', (path) => mkdirSync(`${path}/more`), 'tampered'],
    ['an empty folder in that of artifacts', (path) => mkdirSync(`${path}/artifacts/more`, { recursive: true }), 'tampered'],
    ['a file more in a folder more', (path) => writeBundle(path, new Map([['more/file', Buffer.alloc(0)]])), 'tampered'],
    ['a link in the place of a file, to the same bytes', (path) => { renameSync(`${path}/stdout.log`, `${path}.out`); symlinkSync(`${path}.out`, `${path}/stdout.log`); }, 'tampered'],
    ['a link in the place of the records', (path) => { renameSync(`${path}/records.jsonl`, `${path}.records`); symlinkSync(`${path}.records`, `${path}/records.jsonl`); }, 'tampered'],
    ['a link in the place of the keyset', (path) => { renameSync(`${path}/keyset.json`, `${path}.keyset`); symlinkSync(`${path}.keyset`, `${path}/keyset.json`); }, 'tampered'],
    ['a link in the place of the attestation', (path) => { renameSync(`${path}/attestation.dsse.json`, `${path}.att`); symlinkSync(`${path}.att`, `${path}/attestation.dsse.json`); }, 'tampered'],
    ['a link to nowhere', (path) => symlinkSync('/nonexistent', `${path}/more`), 'tampered'],
    ['a pipe', (path) => void execFileSync('mkfifo', [`${path}/pipe`]), 'tampered'],
    ['a pipe in an unfinished bundle', (path) => { rmSync(`${path}/attestation.dsse.json`); execFileSync('mkfifo', [`${path}/pipe`]); }, 'tampered'],
    ['an empty folder in an unfinished bundle', (path) => { rmSync(`${path}/attestation.dsse.json`); mkdirSync(`${path}/more`); }, 'incomplete-tail'],
    ['a link where a run never began', (path) => { for (const name of ['records.jsonl', 'attestation.dsse.json']) rmSync(`${path}/${name}`); symlinkSync('/nonexistent', `${path}/more`); }, 'tampered'],
    ['a name that is no text', (path) => writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.of(255)]), ''), 'tampered'],
    ['more files than a bundle may have', (path) => { for (let i = 0; i < 8188; i += 1) writeFileSync(`${path}/${i}`, ''); }, 'tampered'],
    ['a folder in the place of a file', (path) => { rmSync(`${path}/stderr.log`); mkdirSync(`${path}/stderr.log`); }, 'tampered'],
    ['a folder in the place of the records', (path) => { rmSync(`${path}/records.jsonl`); mkdirSync(`${path}/records.jsonl`); }, 'tampered'],
    ['a file gone', (path) => rmSync(`${path}/stderr.log`), 'tampered'],
    ['nothing but an attestation', (path) => { for (const name of ['records.jsonl', 'keyset.json', 'stdout.log', 'stderr.log']) rmSync(`${path}/${name}`); }, 'tampered'],
  ];
  it.each(cases)('%s', async (name, edit, verdict) => {
    const path = `${folder}/case-${name.replace(/\W+/g, '-')}`;
    writeBundle(path, makeBundle(draft()));
    edit(path);
    expect(await ofFolder(path, TRUST)).toEqual({ first: verdict, second: verdict });
  });
});

describe('bundles of real cells, by both verifiers', () => {
  const made: string[] = [];
  let trust: Buffer;
  const run = (name: string, status: number, ...args: string[]): void => {
    made.push(`${folder}/${name}`);
    expect(cellos('run', '-q', '--evidence', `${folder}/${name}`, ...args).status, name).toBe(status);
  };

  beforeAll(() => {
    mkdirSync(`${folder}/work`);
    writeFileSync(`${folder}/pack.json`, JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p', version: '1.0.0', rules: { maxLifetimeTtlSeconds: 60, requireResourceLimits: true } } }));
    run('all', 0, '--workspace', `${folder}/work`, '--secret', 'TOKEN', '--export', 'made=made', '--redact', 'defaults', '--', 'sh', '-c', 'echo out; echo err >&2; echo artifact > made');
    run('signal', 137, '--policy', `${folder}/pack.json`, '--ttl', '1m', '--memory', '64M', '--', 'sh', '-c', 'kill -9 $$');
    run('refused', 120, '--policy', `${folder}/pack.json`, '--ttl', '2m', '--', 'true');
    trust = Buffer.from(cellos('keys', 'export').stdout);
    writeFileSync(`${folder}/trust.json`, trust);
  }, 120_000);

  it('are complete, in process and by the program', async () => {
    for (const path of made) {
      expect(await ofFolder(path, trust), path).toEqual({ first: 'complete', second: 'complete' });
      const { status, stdout } = cellos('verify', '--json', '--trust', `${folder}/trust.json`, path);
      expect([status, JSON.parse(stdout).verdict], path).toEqual([0, 'complete']);
      expect(await ofFolder(path, TRUST), path).toEqual({ first: 'untrusted-key', second: 'untrusted-key' });
    }
  }, 60_000);

  it('after a rotation of keys, a compromise, and for who knows of it', async () => {
    for (const _ of [1, 2, 3, 4]) expect(cellos('keys', 'rotate').status).toBe(0);
    run('rotated', 0, '--', 'true');
    const keyset = JSON.parse(readFileSync(`${folder}/rotated/records.jsonl`, 'utf8').split('\n')[0] ?? '') as { stream: string; envelope: { signerKid: string } };
    expect(await ofFolder(`${folder}/rotated`, trust)).toEqual({ first: 'complete', second: 'complete' });
    expect(cellos('keys', 'revoke', keyset.envelope.signerKid, '--compromised-from', `${keyset.stream}:4`).status).toBe(0);
    const known = Buffer.from(cellos('keys', 'export').stdout);
    expect(await ofFolder(`${folder}/rotated`, known)).toEqual({ first: 'untrusted-key at record 4, line 5', second: 'untrusted-key at record 4, line 5' });
    for (const path of made.slice(0, 3)) expect(await ofFolder(path, known), path).toEqual({ first: 'complete', second: 'complete' });
    expect(readTrust(known)[0]?.chain?.sets).toHaveLength(6);
  }, 120_000);

  it('carry the log of their host, and not without each of its files', async () => {
    for (const path of made) {
      const files = filesOf(path);
      expect(files.has(CHECKPOINT) && files.has(PROOFS), path).toBe(true);
      for (const name of [CHECKPOINT, PROOFS]) expect(textOf((await askBoth({ files: withFiles(files, { [name]: undefined }), trust })).first), `${path} without ${name}`).toBe('tampered');
    }
  });

  it('of one host and run do not go together with those of another', async () => {
    const [all, signal] = [filesOf(made[0]), filesOf(made[1])];
    expect((await exchangedFiles(all, signal, trust)).wrong).toEqual([]);
    expect(verifyBundle(withFiles(withLines(all, linesOf(signal)), { 'attestation.dsse.json': undefined }), readTrust(trust))).toEqual({ verdict: 'incomplete-tail' });
  }, 60_000);

  it('are noticed when a byte of them is changed', async () => {
    const seed = Date.now() % 2 ** 31;
    const { wrong, variants } = await changedBytes(filesOf(made[2]), trust, { seed, of: 120 });
    expect(wrong, `seed ${seed}`).toEqual([]);
    expect(variants).toBeGreaterThan(30);
  }, 60_000);

  it('are judged the same from a copy', async () => {
    cpSync(made[0] ?? '', `${folder}/copy`, { recursive: true });
    expect(await ofFolder(`${folder}/copy`, trust)).toEqual({ first: 'complete', second: 'complete' });
  });
});
