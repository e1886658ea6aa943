/** Reads a bundle folder as section 1 defines it: regular files, and nothing else. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import type { Files } from './verify.ts';

/** An empty folder, and a file whose name is no UTF-8, get a path with a slash at its end, which no attestation lists. @returns undefined when something is neither a file nor a folder */
export function readBundle(folder: string): Files | undefined {
  const files = new Map<string, Uint8Array>();
  return walk(folder, '', files) ? files : undefined;
}

function walk(folder: string, below: string, files: Map<string, Uint8Array>): boolean {
  const names = readdirSync(`${folder}/${below}`, { encoding: 'buffer' });
  if (names.length === 0 && below !== '' && below !== 'artifacts/') files.set(below, new Uint8Array());
  return names.every((bytes) => {
    const path = `${below}${bytes.toString()}`;
    if (!Buffer.from(path).equals(Buffer.concat([Buffer.from(below), bytes]))) return files.set(`${path}/`, new Uint8Array()) === files;
    const stat = lstatSync(`${folder}/${path}`);
    if (stat.isDirectory()) return walk(folder, `${path}/`, files);
    if (stat.isFile()) files.set(path, readFileSync(`${folder}/${path}`));
    return stat.isFile();
  });
}
