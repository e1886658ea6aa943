/**
 * Merkle trees of RFC 6962 §2.1 as the host log has them: roots and proofs of trees that are too large to be held, and what a proof proves.
 *
 * Proofs are verified by the recursion that defines them, from the top down, and not by the walk of RFC 9162 from the bottom up. A proof with
 * a node too many or too few ends the recursion at the wrong place, so that no count is needed.
 */
import { sha256 } from './crypto.ts';
import { refuse } from './json.ts';

export const EMPTY_ROOT = sha256(Buffer.alloc(0));
export const leafOf = (entry: Uint8Array): Buffer => sha256(Buffer.concat([Buffer.of(0), entry]));
const nodeOf = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.concat([Buffer.of(1), left, right]));

/** The largest power of two below `size`, which is 2 or more. */
const splitOf = (size: bigint): bigint => 1n << BigInt((size - 1n).toString(2).length - 1);

type Proof = readonly Uint8Array[];

function topOf(proof: Proof): { rest: Proof; top: Uint8Array } {
  return { rest: proof.slice(0, -1), top: proof.at(-1) ?? refuse('a proof with too few nodes') };
}

/** RFC 6962 §2.1.1. @param at below `size`. @returns the root that the proof leads to. @throws Refusal for a proof of another length */
export function rootByInclusion(leaf: Uint8Array, at: bigint, size: bigint, proof: Proof): Uint8Array {
  if (size === 1n) return proof.length === 0 ? leaf : refuse('a proof with too many nodes');
  const split = splitOf(size);
  const { rest, top } = topOf(proof);
  return at < split ? nodeOf(rootByInclusion(leaf, at, split, rest), top) : nodeOf(top, rootByInclusion(leaf, at - split, size - split, rest));
}

interface Roots {
  readonly older: Uint8Array;
  readonly newer: Uint8Array;
}

/** @param known root of the older tree, where the subtree is that tree itself */
function rootsOf(older: bigint, size: bigint, proof: Proof, known?: Uint8Array): Roots {
  if (older === size) {
    if (proof.length !== (known === undefined ? 1 : 0)) refuse('a proof with too many nodes, or too few');
    const same = known ?? topOf(proof).top;
    return { older: same, newer: same };
  }
  const split = splitOf(size);
  const { rest, top } = topOf(proof);
  if (older <= split) {
    const left = rootsOf(older, split, rest, known);
    return { older: left.older, newer: nodeOf(left.newer, top) };
  }
  const right = rootsOf(older - split, size - split, rest);
  return { older: nodeOf(top, right.older), newer: nodeOf(top, right.newer) };
}

export interface Head {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** RFC 6962 §2.1.2. @throws Refusal unless the proof is one that the newer tree begins with the older one */
export function checkConsistency(older: Head, newer: Head, proof: Proof): void {
  if (older.size > newer.size) refuse('a tree became smaller');
  if (older.size === 0n && proof.length > 0) refuse('nothing is to be proved of an empty tree');
  if (older.size === 0n) return;
  const roots = rootsOf(older.size, newer.size, proof, older.root);
  if (!Buffer.from(roots.older).equals(older.root) || !Buffer.from(roots.newer).equals(newer.root)) refuse('the trees are of two histories');
}

/** A tree of any size, in which all leaves but a few are the same. For making proofs. */
export class Tree {
  readonly #leaves: ReadonlyMap<bigint, Buffer>;
  readonly #other: Buffer;
  /** By size: subtrees with none of the few leaves. */
  readonly #plain = new Map<bigint, Buffer>();

  constructor(leaves: ReadonlyMap<bigint, Buffer>, other = 'a record of another run') {
    this.#leaves = leaves;
    this.#other = leafOf(Buffer.from(other));
  }

  /** Of the leaves from `start` up to `end`, without it. */
  root(end: bigint, start = 0n): Buffer {
    const size = end - start;
    if (size === 0n) return EMPTY_ROOT;
    const isPlain = [...this.#leaves.keys()].every((at) => at < start || at >= end);
    const known = isPlain ? this.#plain.get(size) : undefined;
    if (known !== undefined) return known;
    const split = size === 1n ? 0n : splitOf(size);
    const made = size === 1n ? (this.#leaves.get(start) ?? this.#other) : nodeOf(this.root(start + split, start), this.root(end, start + split));
    if (isPlain) this.#plain.set(size, made);
    return made;
  }

  inclusion(at: bigint, end: bigint, start = 0n): Buffer[] {
    if (end - start === 1n) return [];
    const middle = start + splitOf(end - start);
    return at < middle ? [...this.inclusion(at, middle, start), this.root(end, middle)] : [...this.inclusion(at, end, middle), this.root(middle, start)];
  }

  /** That the first `end` leaves begin with the first `older`, which is from 1 to `end`. */
  consistency(older: bigint, end: bigint, start = 0n, isOlder = true): Buffer[] {
    if (older === end) return isOlder ? [] : [this.root(end, start)];
    const middle = start + splitOf(end - start);
    return older <= middle ? [...this.consistency(older, middle, start, isOlder), this.root(end, middle)] : [...this.consistency(older, end, middle, false), this.root(middle, start)];
  }
}
