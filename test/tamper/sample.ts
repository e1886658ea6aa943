/** Two small real bundles of one host, made once, and everything an auditor pins for them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Bytes } from '../../src/base/bytes.ts';
import { openKeys } from '../../src/compose/host-keys.ts';
import { StateFolder } from '../../src/compose/local.ts';
import type { AuditTrust, BundleSource } from '../../src/core/evidence/audit.ts';

/** Path in the bundle → bytes. */
export type Files = ReadonlyMap<string, Bytes>;

export interface Sample {
  readonly first: Files;
  /** Another run under the same keys; no file but the keyset is the same. */
  readonly second: Files;
  readonly trust: AuditTrust;
}

export function readFiles(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(names.map((entry) => `${entry.parentPath}/${entry.name}`).map((path) => [path.slice(folder.length + 1), new Uint8Array(readFileSync(path))]));
}

/** @param folder empty, the caller's to remove */
export function makeSample(folder: string): Sample {
  const state = `${folder}/state`;
  const make = (name: string): Files => {
    const evidence = `${folder}/${name}`;
    const command = `echo ${name}; echo ${name} >&2; echo artifact ${name} > result`;
    const { status, stderr } = spawnSync('bin/cellos', ['run', '--evidence', evidence, '--export', 'result=result', '--', 'sh', '-c', command], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: state }, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the sample run failed with ${status}: ${stderr}`);
    return readFiles(evidence);
  };
  const [first, second] = [make('first'), make('second')];
  const { root } = openKeys(new StateFolder(state));
  return { first, second, trust: { roots: new Map([[root.kid, root.publicKey]]) } };
}

export function memoryBundle(files: Files): BundleSource {
  return {
    list: async () => [...files.keys()],
    async *open(path) {
      const bytes = files.get(path);
      if (bytes !== undefined && bytes.byteLength > 0) yield bytes;
    },
  };
}

export function withFile(files: Files, path: string, bytes: Bytes | undefined): Files {
  const changed = new Map(files);
  if (bytes === undefined) changed.delete(path);
  else changed.set(path, bytes);
  return changed;
}

export function sameFiles(a: Files, b: Files): boolean {
  return a.size === b.size && [...a].every(([path, bytes]) => Buffer.compare(bytes, b.get(path) ?? Buffer.from('\0')) === 0);
}

/** A ustar archive as tar --format=ustar makes it. */
export function tarOf(files: Files): Bytes {
  const blocks: Bytes[] = [];
  for (const [path, bytes] of files) {
    const header = Buffer.alloc(512);
    header.write(path, 0);
    for (const [at, text] of [[100, '0000600\0'], [108, '0000000\0'], [116, '0000000\0'], [124, `${bytes.byteLength.toString(8).padStart(11, '0')}\0`], [136, '15000000000\0'], [148, '        '], [156, '0'], [257, 'ustar\x0000'], [265, 'root'], [297, 'root']] as const) header.write(text, at, 'latin1');
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    blocks.push(header, bytes, Buffer.alloc((512 - (bytes.byteLength % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
