import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../base/limits.ts';
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

  it('takes no more records than an audit reads', () => {
    const { bundle } = make();
    // As long as it says, without being there.
    const large = Object.defineProperty(new Uint8Array(1), 'byteLength', { value: LIMITS.recordsSizeBytesMax });
    bundle.append(new Uint8Array(1));
    for (const next of [large, new Uint8Array(1)]) expect(() => bundle.append(next)).toThrow(expect.objectContaining({ code: 'evidence.unwritable', message: expect.stringContaining('no audit takes') }));
  });
});
