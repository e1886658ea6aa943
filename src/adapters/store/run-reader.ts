/**
 * Reads the files of a run while it may still be written: the ends of its records, what was appended, and the wait for more.
 *
 *   N1  memory is bounded by the piece read, whatever the size of the file;
 *   N2  the wait is for the kernel's word that a folder changed; the clock only guards against a writer that died without a change.
 */
import { closeSync, existsSync, fstatSync, type FSWatcher, openSync, readSync, realpathSync, watch } from 'node:fs';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import { concatBytes, type Bytes } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';

const PIECE_BYTES = 64 * 1024;

function readAt(fd: number, offset: number, size: number): Bytes {
  const piece = new Uint8Array(size);
  return piece.subarray(0, readSync(fd, piece, 0, size, offset));
}

/** Complete lines of a piece, without their newlines. */
function linesIn(piece: Bytes, fromLineStart: boolean): Bytes[] {
  const lines: Bytes[] = [];
  let from = fromLineStart ? 0 : piece.indexOf(10) + 1;
  if (!fromLineStart && from === 0) return lines;
  for (let at = piece.indexOf(10, from); at >= 0; at = piece.indexOf(10, from)) {
    lines.push(piece.subarray(from, at));
    from = at + 1;
  }
  return lines;
}

/** The first and the last complete lines, as far as they stand in the first and last 64 KiB; each line once [N1]. */
export function endLines(path: string): Bytes[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw new CellError('evidence.invalid', `Cannot read ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
  try {
    const { size } = fstatSync(fd);
    if (size <= 2 * PIECE_BYTES) return linesIn(readAt(fd, 0, size), true);
    return [...linesIn(readAt(fd, 0, PIECE_BYTES), true), ...linesIn(readAt(fd, size - PIECE_BYTES, PIECE_BYTES), false)];
  } finally {
    closeSync(fd);
  }
}

/** A file read from where the last read stopped. */
export class Tail {
  readonly #path: string;
  #fd: number | undefined;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What is there now and was not read before, piece by piece; nothing while the file does not exist. */
  *pieces(): Generator<Bytes> {
    if (this.#fd === undefined && existsSync(this.#path)) this.#fd = openSync(this.#path, 'r');
    if (this.#fd === undefined) return;
    for (;;) {
      const piece = readAt(this.#fd, this.#offset, PIECE_BYTES);
      if (piece.byteLength === 0) return;
      this.#offset += piece.byteLength;
      yield piece;
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Puts pieces together to lines. */
export class LineSplitter {
  #rest: Bytes = new Uint8Array(0);

  *push(piece: Bytes): Generator<Bytes> {
    const bytes = this.#rest.byteLength === 0 ? piece : concatBytes([this.#rest, piece]);
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, at);
      from = at + 1;
    }
    this.#rest = bytes.slice(from);
    if (this.#rest.byteLength > LIMITS.recordSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read the records: a line is longer than ${LIMITS.recordSizeBytesMax} bytes`);
  }
}

/** Tells when something in a folder changed [N2]. */
export class FolderWatch {
  readonly #watcher: FSWatcher;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(folder: string) {
    const changed = (): void => {
      this.#changed = true;
      this.#wake?.();
    };
    this.#watcher = watch(realpathSync(folder), { persistent: true }, changed);
    this.#watcher.on('error', changed);
  }

  /** Resolves at the next change since the last call, after `timeoutMs`, or when the signal is aborted. */
  next(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        this.#changed = false;
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
      if (this.#changed || signal.aborted) done();
    });
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
