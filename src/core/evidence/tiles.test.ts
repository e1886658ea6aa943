import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import { MTH, PATH, PROOF } from '../../../tools/vectors/naive-merkle.ts';
import { consistencyProof, inclusionProof, leafHash, rootFrom } from './merkle.ts';
import { decidePublish } from './publish-policy.ts';
import { edgeOf, parseTilePath, type Tile, type TileAt, TileNodes, tilePath, tileWidth, TiledTree } from './tiles.ts';

const entry = (n: number): Uint8Array => utf8(`entry ${n}`);
const entries = (count: number): Uint8Array[] => Array.from({ length: count }, (_, n) => entry(n));

/** Grows in steps, storing the tiles of each. */
function grow(...steps: readonly number[]) {
  const stored = new Map<string, Uint8Array>();
  const tree = new TiledTree();
  for (const step of steps) {
    for (let n = 0; n < step; n += 1) tree.append(leafHash(entry(Number(tree.size))));
    for (const tile of tree.tiles()) store(stored, tile);
    tree.settle();
  }
  return { tree, stored, read: (tile: TileAt): Uint8Array => stored.get(tilePath(tile)) ?? expect.fail(`no ${tilePath(tile)}`) };
}

function store(stored: Map<string, Uint8Array>, tile: Tile): void {
  const before = stored.get(tilePath(tile));
  if (before !== undefined) expect(toHex(before)).toBe(toHex(tile.bytes)); // T1
  expect(tile.bytes.byteLength).toBe(32 * tile.width);
  stored.set(tilePath(tile), tile.bytes);
}

describe('tilePath()', () => {
  it('is what C2SP gives as its examples', () => {
    expect(tilePath({ level: 0, index: 1_234_067n, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 2, index: 0n, width: 1 })).toBe('tile/2/000.p/1');
    expect(tilePath({ level: 1, index: 1000n, width: 255 })).toBe('tile/1/x001/000.p/255');
  });

  it('comes back from its text, and from no other text [T1]', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.bigInt({ min: 0n, max: 2n ** 56n }), fc.integer({ min: 1, max: 256 }), (level, large, width) => {
        const index = large >> BigInt(8 * level);
        fc.pre((index * 256n + BigInt(width)) << BigInt(8 * level) < 2n ** 64n);
        expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
      }),
    );
    for (const path of ['', 'tile/0/0', 'tile/0/00', 'tile/0/0000', 'tile/0/x000/001', 'tile/0/001/000', 'tile/00/000', 'tile/8/000', 'tile/-1/000', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/0/000.p/', 'tile/0/000/', '/tile/0/000', 'tile/0/000\n', 'tile/0/../000', 'tile/0/X001/000', 'tile/0/x001', `tile/7/256`, 'tile/7/255', `tile/0/${'x999/'.repeat(7)}999`]) expect(parseTilePath(path), path).toBeUndefined();
    expect(parseTilePath('tile/7/000')).toBeUndefined(); // 2^64 leaves: one more than a tree has
    expect(parseTilePath('tile/7/000.p/255')).toEqual({ level: 7, index: 0n, width: 255 });
  });

  it('names as many tiles as C2SP counts in a tree of 70,000', () => {
    expect(edgeOf(70_000n).map(tilePath)).toEqual(['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(edgeOf(256n).map(tilePath)).toEqual(['tile/1/000.p/1']);
    expect(edgeOf(0n)).toEqual([]);
    expect([tileWidth(0, 272n, 70_000n), tileWidth(0, 273n, 70_000n), tileWidth(0, 274n, 70_000n), tileWidth(1, 1n, 70_000n), tileWidth(3, 0n, 70_000n)]).toEqual([256, 112, 0, 17, 0]);
  });
});

describe('TiledTree', () => {
  it('hands out exactly the tiles that a checkpoint of each size has to have, each with one content [T1]', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 5 }), (steps) => {
        const { tree, stored } = grow(...steps);
        let size = 0;
        const needed = new Set<string>();
        for (const step of steps) {
          size += step;
          for (const tile of edgeOf(BigInt(size))) needed.add(tilePath(tile));
        }
        for (let index = 0n; tileWidth(0, index, BigInt(size)) === 256; index += 1n) needed.add(tilePath({ level: 0, index, width: 256 }));
        expect([...stored.keys()].sort()).toEqual([...needed].sort());
        expect(toHex(tree.root())).toBe(toHex(MTH(entries(size))));
        expect(tree.tiles()).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('goes on from its tiles as if it had never stopped [T2]', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 1, max: 300 }), (before, after) => {
        const { stored, read } = grow(before);
        const asked: string[] = [];
        const nodes = new TileNodes((tile) => {
          asked.push(tilePath(tile));
          return read(tile);
        });
        const again = new TiledTree(BigInt(before), nodes);
        expect(asked).toEqual(edgeOf(BigInt(before)).map(tilePath));
        for (let n = before; n < before + after; n += 1) again.append(leafHash(entry(n)));
        const whole = grow(before, after);
        for (const tile of again.tiles()) store(stored, tile);
        expect([...stored].map(([path, bytes]) => [path, toHex(bytes)]).sort()).toEqual([...whole.stored].map(([path, bytes]) => [path, toHex(bytes)]).sort());
        expect(toHex(again.root())).toBe(toHex(whole.tree.root()));
      }),
      { numRuns: 30 },
    );
  });

  it('makes the proofs of RFC 6962 from tiles alone', () => {
    const size = 600;
    const { read } = grow(100, 250, 250);
    const nodes = new TileNodes(read).reader(BigInt(size));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: size }), fc.nat(), (of, at) => {
        const index = at % of;
        expect(inclusionProof(BigInt(index), BigInt(of), nodes).map(toHex)).toEqual(PATH(index, entries(of)).map(toHex));
        expect(consistencyProof(BigInt(index + 1), BigInt(of), nodes).map(toHex)).toEqual(PROOF(index + 1, entries(of)).map(toHex));
        expect(toHex(rootFrom(BigInt(of), nodes))).toBe(toHex(MTH(entries(of))));
      }),
      { numRuns: 40 },
    );
  });

  it('has the third level of tiles where 65,536 leaves are', () => {
    const { tree, stored, read } = grow(65_535, 2);
    expect([...stored.keys()].filter((path) => path.startsWith('tile/2/'))).toEqual(['tile/2/000.p/1']);
    expect(stored.has('tile/1/000')).toBe(true);
    const again = new TiledTree(tree.size, new TileNodes(read));
    expect(toHex(again.root())).toBe(toHex(tree.root()));
    expect(toHex(rootFrom(65_536n, new TileNodes(read).reader(tree.size)))).toBe(toHex(read({ level: 2, index: 0n, width: 1 })));
  });

  it('reads the same from tiles that grow, and reads each no more than once for each size, however few are kept', () => {
    const { stored, read } = grow(600);
    fc.assert(
      fc.property(fc.array(fc.record({ of: fc.integer({ min: 1, max: 600 }), at: fc.nat() }), { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), (asks, tilesMax) => {
        const reads = new Map<string, number>();
        const counted = (tile: TileAt): Uint8Array => {
          reads.set(tilePath(tile), (reads.get(tilePath(tile)) ?? 0) + 1);
          return read({ ...tile, width: tileWidth(tile.level, tile.index, 600n) }).subarray(0, 32 * tile.width);
        };
        const nodes = new TileNodes(counted, tilesMax);
        for (const { of, at } of asks) expect(inclusionProof(BigInt(at % of), BigInt(of), nodes.reader(BigInt(of))).map(toHex)).toEqual(PATH(at % of, entries(of)).map(toHex));
        if (tilesMax === 4) expect([...reads.values()].every((count) => count === 1)).toBe(true);
      }),
      { numRuns: 40 },
    );
    expect(stored.size).toBeGreaterThan(3);
  });

  it('refuses a tile of another length', () => {
    const { tree, read } = grow(300);
    for (const change of [(bytes: Uint8Array) => bytes.subarray(32), (bytes: Uint8Array) => bytes.subarray(1), () => new Uint8Array(0), () => new Uint8Array(257 * 32), (bytes: Uint8Array) => Uint8Array.of(...bytes.subarray(0, 44 * 32), 0)]) {
      expect(() => new TiledTree(300n, new TileNodes((tile) => change(read(tile))))).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
      expect(() => rootFrom(tree.size, new TileNodes((tile) => change(read(tile))).reader(300n))).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
    }
    expect(() => new TileNodes(read).reader(300n)(0, 300n)).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });
});

describe('decidePublish()', () => {
  const waiting = { leaves: 1, sinceMs: 5_000, sealed: false, awaited: false };

  it('lets a log be 256 leaves or a second behind, and no seal and no export wait [B1] [B2]', () => {
    expect(decidePublish(waiting, 5_000)).toEqual({ kind: 'later', inMs: 1_000 });
    expect(decidePublish(waiting, 5_999)).toEqual({ kind: 'later', inMs: 1 });
    expect(decidePublish(waiting, 6_000)).toEqual({ kind: 'now', why: 'age' });
    expect(decidePublish({ ...waiting, leaves: 255 }, 5_000).kind).toBe('later');
    expect(decidePublish({ ...waiting, leaves: 256 }, 5_000)).toEqual({ kind: 'now', why: 'leaves' });
    expect(decidePublish({ ...waiting, sealed: true }, 5_000)).toEqual({ kind: 'now', why: 'seal' });
    expect(decidePublish({ ...waiting, awaited: true }, 5_000)).toEqual({ kind: 'now', why: 'awaited' });
    for (const nowMs of [0, 9e9]) expect(decidePublish({ leaves: 0, sinceMs: 0, sealed: true, awaited: true }, nowMs)).toEqual({ kind: 'nothing' });
  });

  it('never waits longer than the bound, whatever the clock says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double(), fc.double(), (leaves, sinceMs, nowMs) => {
        const decision = decidePublish({ leaves, sinceMs, sealed: false, awaited: false }, nowMs);
        if (decision.kind === 'later') expect(decision.inMs > 0 && decision.inMs <= LIMITS.logBehindMsMax && leaves < LIMITS.logBehindLeavesMax).toBe(true);
        else expect(decision.kind).toBe('now');
      }),
    );
  });
});
