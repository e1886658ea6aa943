/**
 * A bounded pipe of byte chunks between one writer and one reader.
 *   P1  a writer waits while more than `waitingBytesMax` are waiting for the reader; `flow` lifts that once the source is finite;
 *   P2  when the reader leaves, every waiting and later `push` answers false.
 */
export class ChunkPipe implements AsyncIterable<Uint8Array> {
  #waitingBytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #abandoned = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  constructor(waitingBytesMax: number) {
    this.#waitingBytesMax = waitingBytesMax;
  }

  /** @returns false when nobody reads any more [P2] */
  async push(chunk: Uint8Array): Promise<boolean> {
    if (this.#ended || this.#abandoned) return false;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    this.#wakeReader?.();
    while (this.#bytes > this.#waitingBytesMax && !this.#abandoned) await new Promise<void>((resolve) => this.#wakeWriters.push(resolve)); // P1
    return !this.#abandoned;
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader?.();
  }

  flow(): void {
    this.#waitingBytesMax = Number.POSITIVE_INFINITY;
    this.#wake();
  }

  /** The reader leaves. What waits is dropped. */
  abandon(): void {
    this.#abandoned = true;
    this.#chunks = [];
    this.#bytes = 0;
    this.#wake();
    this.#wakeReader?.();
  }

  #wake(): void {
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#bytes -= chunk.byteLength;
          this.#wake();
          yield chunk;
        } else if (this.#ended || this.#abandoned) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
        }
      }
    } finally {
      this.abandon();
    }
  }
}
