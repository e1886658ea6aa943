import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { signerContract } from '../../testing/contracts/signer.ts';
import { fakeRandom } from '../../testing/index.ts';
import { loadOrCreateKeys } from './key-files.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-keys-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
const load = (name = 'keys') => loadOrCreateKeys(`${root}/${name}`, { random: fakeRandom(), makeKeyset: () => new Uint8Array(3) });

for (const which of ['root', 'event', 'bundle'] as const) {
  describe(`the ${which} key on disk keeps the contract of a signer`, () => {
    for (const { name, run } of signerContract(() => load()[which])) it(name, run);
  });
}

describe('loadOrCreateKeys()', () => {
  const codeOf = (act: () => unknown): unknown => {
    try {
      act();
      return 'no error';
    } catch (error) {
      return isCellError(error) ? error.code : error;
    }
  };

  it('refuses keys others can read, and damaged ones [F1]', () => {
    load('open');
    chmodSync(`${root}/open/keys.json`, 0o644);
    expect(codeOf(() => load('open'))).toBe('signer.unavailable');
    load('damaged');
    for (const text of ['', '{', '{"v":1}', '{"v":2,"root":"","event":"","bundle":"","keyset":""}']) {
      writeFileSync(`${root}/damaged/keys.json`, text);
      expect(codeOf(() => load('damaged'))).toBe('signer.unavailable');
    }
  });
});
