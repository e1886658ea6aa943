/**
 * Files of a cell from outside: opened by the cell's own init with the cell's own authority, never through a symlink.
 *   each read, write, folder made and removal is on the record; a read before its first byte is handed out.
 */
import { utf8 } from '../base/bytes.ts';
import { digestOf } from '../base/crypto.ts';
import { jsonObject, type JsonValue } from '../base/json.ts';
import { LIMITS } from '../base/limits.ts';
import { cellPath } from '../core/plan/plan-cell.ts';
import type { CellFileEntry } from '../ports/cell-backend.ts';
import type { CellSession } from '../runtime/supervisor/cell-session.ts';
import { Collector, type Output } from './output.ts';

export interface FileOptions {
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends FileOptions {
  /** A file with more bytes is refused; default 1 GiB. */
  readonly sizeBytesMax?: number;
}

export interface FilesHost {
  readonly session: CellSession;
  /** Runs one operation of an open cell; the signal fires when the cell ends. */
  during<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Every path is absolute in the cell, or relative to its working directory. Each call throws CellError `file.refused` | `cell.closed` | `cancelled`. */
export class CellFiles {
  readonly #host: FilesHost;

  constructor(host: FilesHost) {
    this.#host = host;
  }

  #at(path: string): string {
    return cellPath(path, this.#host.session.plan.workingDirectory);
  }

  #record(operation: 'read' | 'written' | 'made' | 'removed', path: string, members: { readonly [key: string]: JsonValue } = {}): void {
    const { recorder, run } = this.#host.session;
    recorder.record('fileTouched', jsonObject({ runId: run.runId, cellId: run.cellId, specId: run.spec.id, operation, path, ...members }));
  }

  #do<T>(options: FileOptions, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#host.during((ending) => operation(options.signal === undefined ? ending : AbortSignal.any([ending, options.signal])));
  }

  async read(path: string, options: ReadOptions = {}): Promise<Output> {
    const at = this.#at(path);
    return this.#do(options, async (signal) => {
      const content = new Collector(Number.POSITIVE_INFINITY);
      this.#record('read', at);
      for await (const chunk of this.#host.session.cell.files.read(at, { sizeBytesMax: options.sizeBytesMax ?? LIMITS.artifactSizeBytesMax, signal })) content.add(chunk);
      return content.take();
    });
  }

  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return (await this.read(path, options)).text();
  }

  /** Piece by piece, with backpressure: for files that should not be held in memory. Leaving the loop early gives the file up. */
  async *stream(path: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array, undefined> {
    const at = this.#at(path);
    const bytes = await this.#do(options, async () => {
      this.#record('read', at);
      return this.#host.session.cell.files.read(at, { sizeBytesMax: options.sizeBytesMax ?? LIMITS.artifactSizeBytesMax, signal: options.signal ?? new AbortController().signal });
    });
    yield* bytes;
  }

  /** Whole or not at all; a file that is there is replaced. The folder has to exist. */
  async write(path: string, data: Uint8Array | string, options: FileOptions = {}): Promise<void> {
    const at = this.#at(path);
    const bytes = typeof data === 'string' ? utf8(data) : data;
    await this.#do(options, async (signal) => {
      await this.#host.session.cell.files.write(at, bytes, { signal });
      this.#record('written', at, { bytes: bytes.byteLength, digest: digestOf(bytes) });
    });
  }

  /** The entries of a folder by name, without those of its folders. */
  async list(path = '.', options: FileOptions = {}): Promise<readonly CellFileEntry[]> {
    const entries = await this.#do(options, (signal) => this.#host.session.cell.files.list(this.#at(path), { signal }));
    return [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** With the folders above it; one that is there is fine. */
  async mkdir(path: string, options: FileOptions = {}): Promise<void> {
    const at = this.#at(path);
    await this.#do(options, async (signal) => {
      await this.#host.session.cell.files.makeFolder(at, { signal });
      this.#record('made', at);
    });
  }

  /** A file, a symlink itself, or an empty folder. */
  async remove(path: string, options: FileOptions = {}): Promise<void> {
    const at = this.#at(path);
    await this.#do(options, async (signal) => {
      await this.#host.session.cell.files.remove(at, { signal });
      this.#record('removed', at);
    });
  }
}
