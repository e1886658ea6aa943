/** Contract of `ports/run-bundle.ts`. */
import assert from 'node:assert/strict';
import { concatBytes, utf8 } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import type { BundleSource } from '../../core/evidence/audit.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import type { ContractCase } from './contract.ts';

export interface RunBundleHarness {
  readonly bundle: RunBundle;
  /** Reads what is there. */
  source(): BundleSource;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
}

async function bytesOf(source: BundleSource, path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source.open(path)) parts.push(Uint8Array.from(part));
  return concatBytes(parts);
}

const sorted = async (source: BundleSource): Promise<string[]> => [...(await source.list())].sort();

export function runBundleContract(make: () => RunBundleHarness): ContractCase[] {
  const using = (name: string, work: (harness: RunBundleHarness) => Promise<void>): ContractCase => ({ name, run: () => work(make()) });
  return [
    using('records are appended in order, byte for byte', async ({ bundle, source }) => {
      for (const line of ['one\n', 'two\n', 'three\n']) bundle.append(utf8(line));
      bundle.sync();
      assert.deepEqual(await bytesOf(source(), 'records.jsonl'), utf8('one\ntwo\nthree\n'));
    }),
    using('an output keeps its beginning, and counts and hashes all of it', async ({ bundle, source }) => {
      const keeper = bundle.keepOutput('stdout', 4);
      for (const text of ['abc', 'def', 'ghi']) keeper.write(utf8(text));
      const kept = keeper.finish();
      assert.deepEqual(kept, { bytes: 9, digest: digestOf(utf8('abcdefghi')), keptBytes: 4, keptDigest: digestOf(utf8('abcd')), truncated: true });
      assert.deepEqual(keeper.finish(), kept);
      assert.deepEqual(await bytesOf(source(), 'stdout.log'), utf8('abcd'));
    }),
    using('an artifact lies under its digest', async ({ bundle, source }) => {
      const kept = await bundle.keepArtifact(pieces('art', 'ifact'));
      assert.equal(kept.digest, digestOf(utf8('artifact')));
      assert.equal(kept.bytes, 8);
      assert.deepEqual(await bytesOf(source(), `artifacts/${kept.digest.slice('sha256:'.length)}`), utf8('artifact'));
    }),
    using('nothing is left of an artifact that fails', async ({ bundle, source }) => {
      const before = await sorted(source());
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield utf8('half');
        throw new Error('the source broke');
      };
      await assert.rejects(bundle.keepArtifact(failing()), /the source broke/);
      assert.deepEqual(await sorted(source()), before);
    }),
    using('close() lists every file but the attestation, each with its digest', async ({ bundle, source }) => {
      bundle.append(utf8('record\n'));
      bundle.keepOutput('stdout', 100).write(utf8('out'));
      bundle.keepOutput('stderr', 100);
      await bundle.keepArtifact(pieces('artifact'));
      const listed = await bundle.close();
      assert.deepEqual([...listed.keys()].toSorted(), await sorted(source()));
      for (const [path, digest] of listed) assert.equal(digest, digestOf(await bytesOf(source(), path)), path);
      bundle.attest(utf8('attested'));
      assert.deepEqual(await bytesOf(source(), 'attestation.dsse.json'), utf8('attested'));
    }),
  ];
}
