/** Where a command writes: a terminal, with its width and colours, or a pipe. A reader that goes away ends the writing, quietly. */
import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Settings } from '../config/env.ts';
import { ignore } from '../base/errors.ts';
import { type Style, styleOf } from './render.ts';

function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && isatty(fd);
  } catch (error) {
    ignore(error, 'it was closed before we were started');
    return false;
  }
}

let failed: Error | undefined;

/** What the program could not write, to be told at its end; a reader that only went away is no failure (`cellos events | head`). */
export const writeFailure = (): Error | undefined => failed;

const opened: { stdout?: NodeJS.WriteStream; stderr?: NodeJS.WriteStream } = {};

/** Opened when something is written: Node's stream costs more than many a run has to say. */
export function standardStream(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const known = opened[name];
  if (known !== undefined) return known;
  const stream = process[name];
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failed ??= error;
  });
  opened[name] = stream;
  return stream;
}

export class Output {
  readonly #name: 'stdout' | 'stderr';
  readonly #gone = new AbortController();
  #opened: NodeJS.WriteStream | undefined;
  readonly terminal: boolean;
  readonly style: Style;

  constructor(name: 'stdout' | 'stderr', settings: Pick<Settings, 'color'>) {
    this.#name = name;
    this.terminal = isTerminal(name === 'stdout' ? 1 : 2);
    this.style = styleOf(settings.color && this.terminal);
  }

  get #stream(): NodeJS.WriteStream {
    if (this.#opened === undefined) {
      this.#opened = standardStream(this.#name);
      this.#opened.on('error', () => this.#gone.abort());
    }
    return this.#opened;
  }

  /** Bytes that its reader has not taken yet. */
  get unread(): number {
    return this.#opened?.writableLength ?? 0;
  }

  /** Columns; a pipe has no end of line, so that nothing is cut for whoever searches in it. */
  get width(): number {
    return this.terminal ? Math.max(20, this.#stream.columns || 80) : Number.POSITIVE_INFINITY;
  }

  /** Aborted when nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Waits for the consumer. @returns false when it is gone */
  write(chunk: string | Uint8Array): Promise<boolean> {
    const stream = this.#stream;
    if (this.#gone.signal.aborted || stream.destroyed || !stream.writable) return Promise.resolve(false);
    return new Promise((resolve) => {
      // Of a stream that broke, Node does not call back every write that waited.
      const broken = (): void => resolve(false);
      this.#gone.signal.addEventListener('abort', broken, { once: true });
      stream.write(chunk, (error) => {
        this.#gone.signal.removeEventListener('abort', broken);
        resolve(error === undefined || error === null);
      });
    });
  }

  lines(lines: readonly string[]): Promise<boolean> {
    return this.write(lines.length === 0 ? '' : `${lines.join('\n')}\n`);
  }

  json(value: unknown): Promise<boolean> {
    return this.write(`${JSON.stringify(value)}\n`);
  }
}

let out: Output | undefined;
let err: Output | undefined;

export function standardOutput(settings: Pick<Settings, 'color'>): Output {
  out ??= new Output('stdout', settings);
  return out;
}

export function standardError(settings: Pick<Settings, 'color'>): Output {
  err ??= new Output('stderr', settings);
  return err;
}
