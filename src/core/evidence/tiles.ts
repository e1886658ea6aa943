/**
 * A Merkle tree as tiles (C2SP tlog-tiles): files of up to 256 hashes, of every eighth level of the tree. Pure.
 *
 *   T1  a tile is named by its level, its place in it, and how many hashes it has; each name has one spelling, and one content for good;
 *   T2  a complete subtree is made from one tile alone; the right edge of a tree is one partial tile a level, so a tree goes on from at most eight tiles;
 *   T3  memory is bounded by those, and by what was appended since the last checkpoint.
 */
import { type Bytes, concatBytes, equalBytes } from '../../base/bytes.ts';
import { assert, CellError } from '../../base/errors.ts';
import { HASH_BYTES, MerkleFrontier, nodeHash, type NodeReader, rootFrom, TREE_SIZE_MAX } from './merkle.ts';

/** Levels of the tree that one level of tiles stands for. */
export const TILE_HEIGHT = 8;
/** Hashes of a full tile. */
export const TILE_WIDTH = 256;

export interface TileAt {
  /** Of the tiles, from 0; a hash of level n is the root of a full tile of level n − 1. */
  readonly level: number;
  /** Place in its level, from 0. */
  readonly index: bigint;
  /** How many hashes it has, 1..256; fewer than 256: it is partial. */
  readonly width: number;
}

export interface Tile extends TileAt {
  readonly bytes: Bytes;
}

/** `tile/LEVEL/INDEX[.p/WIDTH]`, the index in groups of three digits, all but the last after an `x` [T1] */
export function tilePath({ level, index, width }: TileAt): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const name = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${name}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** @returns undefined unless it is the path of a tile that a tree can have, in its one spelling [T1] */
export function parseTilePath(path: string): TileAt | undefined {
  const [, level = '', name = '', width] = /^tile\/([0-7])\/((?:x[0-9]{3}\/){0,6}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path) ?? [];
  if (name === '') return undefined;
  const tile = { level: Number(level), index: BigInt(name.replace(/[x/]/g, '')), width: width === undefined ? TILE_WIDTH : Number(width) };
  const leaves = (tile.index * BigInt(TILE_WIDTH) + BigInt(tile.width)) << BigInt(TILE_HEIGHT * tile.level);
  return leaves <= TREE_SIZE_MAX && tilePath(tile) === path ? tile : undefined;
}

/** How many hashes this place has in the tree of this size: 0 when there is no tile. */
export function tileWidth(level: number, index: bigint, size: bigint): number {
  const count = (size >> BigInt(TILE_HEIGHT * level)) - index * BigInt(TILE_WIDTH);
  return count <= 0n ? 0 : count >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(count);
}

/** Reads the bytes of a tile, or of a wider one in its place. @throws CellError `evidence.invalid` when there is none */
export type TileReader = (tile: TileAt) => Bytes;

function altered(tile: string, why: string): CellError {
  return new CellError('evidence.invalid', `Cannot use the tile ${tile} of a log: ${why}`, { facts: { tile } });
}

/** The tile that a complete subtree of the tree of this size is made from, and where in it [T2]. */
function placeOf(level: number, index: bigint, size: bigint): { tile: TileAt; first: number; count: number } {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 1 << (level % TILE_HEIGHT);
  const first = index * BigInt(count);
  const tileIndex = first / BigInt(TILE_WIDTH);
  const tile = { level: tileLevel, index: tileIndex, width: tileWidth(tileLevel, tileIndex, size) };
  const offset = Number(first % BigInt(TILE_WIDTH));
  assert(offset + count <= tile.width, 'a subtree that is asked for is complete');
  return { tile, first: offset, count };
}

/** The hashes of a tile. */
function hashesIn(tile: TileAt, bytes: Bytes): Bytes[] {
  if (bytes.byteLength % HASH_BYTES !== 0 || bytes.byteLength < tile.width * HASH_BYTES || bytes.byteLength > TILE_WIDTH * HASH_BYTES) {
    throw altered(tilePath(tile), `it has ${bytes.byteLength} bytes, and ${tile.width * HASH_BYTES} are those of its hashes`);
  }
  return Array.from({ length: bytes.byteLength / HASH_BYTES }, (_, at) => bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** Hashes of complete subtrees, read from tiles [T2]. Those of the last few tiles are kept, with what was made of them: a complete subtree never changes. */
export class TileNodes {
  readonly #readTile: TileReader;
  readonly #tilesMax: number;
  /** By place of the tile: its hashes, and above them the rows that its pairs make, as far as they were asked for. */
  readonly #kept = new Map<string, Bytes[][]>();

  /** @param tilesMax how many tiles are kept, at least 1; default: as many as there are levels */
  constructor(readTile: TileReader, tilesMax = 64 / TILE_HEIGHT) {
    this.#readTile = readTile;
    this.#tilesMax = tilesMax;
  }

  /** Of the tree of this size. @throws CellError `evidence.invalid`, and what the reader of tiles throws */
  reader(size: bigint): NodeReader {
    return (level, index) => {
      const { tile, first, count } = placeOf(level, index, size);
      return nodeIn(this.#rows(tile), level % TILE_HEIGHT, first / count);
    };
  }

  /** The hashes of one tile. @throws as {@link reader} */
  hashes(tile: TileAt): readonly Bytes[] {
    return (this.#rows(tile)[0] as Bytes[]).slice(0, tile.width);
  }

  #rows(tile: TileAt): Bytes[][] {
    const key = `${tile.level}/${tile.index}`;
    const known = this.#kept.get(key);
    if ((known?.[0]?.length ?? 0) >= tile.width) return known as Bytes[][];
    const hashes = hashesIn(tile, this.#readTile(tile));
    // A tile that has grown: what was made of its beginning stands.
    const rows = known ?? Array.from({ length: TILE_HEIGHT }, () => []);
    const row = rows[0] as Bytes[];
    row.push(...hashes.slice(row.length));
    if (known === undefined && this.#kept.size >= this.#tilesMax) this.#kept.delete(this.#kept.keys().next().value as string);
    this.#kept.set(key, rows);
    return rows;
  }
}

/** The hash over 2^height hashes of a tile, kept with those on the way. */
function nodeIn(rows: Bytes[][], height: number, at: number): Bytes {
  const row = rows[height] as Bytes[];
  const known = row[at];
  if (known !== undefined) return known;
  const made = nodeHash(nodeIn(rows, height - 1, 2 * at), nodeIn(rows, height - 1, 2 * at + 1));
  row[at] = made;
  return made;
}

/**
 * Reads all tiles of the tree of this size and holds each against the one above it, the uppermost against the root. Holds a tile of each level and
 * what `readTile` keeps.
 *
 * @throws CellError `evidence.invalid` with the fact `tile`: the first that is not what it was
 */
export function checkTiles({ size, root }: { readonly size: bigint; readonly root: Bytes }, readTile: TileReader): void {
  const nodes = new TileNodes(readTile).reader(size);
  if (!equalBytes(rootFrom(size, nodes), root)) throw altered(edgeOf(size).map(tilePath).join(', '), 'the right edge of the tree does not have its root');
  for (let level = 0; tileWidth(level, 0n, size) === TILE_WIDTH; level += 1) {
    for (let index = 0n; tileWidth(level, index, size) === TILE_WIDTH; index += 1n) {
      const [left, right] = [0n, 1n].map((half) => nodes(TILE_HEIGHT * level + TILE_HEIGHT - 1, 2n * index + half)) as [Bytes, Bytes];
      if (!equalBytes(nodeHash(left, right), nodes(TILE_HEIGHT * (level + 1), index))) throw altered(tilePath({ level, index, width: TILE_WIDTH }), 'its hashes are not those that the tile above it was made of');
    }
  }
}

/** The partial tiles of the tree of this size, lowest first: its right edge [T2]. */
export function edgeOf(size: bigint): TileAt[] {
  const tiles: TileAt[] = [];
  for (let level = 0; size >> BigInt(TILE_HEIGHT * level) > 0n; level += 1) {
    const count = size >> BigInt(TILE_HEIGHT * level);
    const width = Number(count % BigInt(TILE_WIDTH));
    if (width > 0) tiles.push({ level, index: count / BigInt(TILE_WIDTH), width });
  }
  return tiles;
}

/** A tree that grows, and the tiles it has to be kept as [T3]. */
export class TiledTree {
  readonly #frontier: MerkleFrontier;
  /** Hashes of the partial tile of each level. */
  readonly #edges: Bytes[][] = [];
  #full: Tile[] = [];
  /** Size at which tiles were last handed out. */
  #settled: bigint;

  /** @param nodes is asked for the right edge only. @throws CellError `evidence.invalid`, and what its reader throws */
  constructor(size = 0n, nodes = new TileNodes(() => assert(false, 'an empty tree has no tiles') as never)) {
    for (const tile of edgeOf(size)) this.#edges[tile.level] = [...nodes.hashes(tile)];
    this.#frontier = MerkleFrontier.read(size, nodes.reader(size));
    this.#settled = size;
  }

  #edge(level: number): Bytes[] {
    const edge = this.#edges[level] ?? [];
    this.#edges[level] = edge;
    return edge;
  }

  get size(): bigint {
    return this.#frontier.size;
  }

  root(): Bytes {
    return this.#frontier.root();
  }

  /** @param leaf hash of an entry, 32 bytes */
  append(leaf: Bytes): void {
    this.#frontier.append(leaf, (level, index, hash) => {
      if (level % TILE_HEIGHT === 0) this.#keep(level / TILE_HEIGHT, index, hash);
    });
  }

  #keep(level: number, index: bigint, hash: Bytes): void {
    const edge = this.#edge(level);
    edge.push(hash);
    if (edge.length < TILE_WIDTH) return;
    this.#full.push({ level, index: index / BigInt(TILE_WIDTH), width: TILE_WIDTH, bytes: concatBytes(edge) });
    this.#edges[level] = [];
  }

  /** What has to be stored before a checkpoint of this size may be: the tiles that became full since {@link settle}, then the right edge where it has changed. */
  tiles(): Tile[] {
    const changed = edgeOf(this.size).filter(({ level, index, width }) => tileWidth(level, index, this.#settled) !== width);
    return [...this.#full, ...changed.map((tile) => ({ ...tile, bytes: concatBytes(this.#edge(tile.level)) }))];
  }

  /** The tiles of this size are stored, and a checkpoint of it too. */
  settle(): void {
    this.#full = [];
    this.#settled = this.size;
  }
}
