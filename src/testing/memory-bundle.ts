/** A bundle in memory, and the source an audit reads it from. */
import { concatBytes } from '../base/bytes.ts';
import { type Digest, digestOf } from '../base/crypto.ts';
import { assert, CellError } from '../base/errors.ts';
import type { BundleSource } from '../core/evidence/audit.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import type { KeptOutput, OutputKeeper, RunBundle } from '../ports/run-bundle.ts';
import { Faults } from './faults.ts';

export class MemoryBundle implements RunBundle {
  readonly path = 'memory:';
  readonly faults = new Faults<'append' | 'sync' | 'attest'>();
  readonly #keptBytesMax: number;
  readonly #records: Uint8Array[] = [];
  readonly #files = new Map<string, Uint8Array>();
  readonly #outputs = new Map<string, OutputKeeper>();
  readonly #kept = { stdout: 0, stderr: 0 };
  #poison: Error | undefined;
  #open = true;

  constructor(options: { keyset: Uint8Array; keptBytesMax: number }) {
    this.#keptBytesMax = options.keptBytesMax;
    this.#files.set(BUNDLE.keyset, options.keyset);
  }

  /** After the first failure nothing is known of what is there, so all later calls fail too. */
  #guarded(name: 'append' | 'sync', effect: () => void): void {
    if (this.#poison !== undefined) throw this.#poison;
    try {
      this.faults.run(name, effect);
    } catch (error) {
      this.#poison = new CellError('evidence.unwritable', `Cannot ${name} the evidence`, { cause: error });
      throw this.#poison;
    }
  }

  append(record: Uint8Array): void {
    this.#guarded('append', () => {
      assert(this.#open, 'nothing is appended to a closed bundle');
      this.#records.push(Uint8Array.from(record));
    });
  }

  sync(): void {
    this.#guarded('sync', () => undefined);
  }

  keepOutput(name: 'stdout' | 'stderr', command: number): OutputKeeper {
    const file = command === 1 ? `${name}.log` : `${name}.${command}.log`;
    assert(!this.#outputs.has(file), 'a command keeps each of its streams once');
    const all: Uint8Array[] = [];
    const kept: Uint8Array[] = [];
    let result: KeptOutput | undefined;
    let cut = false;
    const keeper: OutputKeeper = {
      write: (chunk) => {
        assert(result === undefined, 'a finished output takes nothing more');
        all.push(Uint8Array.from(chunk));
        const piece = cut ? new Uint8Array(0) : chunk.slice(0, this.#keptBytesMax - this.#kept[name]);
        cut ||= piece.byteLength < chunk.byteLength;
        this.#kept[name] += piece.byteLength;
        kept.push(piece);
        if (piece.byteLength > 0) this.#files.set(file, concatBytes(kept));
      },
      finish: () => {
        if (result !== undefined) return result;
        const [whole, part] = [concatBytes(all), concatBytes(kept)];
        result = { bytes: whole.byteLength, digest: digestOf(whole), keptBytes: part.byteLength, keptDigest: digestOf(part), truncated: part.byteLength < whole.byteLength };
        return result;
      },
    };
    this.#outputs.set(file, keeper);
    if (command === 1) this.#files.set(file, new Uint8Array(0));
    return keeper;
  }

  async keepArtifact(bytes: AsyncIterable<Uint8Array>): ReturnType<RunBundle['keepArtifact']> {
    const parts: Uint8Array[] = [];
    for await (const chunk of bytes) parts.push(Uint8Array.from(chunk));
    const content = concatBytes(parts);
    const digest = digestOf(content);
    const path = `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`;
    this.#files.set(path, content);
    return { digest, bytes: content.byteLength, path };
  }

  keepDocument(name: 'workspace.json' | 'checkpoint.txt' | 'proofs.json', bytes: Uint8Array): Digest {
    this.#files.set(name, bytes);
    return digestOf(bytes);
  }

  async close(): Promise<ReadonlyMap<string, Digest>> {
    for (const keeper of this.#outputs.values()) keeper.finish();
    this.sync();
    this.#open = false;
    this.#files.set(BUNDLE.records, concatBytes(this.#records));
    return new Map([...this.#files].map(([name, content]) => [name, digestOf(content)]));
  }

  attest(bytes: Uint8Array): void {
    this.faults.run('attest', () => void this.#files.set(BUNDLE.attestation, bytes));
  }

  /** What is in it now, by path. */
  source(): BundleSource {
    const files = new Map(this.#files).set(BUNDLE.records, concatBytes(this.#records));
    return {
      list: async () => [...files.keys()],
      async *open(path) {
        const content = files.get(path);
        if (content === undefined) throw new CellError('evidence.invalid', `Cannot read ${path}: the bundle has no such file`);
        yield content;
      },
    };
  }
}
