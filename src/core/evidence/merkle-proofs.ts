/**
 * The verifiers of Merkle proofs (RFC 9162 §2.1.3.2, §2.1.4.2). What they are given comes from strangers [merkle.ts, H4].
 *
 *   I1  false for anything that is not of the types named, or out of range; nothing is thrown;
 *   I2  a proof has exactly the nodes that position and sizes ask for: none missing, none too many, each of 32 bytes.
 */
import { type Bytes, equalBytes } from '../../base/bytes.ts';
import { ignore } from '../../base/errors.ts';
import { HASH_BYTES, nodeHash, TREE_SIZE_MAX } from './merkle.ts';

const isSize = (value: unknown): value is bigint => typeof value === 'bigint' && value >= 0n && value <= TREE_SIZE_MAX;
const isBytes = (value: unknown): value is Bytes => value instanceof Uint8Array && value.byteLength > 0;
const isHash = (value: unknown): value is Bytes => value instanceof Uint8Array && value.byteLength === HASH_BYTES;

/** No tree is higher than 64 levels; a consistency proof may have one node more. */
const PROOF_NODES_MAX = 65;

/** A copy without holes, so that what is checked is what is used. */
function hashesOf(proof: unknown): readonly Bytes[] | undefined {
  if (!Array.isArray(proof) || proof.length > PROOF_NODES_MAX) return undefined;
  const nodes = Array.from(proof as readonly unknown[]);
  return nodes.every(isHash) ? nodes : undefined;
}

/**
 * Climbs from position `fn` of a level whose last position is `sn`, RFC 9162's walk.
 *
 * @param step told each node of the proof, and on which side it stands
 * @returns false when the proof has too many or too few nodes [I2]
 */
function climb(fn: bigint, sn: bigint, nodes: readonly Bytes[], step: (node: Bytes, side: 'left' | 'right') => void): boolean {
  let [at, last] = [fn, sn];
  for (const node of nodes) {
    if (last === 0n) return false;
    if ((at & 1n) === 1n || at === last) {
      step(node, 'left');
      while ((at & 1n) === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n]; // levels where this subtree has no sibling
    } else {
      step(node, 'right');
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n;
}

/** A hostile object may throw whenever it is looked at [I1]. */
function sayingNo(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    ignore(error, 'what cannot even be looked at proves nothing');
    return false;
  }
}

export interface InclusionClaim {
  /** 32 bytes. */
  readonly leafHash: Bytes;
  /** Position of the leaf, from 0; below `size`. */
  readonly index: bigint;
  /** Leaves of the tree, at most 2^64 − 1. */
  readonly size: bigint;
  /** From the sibling of the leaf up, 32 bytes each. */
  readonly proof: readonly Bytes[];
  /** 32 bytes. */
  readonly root: Bytes;
}

/** Is the leaf at this position of the tree with this size and root? Never throws [I1]. Source: RFC 9162 §2.1.3.2. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  return sayingNo(() => {
    const { leafHash, index, size, proof, root } = claim;
    const nodes = hashesOf(proof);
    if (nodes === undefined || !isHash(leafHash) || !isHash(root) || !isSize(index) || !isSize(size) || index >= size) return false;
    let hash = leafHash;
    const whole = climb(index, size - 1n, nodes, (node, side) => {
      hash = side === 'left' ? nodeHash(node, hash) : nodeHash(hash, node);
    });
    return whole && equalBytes(hash, root);
  });
}

export interface ConsistencyClaim {
  /** Leaves of the older tree; at most `size2`. */
  readonly size1: bigint;
  /** Leaves of the newer tree, at most 2^64 − 1. */
  readonly size2: bigint;
  /** 32 bytes. */
  readonly root1: Bytes;
  /** 32 bytes. */
  readonly root2: Bytes;
  /** 32 bytes each; empty for equal sizes. */
  readonly proof: readonly Bytes[];
}

/**
 * Does the newer tree begin with all leaves of the older one? Never throws [I1].
 *
 * Equal sizes ask for equal roots and no proof. There nothing is hashed, so their length is not looked at, as transparency-dev/merkle has it: what is
 * the same is consistent with itself. From the empty tree to a larger one nothing can be proved, and the answer is false.
 * Source: RFC 9162 §2.1.4.2.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  return sayingNo(() => {
    const { size1, size2, root1, root2, proof } = claim;
    const given = hashesOf(proof);
    if (given === undefined || !isBytes(root1) || !isBytes(root2) || !isSize(size1) || !isSize(size2) || size1 > size2) return false;
    if (size1 === size2) return given.length === 0 && equalBytes(root1, root2);
    if (size1 === 0n || given.length === 0 || !isHash(root1) || !isHash(root2)) return false;
    // A complete older tree is a subtree of the newer one: its root stands for the first node.
    const [seed, ...nodes] = (size1 & (size1 - 1n)) === 0n ? [root1, ...given] : given;
    let [at, last] = [size1 - 1n, size2 - 1n];
    while ((at & 1n) === 1n) [at, last] = [at >> 1n, last >> 1n];
    let [older, newer] = [seed as Bytes, seed as Bytes];
    const whole = climb(at, last, nodes, (node, side) => {
      if (side === 'left') older = nodeHash(node, older);
      newer = side === 'left' ? nodeHash(node, newer) : nodeHash(newer, node);
    });
    return whole && equalBytes(older, root1) && equalBytes(newer, root2);
  });
}
