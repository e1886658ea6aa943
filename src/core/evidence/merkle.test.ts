import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../base/bytes.ts';
import { MTH, PATH, PROOF } from '../../../tools/vectors/naive-merkle.ts';
import { consistencyProof, emptyRoot, inclusionProof, leafHash, MerkleFrontier, nodeHash, rootFrom, subtreesOf, TREE_SIZE_MAX } from './merkle.ts';
import { verifyConsistency, verifyInclusion } from './merkle-proofs.ts';

type Bytes = Uint8Array;
const hex = (hashes: readonly Bytes[]): string[] => hashes.map(toHex);
const entry = (n: number): Bytes => utf8(`entry ${n}`);
const entries = (count: number): Bytes[] => Array.from({ length: count }, (_, n) => entry(n));

/** A tree that remembers all complete subtrees. */
function grow(count: number) {
  const nodes = new Map<string, Bytes>();
  const tree = new MerkleFrontier();
  for (const one of entries(count)) tree.append(leafHash(one), (level, index, hash) => void nodes.set(`${level}/${index}`, hash));
  return { tree, nodeAt: (level: number, index: bigint): Bytes => nodes.get(`${level}/${index}`) ?? expect.fail(`no node ${level}/${index}`) };
}

const sizes = fc.integer({ min: 1, max: 70 });

describe('MerkleFrontier', () => {
  it('has the roots that RFC 6962 defines, at each size on the way', () => {
    const tree = new MerkleFrontier();
    expect(toHex(tree.root())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (let size = 1; size <= 130; size += 1) {
      tree.append(leafHash(entry(size - 1)));
      expect(toHex(tree.root()), `${size} leaves`).toBe(toHex(MTH(entries(size))));
      expect(tree.size).toBe(BigInt(size));
    }
  });

  it('has the roots of the examples that implementations share', () => {
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const tree = new MerkleFrontier();
    for (const input of inputs) tree.append(leafHash(new Uint8Array(Buffer.from(input, 'hex'))));
    expect(toHex(tree.root())).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('goes on from stored hashes as if it had never stopped, and its forks go their own way [H2]', () => {
    fc.assert(
      fc.property(sizes, sizes, (before, after) => {
        const { tree, nodeAt } = grow(before);
        const read = MerkleFrontier.read(BigInt(before), nodeAt);
        const fork = tree.fork();
        for (let n = before; n < before + after; n += 1) for (const one of [tree, read]) one.append(leafHash(entry(n)));
        const root = toHex(MTH(entries(before + after)));
        expect([toHex(tree.root()), toHex(read.root())]).toEqual([root, root]);
        expect([fork.size, toHex(fork.root())]).toEqual([BigInt(before), toHex(MTH(entries(before)))]);
      }),
    );
  });

  it('completes each subtree once, from the leaf up [H3]', () => {
    const told: string[] = [];
    const tree = new MerkleFrontier();
    for (let n = 0; n < 8; n += 1) tree.append(leafHash(entry(n)), (level, index) => void told.push(`${level}/${index}`));
    expect(told).toEqual(['0/0', '0/1', '1/0', '0/2', '0/3', '1/1', '2/0', '0/4', '0/5', '1/2', '0/6', '0/7', '1/3', '2/1', '3/0']);
  });

  it('takes hashes only, and peaks that fit its size', () => {
    expect(() => new MerkleFrontier().append(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    expect(() => new MerkleFrontier(3n, [new Uint8Array(32)])).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    for (const [left, right] of [[31, 32], [32, 31], [33, 32], [0, 32]] as const) expect(() => nodeHash(new Uint8Array(left), new Uint8Array(right))).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    expect(() => new MerkleFrontier(1n, [new Uint8Array(33)])).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    const full = new MerkleFrontier(TREE_SIZE_MAX, Array.from({ length: 64 }, () => new Uint8Array(32)));
    expect(() => full.append(new Uint8Array(32))).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });
});

describe('proofs made from stored hashes', () => {
  it('are those of RFC 6962, for each leaf and each older size', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, at) => {
        const { nodeAt } = grow(size);
        const index = at % size;
        expect(hex(inclusionProof(BigInt(index), BigInt(size), nodeAt))).toEqual(hex(PATH(index, entries(size))));
        expect(hex(consistencyProof(BigInt(index + 1), BigInt(size), nodeAt))).toEqual(hex(PROOF(index + 1, entries(size))));
        expect(toHex(rootFrom(BigInt(size), nodeAt))).toBe(toHex(MTH(entries(size))));
      }),
    );
  });

  it('never ask for a subtree that is not complete [H3]', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n }), (size, at) => {
        const complete = (level: number, index: bigint): Bytes => {
          expect(((index + 1n) << BigInt(level)) <= size).toBe(true);
          return leafHash(utf8(`${level}/${index}`));
        };
        expect(inclusionProof(at % size, size, complete).length).toBeLessThanOrEqual(64);
        expect(consistencyProof((at % size) + 1n, size, complete).length).toBeLessThanOrEqual(65);
      }),
    );
  });

  it('are empty where nothing is to be proved', () => {
    const { nodeAt } = grow(5);
    expect(consistencyProof(0n, 5n, nodeAt)).toEqual([]);
    expect(consistencyProof(5n, 5n, nodeAt)).toEqual([]);
    expect(toHex(rootFrom(0n, nodeAt))).toBe(toHex(emptyRoot()));
    expect(subtreesOf(0n, 13n)).toEqual([{ level: 3, index: 0n }, { level: 2, index: 2n }, { level: 0, index: 12n }]);
    expect(() => inclusionProof(5n, 5n, nodeAt)).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    expect(() => consistencyProof(6n, 5n, nodeAt)).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });
});

/** A tree of 2^62 and some leaves, known by a few of its hashes only. */
const far = (level: number, index: bigint): Bytes => leafHash(utf8(`far ${level}/${index}`));

describe('verifyInclusion()', () => {
  it('takes the proof of each leaf of each small tree, and of no other leaf, position or size', () => {
    for (let size = 1; size <= 20; size += 1) {
      const { tree, nodeAt } = grow(size);
      const root = tree.root();
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(BigInt(index), BigInt(size), nodeAt);
        const holds = (changed: object): boolean => verifyInclusion({ leafHash: leafHash(entry(index)), index: BigInt(index), size: BigInt(size), proof, root, ...changed });
        expect(holds({})).toBe(true);
        for (let other = 0n; other < 24n; other += 1n) expect(holds({ index: other }), `${index} of ${size} as ${other}`).toBe(other === BigInt(index));
        expect(holds({ leafHash: leafHash(entry(index + 1)) })).toBe(false);
        expect(holds({ root: leafHash(root) })).toBe(false);
        for (const extra of [root, proof[0] ?? root, new Uint8Array(0)]) for (const list of [[extra, ...proof], [...proof, extra]]) expect(holds({ proof: list })).toBe(false);
        if (size > 1) expect(holds({ proof: proof.slice(1) }) || holds({ proof: proof.slice(0, -1) })).toBe(false);
      }
    }
  });

  it('takes exactly the proofs that are made, in trees of any size, and none with a bit changed [I2]', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n }), fc.nat(), (size, at, bit) => {
        const index = at % size;
        const proof = inclusionProof(index, size, far);
        const leaf = far(0, index);
        // The proof alone says what the root is: climb it by the definition of the path.
        const root = rootOfPath(leaf, index, size, proof);
        expect(verifyInclusion({ leafHash: leaf, index, size, proof, root })).toBe(true);
        if (proof.length === 0) return;
        const changed = proof.map((node) => Uint8Array.from(node));
        const node = changed[bit % changed.length] as Bytes;
        node[bit % 32] = (node[bit % 32] ?? 0) ^ (1 << (bit % 8));
        expect(verifyInclusion({ leafHash: leaf, index, size, proof: changed, root })).toBe(false);
        expect(verifyInclusion({ leafHash: leaf, index, size, proof: proof.slice(1), root })).toBe(false);
        expect(verifyInclusion({ leafHash: leaf, index, size, proof: [...proof, root], root })).toBe(false);
      }),
    );
  });

  it('takes no hash that is short by what an earlier one had at its end [I2]', () => {
    const { tree, nodeAt } = grow(2);
    const good = { leafHash: leafHash(entry(0)), index: 0n, size: 2n, proof: [nodeAt(0, 1n)], root: tree.root() };
    const consistent = { size1: 1n, size2: 2n, root1: good.leafHash, root2: good.root, proof: good.proof };
    for (const change of [{ leafHash: good.leafHash.subarray(0, 31) }, { proof: [nodeAt(0, 1n).subarray(0, 31)] }, { leafHash: new Uint8Array(0) }]) {
      expect(verifyInclusion(good)).toBe(true); // the same hashes were hashed just before
      expect(verifyInclusion({ ...good, ...change })).toBe(false);
    }
    for (const change of [{ root1: good.leafHash.subarray(0, 31) }, { proof: [nodeAt(0, 1n).subarray(0, 31)] }]) {
      expect(verifyConsistency(consistent)).toBe(true);
      expect(verifyConsistency({ ...consistent, ...change })).toBe(false);
    }
  });

  it('answers false for whatever else it is given, and does not throw [I1]', () => {
    const hash = leafHash(utf8('x'));
    const good = { leafHash: hash, index: 0n, size: 1n, proof: [], root: hash };
    expect(verifyInclusion(good)).toBe(true);
    expect(verifyInclusion({ ...good, leafHash: Buffer.from(hash) })).toBe(true);
    const trap = new Proxy({}, { get: () => { throw new TypeError('trap'); } });
    const empty = new Uint8Array(0);
    const changes: object[] = [{ index: -1n }, { index: 1n }, { index: 0 }, { size: 0n }, { size: 1 }, { size: TREE_SIZE_MAX + 1n }, { index: TREE_SIZE_MAX, size: TREE_SIZE_MAX }, { leafHash: empty, root: empty }, { leafHash: empty }, { root: empty },
      { leafHash: toHex(hash) }, { root: null }, { proof: undefined }, { proof: null }, { proof: 'x' }, { proof: new Array(1) }, { proof: [undefined] }, { proof: [[...hash]] }, { proof: Array.from({ length: 1e5 }, () => hash) }, { leafHash: new Uint8Array(33), root: new Uint8Array(33) }, { leafHash: new Uint16Array(16), root: new Uint16Array(16) }];
    for (const change of changes) expect(verifyInclusion({ ...good, ...change } as never), JSON.stringify(Object.keys(change))).toBe(false);
    for (const claim of [undefined, null, 1, 'x', [], trap]) expect(verifyInclusion(claim as never)).toBe(false);
    expect(verifyInclusion({ ...good, proof: trap } as never)).toBe(false);
  });
});

/** What the path of a leaf says the root is, by recursion over the tree instead of the walk of RFC 9162. */
function rootOfPath(leaf: Bytes, index: bigint, size: bigint, proof: readonly Bytes[]): Bytes {
  if (size === 1n) return leaf;
  let half = 1n;
  while (half * 2n < size) half *= 2n;
  const [last, rest] = [proof.at(-1) as Bytes, proof.slice(0, -1)];
  return index < half ? nodeHash(rootOfPath(leaf, index, half, rest), last) : nodeHash(last, rootOfPath(leaf, index - half, size - half, rest));
}

describe('verifyConsistency()', () => {
  it('takes the proof between each two small trees, and between no other two', () => {
    for (let size2 = 1; size2 <= 18; size2 += 1) {
      const { tree, nodeAt } = grow(size2);
      for (let size1 = 1; size1 <= size2; size1 += 1) {
        const proof = consistencyProof(BigInt(size1), BigInt(size2), nodeAt);
        const root1 = MTH(entries(size1));
        const root2 = tree.root();
        const holds = (changed: object): boolean => verifyConsistency({ size1: BigInt(size1), size2: BigInt(size2), root1, root2, proof, ...changed });
        expect(holds({})).toBe(true);
        for (let other = 0n; other < 24n; other += 1n) {
          if (other !== BigInt(size1)) expect(holds({ size1: other }), `${size1} to ${size2} as ${other}`).toBe(false);
        }
        for (const extra of [root1, root2, proof[0] ?? root1, new Uint8Array(0)]) for (const list of [[extra, ...proof], [...proof, extra]]) expect(holds({ proof: list })).toBe(false);
        if (size1 === size2) continue;
        expect(holds({ root1: root2, root2: root1 }) || holds({ root1: root2 }) || holds({ root2: root1 }) || holds({ proof: [] }) || holds({ proof: proof.slice(0, -1) }) || holds({ proof: proof.slice(1) })).toBe(false);
      }
    }
  });

  it('takes what is made for trees of any size, and nothing with a bit changed [I2]', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n }), fc.nat(), (size2, at, bit) => {
        const size1 = (at % (size2 - 1n)) + 1n;
        const proof = consistencyProof(size1, size2, far);
        const [root1, root2] = rootsOfProof(size1, size2, proof);
        expect(verifyConsistency({ size1, size2, root1, root2, proof })).toBe(true);
        const changed = proof.map((node) => Uint8Array.from(node));
        const node = changed[bit % changed.length] as Bytes;
        node[bit % 32] = (node[bit % 32] ?? 0) ^ (1 << (bit % 8));
        expect(verifyConsistency({ size1, size2, root1, root2, proof: changed })).toBe(false);
        expect(verifyConsistency({ size1, size2, root1, root2, proof: proof.slice(1) })).toBe(false);
        expect(verifyConsistency({ size1, size2, root1, root2, proof: [...proof, root2] })).toBe(false);
        expect(verifyConsistency({ size1, size2, root1: root2, root2: root1, proof })).toBe(false);
      }),
    );
  });

  it('at equal sizes compares the roots and wants no proof; from the empty tree proves nothing', () => {
    const [a, b] = [leafHash(utf8('a')), leafHash(utf8('b'))];
    for (const size of [0n, 1n, 7n, 2n ** 63n - 1n, TREE_SIZE_MAX]) {
      expect(verifyConsistency({ size1: size, size2: size, root1: a, root2: Uint8Array.from(a), proof: [] })).toBe(true);
      expect(verifyConsistency({ size1: size, size2: size, root1: a, root2: b, proof: [] })).toBe(false);
      expect(verifyConsistency({ size1: size, size2: size, root1: a, root2: a, proof: [a] })).toBe(false);
      expect(verifyConsistency({ size1: size, size2: size, root1: new Uint8Array(0), root2: new Uint8Array(0), proof: [] })).toBe(false);
    }
    for (const size of [-1n, TREE_SIZE_MAX + 1n]) expect(verifyConsistency({ size1: size, size2: size, root1: a, root2: a, proof: [] })).toBe(false);
    for (const proof of [[], [b], [emptyRoot()]]) expect(verifyConsistency({ size1: 0n, size2: 1n, root1: emptyRoot(), root2: b, proof })).toBe(false);
  });

  it('answers false for whatever else it is given, and does not throw [I1]', () => {
    const { tree, nodeAt } = grow(5);
    const good = { size1: 3n, size2: 5n, root1: MTH(entries(3)), root2: tree.root(), proof: consistencyProof(3n, 5n, nodeAt) };
    expect(verifyConsistency(good)).toBe(true);
    const trap = new Proxy({}, { get: () => { throw new TypeError('trap'); } });
    const changes: object[] = [{ size1: 5n, size2: 3n }, { size1: -3n }, { size1: 3 }, { size2: 5 }, { size2: TREE_SIZE_MAX + 1n }, { root1: new Uint8Array(0) }, { root2: new Uint8Array(0) }, { root1: utf8('WrongRoot') }, { root2: utf8('WrongRoot') }, { root1: undefined }, { proof: undefined }, { proof: new Array(3) }, { proof: [null, null, null] }, { proof: trap }];
    for (const change of changes) expect(verifyConsistency({ ...good, ...change } as never), JSON.stringify(Object.keys(change))).toBe(false);
    for (const claim of [undefined, null, 1, trap]) expect(verifyConsistency(claim as never)).toBe(false);
  });
});

/** Both roots that a proof speaks for, by recursion over SUBPROOF. */
function rootsOfProof(size1: bigint, size2: bigint, proof: readonly Bytes[]): [Bytes, Bytes] {
  const walk = (m: bigint, n: bigint, nodes: readonly Bytes[], whole: Bytes | undefined): [Bytes, Bytes] => {
    if (m === n) {
      const hash = whole ?? (nodes[0] as Bytes);
      return [hash, hash];
    }
    let half = 1n;
    while (half * 2n < n) half *= 2n;
    const [last, rest] = [nodes.at(-1) as Bytes, nodes.slice(0, -1)];
    if (m <= half) {
      const [older, newer] = walk(m, half, rest, whole);
      return [older, nodeHash(newer, last)];
    }
    const [older, newer] = walk(m - half, n - half, rest, undefined);
    return [nodeHash(last, older), nodeHash(last, newer)];
  };
  // A complete older tree is not in the proof: any hash will do for it.
  return walk(size1, size2, proof, (size1 & (size1 - 1n)) === 0n ? leafHash(utf8('the older tree')) : undefined);
}
