/** Where a command writes: a terminal, with its width and colours, or a pipe. A reader that goes away ends the writing, quietly. */
import type { Settings } from '../config/env.ts';
import { type Style, styleOf } from './render.ts';

export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #gone = new AbortController();
  readonly style: Style;

  constructor(stream: NodeJS.WriteStream, settings: Pick<Settings, 'color'>) {
    this.#stream = stream;
    this.style = styleOf(settings.color && this.terminal);
    // The program says what went wrong at its end, unless it only was a reader that left.
    stream.on('error', () => this.#gone.abort());
  }

  get terminal(): boolean {
    return this.#stream.isTTY === true;
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
    if (this.#gone.signal.aborted || this.#stream.destroyed || !this.#stream.writable) return Promise.resolve(false);
    return new Promise((resolve) => {
      // Of a stream that broke, Node does not call back every write that waited.
      const broken = (): void => resolve(false);
      this.#gone.signal.addEventListener('abort', broken, { once: true });
      this.#stream.write(chunk, (error) => {
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
  out ??= new Output(process.stdout, settings);
  return out;
}

export function standardError(settings: Pick<Settings, 'color'>): Output {
  err ??= new Output(process.stderr, settings);
  return err;
}
