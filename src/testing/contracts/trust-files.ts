/** Contract of `ports/trust-files.ts`. */
import assert from 'node:assert/strict';
import { isCellError } from '../../base/errors.ts';
import type { TrustFiles } from '../../ports/trust-files.ts';
import type { ContractCase } from './contract.ts';

export interface TrustFilesHarness {
  readonly files: TrustFiles;
  /** A folder where there is no file yet. */
  readonly folder: string;
  put(path: string, text: string): void;
  /** Makes `path` a link to `target`. */
  link(path: string, target: string): void;
}

const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));

/** Refused with a message that shows no folder. */
function refuses(folder: string, work: () => unknown): void {
  assert.throws(work, (error) => isCellError(error, 'config.invalid') && !error.message.includes(folder));
}

export function trustFilesContract(make: () => TrustFilesHarness): ContractCase[] {
  return [
    {
      name: 'read() gives the whole file, readIfThere() nothing where there is none',
      run: async () => {
        const { files, folder, put } = make();
        put(`${folder}/a`, 'one\ntwo');
        assert.equal(text(files.read(`${folder}/a`)), 'one\ntwo');
        assert.equal(text(files.readIfThere(`${folder}/a`)), 'one\ntwo');
        assert.equal(files.readIfThere(`${folder}/none`), undefined);
        refuses(folder, () => files.read(`${folder}/none`));
      },
    },
    {
      name: 'a link is not followed, a folder and a missing name are refused',
      run: async () => {
        const { files, folder, put, link } = make();
        put(`${folder}/a`, 'x');
        link(`${folder}/l`, `${folder}/a`);
        for (const path of [`${folder}/l`, folder, '']) {
          refuses(folder, () => files.read(path));
          if (path !== '') refuses(folder, () => files.readIfThere(path));
        }
      },
    },
    {
      name: 'replace() makes and replaces a file, and puts a file where a link stood',
      run: async () => {
        const { files, folder, put, link } = make();
        put(`${folder}/target`, 'untouched');
        link(`${folder}/l`, `${folder}/target`);
        for (const path of [`${folder}/new`, `${folder}/new`, `${folder}/l`]) {
          files.replace(path, new TextEncoder().encode('7'));
          assert.equal(text(files.read(path)), '7');
        }
        assert.equal(text(files.read(`${folder}/target`)), 'untouched');
        refuses(folder, () => files.replace(`${folder}/no/such/folder`, new Uint8Array(1)));
      },
    },
  ];
}
