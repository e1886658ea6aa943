/** An async queue of chunks that tells when each was taken, so that credit can be granted for exactly what was consumed. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  #chunks: Uint8Array[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #onTaken: (bytes: number) => void;
  readonly #onReturn: () => void;

  constructor(hooks: { onTaken: (bytes: number) => void; onReturn: () => void }) {
    this.#onTaken = hooks.onTaken;
    this.#onReturn = hooks.onReturn;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
          this.#onTaken(chunk.byteLength);
        } else if (this.#ended) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#chunks = [];
      if (!this.#ended) this.#onReturn();
    }
  }
}
