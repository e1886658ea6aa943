import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { runBundleContract, type RunBundleHarness } from '../../testing/contracts/run-bundle.ts';
import { bundleAt } from '../os/bundle-files.ts';
import { AppendFile } from '../os/durable-file.ts';
import { createRunBundle } from './bundle-writer.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-bundle-`);
const open: AppendFile[] = [];
let made = 0;

function harness(): RunBundleHarness {
  made += 1;
  const path = `${root}/run-${made}`;
  mkdirSync(path, { mode: 0o700 });
  const records = new AppendFile(`${path}/records.jsonl`);
  open.push(records);
  return {
    bundle: createRunBundle({ runId: 'run', path, scratch: `${root}/scratch`, records }, utf8('{"keyset":true}')),
    source: () => {
      const found = bundleAt(path);
      if (found.kind !== 'bundle') throw new Error(`${path} is no bundle folder`);
      return found.source;
    },
  };
}

afterAll(() => {
  for (const records of open) records.close();
  rmSync(root, { recursive: true, force: true });
});

describe('the bundle folder keeps the contract of the port run-bundle', () => {
  for (const one of runBundleContract(harness)) it(one.name, one.run);
});
