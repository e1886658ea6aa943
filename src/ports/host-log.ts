/**
 * The log of a host: hashes of the records of all its runs, in one Merkle tree that only grows, with signed checkpoints of it.
 *
 *   L1  a leaf has its position for good once a checkpoint that covers it was published; before that it has none that anybody may rely on;
 *   L2  what a checkpoint covers is durable before the checkpoint is;
 *   L3  of two writers that began at the same checkpoint one publishes; the other is told that it is stale, and has published nothing;
 *   L4  a proof is handed out when it verifies against the checkpoint it is for.
 */
import type { Bytes } from '../base/bytes.ts';

export interface LogHead {
  /** Leaves that it covers. */
  readonly size: bigint;
  /** 32 bytes. */
  readonly root: Bytes;
  /** The checkpoint: a signed note. */
  readonly note: Bytes;
}

/** `stale`: another writer has published since this log was opened. Open it again, and append again [L3] */
export type Published = { readonly kind: 'published'; readonly head: LogHead } | { readonly kind: 'stale' };

export interface HostLog {
  /** Names the log in its checkpoints. */
  readonly origin: string;
  /** The newest checkpoint that this log knows of; undefined before there is one. */
  readonly head: LogHead | undefined;
  /** Leaves with those that no checkpoint covers yet. */
  readonly size: bigint;
  /**
   * Adds leaves at the end. They are in memory until they are published: at most 65,536.
   * @param leaves hashes of entries (RFC 6962 §2.1), 32 bytes each
   * @returns position of the first
   * @throws CellError `evidence.unwritable` when too many wait, or an earlier call failed
   */
  append(leaves: readonly Bytes[]): bigint;
  /**
   * Makes everything appended durable, and then a checkpoint of it; the head that is there already when nothing was appended.
   * @throws CellError `evidence.unwritable`: then nothing more can be done with this log, and it has to be opened again | `signer.unavailable`
   */
  publish(): Promise<Published>;
  /**
   * Adds what a witness says of the newest head to its note.
   *
   * @param line a signature line of the note (C2SP tlog-cosignature), newline included
   * @returns the head with it; `stale` when another writer has published since
   * @throws CellError `signature.invalid` for what is not the cosignature of a known witness over this head, or one too many; `evidence.unwritable`
   */
  addCosignature(line: string): Promise<Published>;
  /**
   * Proves that the leaf at this position is in the tree of the newest head, or of `size` leaves.
   * @param index below `size`. @param size at most that of the head
   * @throws CellError `evidence.invalid` when what is stored is damaged [L4]
   */
  inclusionProof(index: bigint, size?: bigint): readonly Bytes[];
  /** Proves that the tree of the newest head, or of `size2` leaves, begins with the one of `size1`. @throws CellError `evidence.invalid` [L4] */
  consistencyProof(size1: bigint, size2?: bigint): readonly Bytes[];
}
