/** Tiles, their names, and proofs made of whatever bytes: a name has one spelling, and no proof of damaged tiles verifies. */
import { tryDecodeUtf8, utf8 } from '../../src/base/bytes.ts';
import { assert } from '../../src/base/errors.ts';
import { consistencyProof, inclusionProof, leafHash } from '../../src/core/evidence/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../src/core/evidence/merkle-proofs.ts';
import { parseTilePath, TileNodes, tilePath, TiledTree } from '../../src/core/evidence/tiles.ts';

const SIZE = 5;
const tree = new TiledTree();
for (let n = 0; n < SIZE; n += 1) tree.append(leafHash(utf8(`entry ${n}`)));
const [tile] = tree.tiles();
const good = tile?.bytes as Uint8Array;
const size = BigInt(SIZE);

export const seeds = [good, 'tile/0/000.p/5', 'tile/1/x001/234', new Uint8Array(8192), good.subarray(0, 64)];

/** Proofs as hostile bytes: position, size, and nodes of 32 bytes. */
function proofs(bytes: Uint8Array): void {
  const [index, of] = [BigInt(bytes[0] ?? 0), BigInt(bytes[1] ?? 0)];
  const nodes = Array.from({ length: Math.min(8, Math.floor(bytes.byteLength / 32)) }, (_, at) => bytes.subarray(32 * at, 32 * at + 32));
  const leaf = leafHash(utf8('forged'));
  assert(!verifyInclusion({ leafHash: leaf, index, size: of, proof: nodes, root: tree.root() }), 'what is not in the tree is not proved');
  if (of !== size) assert(!verifyConsistency({ size1: of, size2: size + 1n, root1: leaf, root2: tree.root(), proof: nodes }), 'what is no beginning is not proved');
}

export default function tiles(bytes: Uint8Array): void {
  const text = tryDecodeUtf8(bytes);
  const named = text === undefined ? undefined : parseTilePath(text);
  if (named !== undefined) assert(tilePath(named) === text, 'the name of a tile has one spelling');
  proofs(bytes);
  const nodes = new TileNodes(() => bytes).reader(size);
  const same = Buffer.compare(bytes.subarray(0, good.byteLength), good) === 0;
  for (let index = 0n; index < size; index += 1n) {
    const verified = verifyInclusion({ leafHash: nodes(0, index), index, size, proof: inclusionProof(index, size, nodes), root: tree.root() });
    assert(verified === same, 'a proof of damaged tiles does not verify');
  }
  assert(new TiledTree(size, new TileNodes(() => bytes)).root().byteLength === 32 && consistencyProof(3n, size, nodes).length > 0, 'tiles of the right length make a tree');
}
