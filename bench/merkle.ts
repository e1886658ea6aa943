/**
 * The host log. Its tree: leaves appended in a second, tiles kept and a root made for each 256 of them, against one bare SHA-256 of 65 bytes a leaf, which is
 * what a node costs; and proofs of inclusion verified, against the bare hashes of one. By time of the processor.
 *
 * And what a publication of one leaf takes on this disk, signed and durable, against one file written, synced and renamed, folder synced.
 *
 * Not measured: hashing the entries; other writers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { openHostLog } from '../src/adapters/log/host-log.ts';
import { logFilesIn } from '../src/adapters/log/log-files.ts';
import { writeFileAtomic } from '../src/adapters/os/durable-file.ts';
import { utf8 } from '../src/base/bytes.ts';
import { ed25519SigningKey, sha256 } from '../src/base/crypto.ts';
import { inclusionProof, leafHash } from '../src/core/evidence/merkle.ts';
import { verifyInclusion } from '../src/core/evidence/merkle-proofs.ts';
import { type Tile, TileNodes, tilePath, TiledTree } from '../src/core/evidence/tiles.ts';
import { inTurns, median, type Paired } from './pairs.ts';

export interface MerkleRate {
  readonly name: string;
  readonly perSecond: number;
  readonly baseline: string;
  readonly baselinePerSecond: number;
  readonly aim: string;
}

function perSecond(count: number, work: (n: number) => void): number {
  const from = process.cpuUsage();
  for (let n = 0; n < count; n += 1) work(n);
  const { user, system } = process.cpuUsage(from);
  return count / ((user + system) / 1e6);
}

export function measure(options: { rounds?: number; perRound?: number } = {}): MerkleRate[] {
  const { rounds = 7, perRound = 65_536 } = options;
  const leaves = Array.from({ length: 1024 }, (_, n) => leafHash(utf8(`entry ${n}`)));
  const node = new Uint8Array(65);
  let tree = new TiledTree();
  const append = (n: number): void => {
    if (n === 0) tree = new TiledTree();
    tree.append(leaves[n % 1024] as Uint8Array);
    if (n % 256 !== 255) return;
    tree.root();
    tree.tiles();
    tree.settle();
  };
  const hash = (): void => void sha256(node);

  const stored = new Map<string, Tile>();
  const large = new TiledTree();
  for (let n = 0; n < 100_000; n += 1) large.append(leaves[n % 1024] as Uint8Array);
  for (const tile of large.tiles()) stored.set(tilePath(tile), tile);
  const nodes = new TileNodes((tile) => stored.get(tilePath(tile))?.bytes as Uint8Array, 1000).reader(large.size);
  const claims = Array.from({ length: 64 }, (_, n) => {
    const index = BigInt(n * 1500);
    return { leafHash: nodes(0, index), index, size: large.size, proof: inclusionProof(index, large.size, nodes), root: large.root() };
  });
  const verify = (n: number): void => {
    if (!verifyInclusion(claims[n % 64] as (typeof claims)[number])) throw new Error('A proof does not verify');
  };
  const climb = (n: number): void => {
    for (let left = claims[n % 64]?.proof.length ?? 0; left > 0; left -= 1) sha256(node);
  };
  const rate = (name: string, baseline: string, aim: string, count: number, ours: (n: number) => void, bare: (n: number) => void): MerkleRate => {
    for (const work of [ours, bare]) perSecond(count, work); // warm
    const seen = Array.from({ length: rounds }, () => [perSecond(count, ours), perSecond(count, bare)] as const);
    return { name, perSecond: median(seen.map(([a]) => a)), baseline, baselinePerSecond: median(seen.map(([, b]) => b)), aim };
  };
  return [
    rate('Merkle appends, a root and tiles for each 256', 'bare SHA-256 of 65 bytes', 'at least 50000/s', perRound, append, hash),
    rate('inclusion proofs verified, tree of 100000', 'their bare hashes', 'none', Math.ceil(perRound / 16), verify, climb),
  ];
}

/** @param folder on the disk that is measured */
export async function publication(folder: string, pairs = 60): Promise<Paired> {
  const path = mkdtempSync(`${folder}/log-`);
  const { publicKey, sign } = ed25519SigningKey(new Uint8Array(32).fill(7));
  const key = { name: 'cellos.dev/log/bench/1', publicKey };
  const log = openHostLog({ files: logFilesIn(path), origin: key.name, signers: [{ key, sign }], verifiers: [key] });
  const leaf = leafHash(utf8('entry'));
  const bytes = new Uint8Array(1024);
  try {
    return await inTurns('host log, one leaf published / one file made durable', pairs, async () => {
      log.append([leaf]);
      await log.publish();
    }, () => void writeFileAtomic(`${path}/file`, bytes));
  } finally {
    rmSync(path, { recursive: true });
  }
}
