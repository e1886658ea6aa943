/** What a command wrote: bytes that can say themselves as text. */
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
  #size = 0;
  truncated = false;

  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }

  add(chunk: Uint8Array): void {
    if (chunk.byteLength > this.#left) this.truncated = true;
    if (this.#left === 0) return;
    const piece = chunk.subarray(0, this.#left);
    this.#left -= piece.byteLength;
    this.#size += piece.byteLength;
    this.#chunks.push(piece);
  }

  take(): Output {
    // Into memory of its own: what others hand out may be a view of a pool that holds somebody else's bytes beside it.
    const output = new Output(new ArrayBuffer(this.#size));
    let at = 0;
    for (const chunk of this.#chunks) {
      output.set(chunk, at);
      at += chunk.byteLength;
    }
    return output;
  }
}
