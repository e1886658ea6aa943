/**
 * A secret value that cannot be printed by accident.
 *   K1  no string conversion, JSON form or inspection shows the value;
 *   K2  `dispose` overwrites the bytes; use after that is a bug.
 */
import { assert } from './errors.ts';

const REDACTED = '[secret]';

export class Secret {
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes);
  }

  /** The value itself. The caller must not keep a copy longer than the call needs. */
  reveal(): Uint8Array {
    assert(this.#bytes !== undefined, 'a disposed secret is not read [K2]');
    return this.#bytes;
  }

  get byteLength(): number {
    return this.#bytes?.byteLength ?? 0;
  }

  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
