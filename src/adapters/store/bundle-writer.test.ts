import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, it } from 'vitest';
import { runBundleContract } from '../../testing/contracts/run-bundle.ts';
import { folderBundle } from '../os/bundle-files.ts';
import { createRunBundle } from './bundle-writer.ts';
import { StateFolder } from './state.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-bundle-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
let runs = 0;

describe('a bundle folder keeps the contract of a run bundle', () => {
  const make = () => {
    runs += 1;
    const folder = new StateFolder(`${root}/state`).createRun(String(runs));
    return { bundle: createRunBundle(folder, new Uint8Array(1), { keptBytesMax: 10 }), source: () => folderBundle(folder.path) };
  };
  for (const { name, run } of runBundleContract(make)) it(name, run);
});
