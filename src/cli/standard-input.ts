/**
 * Our stdin as chunks. A file is read by itself: Node's stream for it brings along half of its library, which a short run would feel, and
 * `process.stdin` is not touched before somebody reads.
 */
import { fstatSync, read } from 'node:fs';
import { isatty } from 'node:tty';

const PIECE_BYTES = 64 * 1024;
let opened: NodeJS.ReadStream | undefined;

function readPiece(buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(0, buffer, 0, buffer.byteLength, null, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

async function* fileChunks(): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const count = await readPiece(buffer);
    if (count === 0) return;
    yield buffer.subarray(0, count);
  }
}

/** A stdin that was closed before we were started is at its end. */
export function openStandardInput(): { chunks: AsyncIterable<Uint8Array>; terminal: boolean } {
  const stat = fstatSync(0);
  const terminal = isatty(0);
  if (stat.isFile() || (stat.isCharacterDevice() && !terminal)) return { chunks: fileChunks(), terminal };
  opened = process.stdin;
  return { chunks: opened as AsyncIterable<Uint8Array>, terminal };
}

/** Lets the program end, though its stdin may have no end. */
export function closeStandardInput(): void {
  opened?.destroy();
}
