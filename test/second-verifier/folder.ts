/** Reads a bundle folder as section 1 defines it: regular files, and nothing else. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import type { Files } from './verify.ts';

/** What has no bytes of its own (a link, a pipe, an empty folder) gets a path with a slash at its end, which no attestation lists. */
export function readBundle(folder: string): Files {
  const files = new Map<string, Uint8Array>();
  const walk = (below: string): void => {
    const names = readdirSync(`${folder}/${below}`);
    if (names.length === 0 && below !== '' && below !== 'artifacts/') files.set(below, new Uint8Array());
    for (const name of names) {
      const path = `${below}${name}`;
      const stat = lstatSync(`${folder}/${path}`);
      if (stat.isDirectory()) walk(`${path}/`);
      else if (stat.isFile()) files.set(path, readFileSync(`${folder}/${path}`));
      else files.set(`${path}/`, new Uint8Array());
    }
  };
  walk('');
  return files;
}
