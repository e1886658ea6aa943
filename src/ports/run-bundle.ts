/** Where the evidence of one run is written. */
import type { Digest } from '../base/crypto.ts';

export interface KeptOutput {
  readonly bytes: number;
  readonly digest: Digest;
  readonly keptBytes: number;
  readonly keptDigest: Digest;
  readonly truncated: boolean;
}

/** One output stream on its way into the bundle: everything is counted and hashed, the beginning is kept. */
export interface OutputKeeper {
  write(chunk: Uint8Array): void;
  /** Idempotent. */
  finish(): KeptOutput;
}

export interface RunBundle {
  readonly path: string;
  /** @throws CellError `evidence.unwritable`; after that, always */
  append(record: Uint8Array): void;
  /** Makes all records appended so far durable. @throws CellError `evidence.unwritable` */
  sync(): void;
  /**
   * Where the output of a command goes: `stdout.log` for the first command of a run, `stdout.2.log` for the second, which is made only when
   * there is something to keep. All commands of a run share the bound that the bundle was made with, per stream; what is beyond it is counted and hashed.
   */
  keepOutput(name: 'stdout' | 'stderr', command: number): OutputKeeper;
  /** Copies a file into `artifacts/` under its digest. Nothing is left of one that fails. */
  keepArtifact(bytes: AsyncIterable<Uint8Array>): Promise<{ digest: Digest; bytes: number; path: string }>;
  /** Writes one of our own documents into the bundle, whole. @throws CellError `evidence.unwritable` */
  keepDocument(name: 'workspace.json' | 'checkpoint.txt' | 'proofs.json', bytes: Uint8Array): Digest;
  /** Digests of every file but the attestation, by path in the bundle. Finishes and syncs them. */
  close(): Promise<ReadonlyMap<string, Digest>>;
  /** Last file of a bundle; durable when this returns. */
  attest(bytes: Uint8Array): void;
}
