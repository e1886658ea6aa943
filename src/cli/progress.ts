/**
 * One line about a run on the terminal while its command is silent.
 *
 *   PG1  never anything but on stderr, and only when that is a terminal;
 *   PG2  erased before the command's own output is passed, and at the end;
 *   PG3  drawn only where a line begins: a prompt of the command is never written over, and once somebody types, no more is drawn.
 */
import type { Style } from './render.ts';
import { bytesText, durationText, fit } from './render.ts';

export interface ProgressLoad {
  readonly memoryBytes?: number;
  readonly processes?: number;
}

/** How long a command has to be silent before the line appears, ms. */
export const SILENCE_MS = 1_000;

/** Pure: the line without its colours. */
export function progressText(input: { runId: string; elapsedMs: number; load: ProgressLoad; ttlMs?: number; stopping: boolean }, width: number): string {
  const { load } = input;
  const parts = [
    input.stopping ? 'ending' : 'running',
    durationText(Math.floor(input.elapsedMs / 1000) * 1000),
    ...(load.memoryBytes === undefined ? [] : [bytesText(load.memoryBytes)]),
    ...(load.processes === undefined ? [] : [`${load.processes} ${load.processes === 1 ? 'process' : 'processes'}`]),
    input.stopping ? 'Ctrl-C again kills it' : `run ${input.runId.slice(0, 12)}…`,
  ];
  return fit(`cellos: ${parts.join(' · ')}`, width - 1);
}

export class Progress {
  readonly #write: (text: string) => void;
  readonly #style: Style;
  readonly #text: (elapsedMs: number) => string;
  readonly #now: () => number;
  readonly #started: number;
  #lastOutput: number;
  #shown = false;
  #lineOpen = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(input: { write: (text: string) => void; style: Style; text: (elapsedMs: number) => string; now: () => number }) {
    this.#write = input.write;
    this.#style = input.style;
    this.#text = input.text;
    this.#now = input.now;
    this.#started = input.now();
    this.#lastOutput = this.#started;
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), 500);
    this.#timer.unref();
  }

  tick(): void {
    const now = this.#now();
    if (this.#lineOpen || now - this.#lastOutput < SILENCE_MS) return; // PG3
    this.#write(`\r\u001b[2K${this.#style.dim(this.#text(now - this.#started))}`);
    this.#shown = true;
  }

  /** Before a chunk of the command is passed to a terminal [PG2]. */
  beforeOutput(chunk: Uint8Array): void {
    this.#erase();
    this.#lastOutput = this.#now();
    if (chunk.byteLength > 0) this.#lineOpen = chunk[chunk.byteLength - 1] !== 10;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  #erase(): void {
    if (this.#shown) this.#write('\r\u001b[2K');
    this.#shown = false;
  }
}
