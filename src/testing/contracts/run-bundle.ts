import assert from 'node:assert/strict';
import { digestOf } from '../../base/crypto.ts';
import { utf8 } from '../../base/bytes.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import type { BundleSource } from '../../core/evidence/audit.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import { chunks, collect, type ContractCase, textOf } from './contract.ts';

export interface RunBundleHarness {
  readonly bundle: RunBundle;
  /** Reads what is there. */
  source(): BundleSource;
}

/** What every `RunBundle` keeps. @param make a bundle that keeps 10 bytes of each stream */
export function runBundleContract(make: () => RunBundleHarness): ContractCase[] {
  return [...recordCases(make), ...artifactCases(make)];
}

function recordCases(make: () => RunBundleHarness): ContractCase[] {
  return [
    {
      name: 'records stand in the order they were appended, and close() knows every file by its digest',
      async run() {
        const { bundle, source } = make();
        for (const text of ['one\n', 'two\n']) bundle.append(utf8(text));
        bundle.sync();
        bundle.append(utf8('three\n'));
        bundle.keepOutput('stdout', 1).write(utf8('out'));
        bundle.keepOutput('stderr', 1);
        await bundle.keepArtifact(chunks('arti', 'fact'));
        const files = await bundle.close();
        assert.equal(await textOf(source().open(BUNDLE.records)), 'one\ntwo\nthree\n');
        assert.deepEqual([...files.keys()].sort(), [...(await source().list())].sort());
        for (const [path, digest] of files) assert.equal(digestOf(await collect(source().open(path))), digest, path);
        bundle.attest(utf8('attested'));
        assert.equal(await textOf(source().open(BUNDLE.attestation)), 'attested');
      },
    },
    {
      name: 'output is counted and hashed whole, and its beginning kept within the bound of the run',
      async run() {
        const { bundle, source } = make();
        const first = bundle.keepOutput('stdout', 1);
        first.write(utf8('1234'));
        first.write(utf8('56'));
        assert.deepEqual(first.finish(), { bytes: 6, digest: digestOf(utf8('123456')), keptBytes: 6, keptDigest: digestOf(utf8('123456')), truncated: false });
        assert.deepEqual(first.finish(), first.finish());
        const second = bundle.keepOutput('stdout', 2);
        second.write(utf8('abcdefgh'));
        second.write(utf8('i'));
        assert.deepEqual(second.finish(), { bytes: 9, digest: digestOf(utf8('abcdefghi')), keptBytes: 4, keptDigest: digestOf(utf8('abcd')), truncated: true });
        const third = bundle.keepOutput('stdout', 3);
        third.write(utf8('x'));
        assert.equal(third.finish().keptBytes, 0);
        const other = bundle.keepOutput('stderr', 3);
        other.write(utf8('own bound'));
        assert.equal(other.finish().truncated, false);
        bundle.keepOutput('stderr', 4).finish();
        const files = await bundle.close();
        assert.deepEqual([...files.keys()].filter((name) => name.endsWith('.log')).sort(), ['stderr.3.log', 'stdout.2.log', 'stdout.log']);
        assert.equal(await textOf(source().open('stdout.2.log')), 'abcd');
      },
    },
    {
      name: 'a stream of a command is kept once, and takes nothing after its end',
      async run() {
        const { bundle } = make();
        const keeper = bundle.keepOutput('stdout', 1);
        assert.throws(() => bundle.keepOutput('stdout', 1));
        keeper.finish();
        assert.throws(() => keeper.write(utf8('x')));
        await bundle.close();
      },
    },
  ];
}

function artifactCases(make: () => RunBundleHarness): ContractCase[] {
  return [
    {
      name: 'an artifact is kept under its digest, alongside others; of one that fails nothing is left',
      async run() {
        const { bundle, source } = make();
        const [one, two] = await Promise.all([bundle.keepArtifact(chunks('a', 'b')), bundle.keepArtifact(chunks())]);
        assert.deepEqual([one.bytes, one.digest, two.bytes], [2, digestOf(utf8('ab')), 0]);
        await assert.rejects(bundle.keepArtifact(chunks('c', new Error('broken'))), /broken/);
        const files = await bundle.close();
        const artifacts = [...files.keys()].filter((name) => name.startsWith(BUNDLE.artifacts));
        assert.deepEqual(artifacts.sort(), [one.digest, two.digest].map((digest) => `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`).sort());
        assert.deepEqual([...files.keys()].sort(), [...(await source().list())].sort());
      },
    },
  ];
}
