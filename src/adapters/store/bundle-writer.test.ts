import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { type BundleSubject, runBundleContract } from '../../testing/contracts/run-bundle.ts';
import { AppendFile } from '../os/durable-file.ts';
import { createRunBundle } from './bundle-writer.ts';

function subject(): BundleSubject {
  const root = mkdtempSync(`${tmpdir()}/cellos-bundle-`);
  const path = `${root}/run`;
  mkdirSync(path, { mode: 0o700 });
  const records = new AppendFile(`${path}/records.jsonl`);
  return {
    bundle: createRunBundle({ runId: 'run', path, scratch: `${root}/scratch`, records }, utf8('{"keyset":true}')),
    fileOf: (name) => (existsSync(`${path}/${name}`) ? readFileSync(`${path}/${name}`) : undefined),
    paths: () => readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`.slice(path.length + 1)).sort(),
    dispose: () => {
      records.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

describe('the bundle folder keeps the contract of the port run-bundle', () => {
  for (const one of runBundleContract(subject)) it(one.name, one.run);
});
