import assert from 'node:assert/strict';
import type { ExportSink } from '../../ports/export-sink.ts';
import { chunks, type ContractCase, never, rejects } from './contract.ts';

export interface ExportSinkHarness {
  readonly sink: ExportSink;
  /** Everything delivered: destination of the receipt → text. */
  delivered(): Promise<Readonly<Record<string, string>>>;
}

/** What every `ExportSink` keeps. */
export function exportSinkContract(make: () => ExportSinkHarness): ContractCase[] {
  const push = (harness: ExportSinkHarness, name: string, bytes: AsyncIterable<Uint8Array>, signal = never()) => harness.sink.push({ cellId: 'cell', name }, bytes, { signal });
  return [
    {
      name: 'delivers all of the bytes, and the receipt says where and how many',
      async run() {
        const harness = make();
        const receipt = await push(harness, 'a.txt', chunks('he', 'llo'));
        assert.deepEqual([receipt.targetKind, receipt.bytesWritten], [harness.sink.kind, 5]);
        assert.equal((await push(harness, 'empty', chunks())).bytesWritten, 0);
        const delivered = await harness.delivered();
        assert.equal(delivered[receipt.destination], 'hello');
        assert.equal(Object.keys(delivered).length, 2);
      },
    },
    {
      name: 'never replaces what is there',
      async run() {
        const harness = make();
        const { destination } = await push(harness, 'a', chunks('first'));
        await rejects(push(harness, 'a', chunks('second')), 'export.failed');
        assert.deepEqual(await harness.delivered(), { [destination]: 'first' });
      },
    },
    {
      name: 'leaves nothing of what fails half-way, or is given up',
      async run() {
        const harness = make();
        const stop = new AbortController();
        async function* interrupted(): AsyncGenerator<Uint8Array> {
          yield Uint8Array.of(1);
          stop.abort();
          yield Uint8Array.of(2);
        }
        await rejects(push(harness, 'a', chunks('half', new Error('broken'))), 'export.failed');
        await rejects(push(harness, 'b', interrupted(), stop.signal), 'export.failed');
        assert.deepEqual(await harness.delivered(), {});
      },
    },
    {
      name: 'refuses names that are not one file name, before anything is written',
      async run() {
        const harness = make();
        for (const name of ['', '..', 'a/b', '../x', 'a\\b', '~x']) await rejects(push(harness, name, chunks('x')), 'export.failed');
        assert.deepEqual(await harness.delivered(), {});
      },
    },
  ];
}
