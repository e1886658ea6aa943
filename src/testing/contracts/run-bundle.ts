/** Contract of `ports/run-bundle.ts`. `fileOf` reads a file of the bundle, undefined when it is not there. */
import assert from 'node:assert/strict';
import { utf8 } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import type { ContractCase } from './contract.ts';

export interface BundleSubject {
  readonly bundle: RunBundle;
  fileOf(path: string): Uint8Array | undefined;
  /** Paths of all files of the bundle, sorted. */
  paths(): string[];
  dispose(): void;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
}

export function runBundleContract(make: () => BundleSubject): ContractCase[] {
  const using = (name: string, work: (subject: BundleSubject) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const subject = make();
      try {
        await work(subject);
      } finally {
        subject.dispose();
      }
    },
  });
  return [
    using('records are appended in order, byte for byte', async ({ bundle, fileOf }) => {
      for (const line of ['one\n', 'two\n', 'three\n']) bundle.append(utf8(line));
      bundle.sync();
      assert.deepEqual(Buffer.from(fileOf('records.jsonl') ?? []), Buffer.from('one\ntwo\nthree\n'));
    }),
    using('an output keeps its beginning, and counts and hashes all of it', async ({ bundle, fileOf }) => {
      const keeper = bundle.keepOutput('stdout', 4);
      for (const text of ['abc', 'def', 'ghi']) keeper.write(utf8(text));
      const kept = keeper.finish();
      assert.deepEqual(kept, { bytes: 9, digest: digestOf(utf8('abcdefghi')), keptBytes: 4, keptDigest: digestOf(utf8('abcd')), truncated: true });
      assert.deepEqual(keeper.finish(), kept);
      assert.deepEqual(Buffer.from(fileOf('stdout.log') ?? []), Buffer.from('abcd'));
    }),
    using('an artifact lies under its digest', async ({ bundle, fileOf }) => {
      const kept = await bundle.keepArtifact(pieces('art', 'ifact'));
      assert.equal(kept.digest, digestOf(utf8('artifact')));
      assert.equal(kept.bytes, 8);
      assert.deepEqual(Buffer.from(fileOf(`artifacts/${kept.digest.slice('sha256:'.length)}`) ?? []), Buffer.from('artifact'));
    }),
    using('nothing is left of an artifact that fails', async ({ bundle, paths }) => {
      const before = paths();
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield utf8('half');
        throw new Error('the source broke');
      };
      await assert.rejects(bundle.keepArtifact(failing()), /the source broke/);
      assert.deepEqual(paths(), before);
    }),
    using('close() lists every file but the attestation, each with its digest', async ({ bundle, fileOf, paths }) => {
      bundle.append(utf8('record\n'));
      bundle.keepOutput('stdout', 100).write(utf8('out'));
      bundle.keepOutput('stderr', 100);
      await bundle.keepArtifact(pieces('artifact'));
      const listed = await bundle.close();
      assert.deepEqual([...listed.keys()].toSorted(), paths());
      for (const [path, digest] of listed) assert.equal(digest, digestOf(fileOf(path) ?? utf8('missing')), path);
      bundle.attest(utf8('attested'));
      assert.deepEqual(Buffer.from(fileOf('attestation.dsse.json') ?? []), Buffer.from('attested'));
    }),
  ];
}
