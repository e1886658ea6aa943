/** What a command wrote: bytes that can say themselves as text. */
import { concatBytes } from '../base/bytes.ts';

export class Output extends Uint8Array<ArrayBuffer> {
  /** As UTF-8; what is not is shown as U+FFFD. */
  text(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this);
  }
}

/** Collects the beginning of a stream, up to a bound. */
export class Collector {
  readonly #chunks: Uint8Array[] = [];
  #left: number;
  truncated = false;

  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }

  add(chunk: Uint8Array): void {
    if (chunk.byteLength > this.#left) this.truncated = true;
    if (this.#left === 0) return;
    const piece = chunk.subarray(0, this.#left);
    this.#left -= piece.byteLength;
    this.#chunks.push(piece);
  }

  take(): Output {
    return new Output(concatBytes(this.#chunks).buffer as ArrayBuffer);
  }
}
