/** Artifacts into a map, by destination. */
import { concatBytes } from '../base/bytes.ts';
import { CellError, messageOf } from '../base/errors.ts';
import type { ExportReceipt, ExportSink } from '../ports/export-sink.ts';
import { Faults } from './faults.ts';

export class MemoryExport implements ExportSink {
  readonly kind = 'local';
  readonly faults = new Faults<'push'>();
  readonly delivered = new Map<string, Uint8Array>();

  async push(artifact: { cellId: string; name: string }, bytes: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<ExportReceipt> {
    const destination = `${artifact.cellId}/${artifact.name}`;
    try {
      return await this.faults.runAsync('push', async () => {
        const parts: Uint8Array[] = [];
        for await (const chunk of bytes) {
          options.signal.throwIfAborted();
          parts.push(Uint8Array.from(chunk));
        }
        options.signal.throwIfAborted();
        if (/[/\\]|\.\.|^~|^$/.test(artifact.name)) throw new Error('its name is not one file name');
        if (this.delivered.has(destination)) throw new Error('there is a file of this name already');
        const content = concatBytes(parts);
        this.delivered.set(destination, content);
        return { targetKind: 'local' as const, destination, bytesWritten: content.byteLength };
      });
    } catch (error) {
      throw new CellError('export.failed', `Cannot export "${artifact.name}": ${messageOf(error)}`, { cause: error });
    }
  }
}
