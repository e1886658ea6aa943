/** Where artifacts go. */
import type { ByteStream } from './cell-backend.ts';

/** reference/01 §2.4 ExportReceipt, plus the digest of the bytes delivered. */
export interface ExportReceipt {
  readonly targetKind: 'local' | 's3' | 'http';
  readonly targetName?: string;
  readonly destination: string;
  readonly bytesWritten: number;
}

export interface ExportSink {
  readonly kind: 'local' | 's3' | 'http';
  /**
   * Delivers all of the bytes or nothing: a failed push leaves no partial file.
   * @throws CellError `export.failed`
   */
  push(artifact: { cellId: string; name: string; contentType?: string; /** When it is known, `bytes` can be read again from the beginning. */ sizeBytes?: number }, bytes: ByteStream, options: { signal: AbortSignal }): Promise<ExportReceipt>;
}
