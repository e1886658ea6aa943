/**
 * Merkle trees of RFC 6962 §2 (RFC 9162 §2) over SHA-256: hashes, an appending tree, proofs, and the verifiers of proofs. Pure.
 *
 *   H1  leaves and nodes are hashed under different prefixes, so that neither can pass as the other;
 *   H2  a tree that only grows is kept as its frontier: one hash for each one bit of its size; n appends cost n − 1 node hashes at most;
 *   H3  proofs are made from hashes of complete subtrees only; those never change once they are complete;
 *   H4  a verifier answers false for whatever it is given, and never throws: a hash is 32 bytes, and a proof has exactly the nodes it needs.
 *
 * Sizes and positions are bigints of 64 bits, as in RFC 6962 §3.5.
 */
import type { Bytes } from '../../base/bytes.ts';
import { sha256 } from '../../base/crypto.ts';
import { assert } from '../../base/errors.ts';

export const HASH_BYTES = 32;

/** Largest size of a tree. */
export const TREE_SIZE_MAX = 2n ** 64n - 1n;

/** Root of the tree without leaves. A copy each time: hashes are bytes that somebody could write to. */
export const emptyRoot = (): Bytes => sha256(new Uint8Array(0));

/** RFC 6962 §2.1: SHA-256(0x00 ‖ entry) [H1] */
export function leafHash(entry: Bytes): Bytes {
  const input = new Uint8Array(entry.byteLength + 1);
  input.set(entry, 1);
  return sha256(input);
}

// Hashing copies what it is given, and nothing waits in between: one block of memory serves all nodes.
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES).fill(1, 0, 1);

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right) [H1]. @param left 32 bytes, as `right` */
export function nodeHash(left: Bytes, right: Bytes): Bytes {
  assert(left.byteLength === HASH_BYTES && right.byteLength === HASH_BYTES, 'a node is made of two hashes'); // or what an earlier one left here would count
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/** A complete subtree: the leaves from `index · 2^level` to before `(index + 1) · 2^level`. */
export interface SubtreeAt {
  readonly level: number;
  readonly index: bigint;
}

/** Reads the hash of a complete subtree. */
export type NodeReader = (level: number, index: bigint) => Bytes;

/** Is told each complete subtree as it is completed, from the leaf up. */
export type NodeWriter = (level: number, index: bigint, hash: Bytes) => void;

/** Position of the highest one bit, from 0. @param value at least 1 */
function floorLog2(value: bigint): number {
  return value.toString(2).length - 1;
}

/** The complete subtrees, largest first, that make up the leaves from `from` to before `to`. @param from such that each is complete: 0, or where a proof splits */
export function subtreesOf(from: bigint, to: bigint): SubtreeAt[] {
  const out: SubtreeAt[] = [];
  for (let at = from; at < to; ) {
    const level = floorLog2(to - at);
    out.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return out;
}

/** Root over complete subtrees, largest first. @param hashes at least one */
function foldSubtrees(hashes: readonly Bytes[]): Bytes {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** MTH(D[from:to]) */
function rangeHash(from: bigint, to: bigint, nodeAt: NodeReader): Bytes {
  return foldSubtrees(subtreesOf(from, to).map(({ level, index }) => nodeAt(level, index)));
}

/** MTH(D[size]) from stored hashes [H3] */
export function rootFrom(size: bigint, nodeAt: NodeReader): Bytes {
  return size === 0n ? emptyRoot() : rangeHash(0n, size, nodeAt);
}

/** Where RFC 6962 splits n leaves: the largest power of two below n. @param count at least 2 */
const splitOf = (count: bigint): bigint => 1n << BigInt(floorLog2(count - 1n));

/** PATH(index, D[size]) (RFC 6962 §2.1.1), from the leaf up, made from stored hashes [H3]. @param index below `size` */
export function inclusionProof(index: bigint, size: bigint, nodeAt: NodeReader): Bytes[] {
  assert(index >= 0n && index < size, 'a leaf that is proved is in the tree');
  const path: Bytes[] = [];
  let [from, to] = [0n, size];
  while (to - from > 1n) {
    const middle = from + splitOf(to - from);
    const left = index < middle;
    path.push(left ? rangeHash(middle, to, nodeAt) : rangeHash(from, middle, nodeAt));
    if (left) to = middle;
    else from = middle;
  }
  return path.reverse();
}

/** PROOF(size1, D[size2]) (RFC 6962 §2.1.2), made from stored hashes [H3]; empty where there is nothing to prove. @param size1 at most `size2` */
export function consistencyProof(size1: bigint, size2: bigint, nodeAt: NodeReader): Bytes[] {
  assert(size1 >= 0n && size1 <= size2, 'the older tree is not the larger one');
  if (size1 === 0n) return [];
  const path: Bytes[] = [];
  let [from, to] = [0n, size2];
  while (size1 < to) {
    const middle = from + splitOf(to - from);
    const left = size1 <= middle;
    path.push(left ? rangeHash(middle, to, nodeAt) : rangeHash(from, middle, nodeAt));
    if (left) to = middle;
    else from = middle;
  }
  if (from > 0n) path.push(rangeHash(from, to, nodeAt)); // the older root itself is known to who verifies
  return path.reverse();
}

/** A tree that grows, as its complete subtrees, largest first [H2]. */
export class MerkleFrontier {
  #size: bigint;
  readonly #peaks: Bytes[];

  /** @param size with `peaks` the hashes of its complete subtrees, as {@link subtreesOf} orders them */
  constructor(size = 0n, peaks: readonly Bytes[] = []) {
    assert(peaks.length === subtreesOf(0n, size).length && peaks.every((peak) => peak.byteLength === HASH_BYTES), 'a frontier has a hash for each one bit of its size');
    this.#size = size;
    this.#peaks = [...peaks];
  }

  /** The tree of this size, read from stored hashes. */
  static read(size: bigint, nodeAt: NodeReader): MerkleFrontier {
    return new MerkleFrontier(size, subtreesOf(0n, size).map(({ level, index }) => nodeAt(level, index)));
  }

  get size(): bigint {
    return this.#size;
  }

  /** A tree that goes on from here by itself. */
  fork(): MerkleFrontier {
    return new MerkleFrontier(this.#size, this.#peaks);
  }

  /** @param leaf hash of the entry, 32 bytes. @param onNode is told the leaf, then each subtree that it completes */
  append(leaf: Bytes, onNode?: NodeWriter): void {
    assert(leaf.byteLength === HASH_BYTES && this.#size < TREE_SIZE_MAX, 'what is appended is a hash, to a tree of at most 2^64 − 1 leaves');
    let hash = leaf;
    let level = 0;
    let index = this.#size;
    onNode?.(0, index, hash);
    for (; (index & 1n) === 1n; index >>= 1n) {
      hash = nodeHash(this.#peaks.pop() as Bytes, hash);
      level += 1;
      onNode?.(level, index >> 1n, hash);
    }
    this.#peaks.push(hash);
    this.#size += 1n;
  }

  root(): Bytes {
    return this.#size === 0n ? emptyRoot() : foldSubtrees(this.#peaks);
  }
}
