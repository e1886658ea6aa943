import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { LogHistory, recordLeaf } from './log-history.ts';
import { leafHash, MerkleFrontier } from './merkle.ts';
import { type TileAt, tilePath, TiledTree } from './tiles.ts';

const leaf = (name: string): Bytes => leafHash(utf8(name));

interface Grown {
  readonly tiles: Map<string, Bytes>;
  readonly heads: readonly { readonly size: bigint; readonly root: Bytes }[];
  readonly read: (tile: TileAt) => Bytes;
}

/** A log of these leaves, and its head at each size. */
function grow(names: readonly string[]): Grown {
  const tree = new TiledTree();
  const frontier = new MerkleFrontier();
  const heads = [{ size: 0n, root: frontier.root() }];
  for (const name of names) {
    tree.append(leaf(name));
    frontier.append(leaf(name));
    heads.push({ size: frontier.size, root: frontier.root() });
  }
  const tiles = new Map(tree.tiles().map((tile) => [tilePath(tile), tile.bytes]));
  return { tiles, heads, read: (tile) => tiles.get(tilePath(tile)) ?? expect.fail(tilePath(tile)) };
}

const newest = ({ heads }: Grown) => heads.at(-1) ?? expect.fail();
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix} ${at}`);

describe('LogHistory', () => {
  it('knows every head of its own history, and none of another one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(), fc.integer({ min: 1, max: 300 }), (size, fork, more) => {
        const own = grow(names('leaf', size));
        const at = fork % size;
        const other = grow([...names('leaf', at), ...names('other', more)]);
        const history = new LogHistory(newest(own), own.read);
        expect(new Set(own.heads.map((head) => history.standingOf(head)))).toEqual(new Set(['part']));
        for (const head of other.heads) expect(history.standingOf(head)).toBe(head.size > BigInt(size) ? 'ahead' : head.size > BigInt(at) ? 'other' : 'part');
      }),
      { numRuns: 20 },
    );
  });

  it('finds the records of runs among those of others, and says what is of none of them', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 400 }), (owners) => {
        const log = grow(owners.map((owner, at) => `${owner} ${at}`));
        const history = new LogHistory(newest(log), log.read);
        for (const owner of [0, 1, 2]) {
          const leaves = owners.flatMap((one, at) => (one === owner ? [leaf(`${owner} ${at}`)] : []));
          expect(history.find(leaves, 0n)).toBe(leaves.length);
        }
        const unseen = history.unseen().flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
        expect(unseen).toEqual(owners.flatMap((owner, at) => (owner === 3 ? [at] : [])));
      }),
      { numRuns: 60 },
    );
  });

  it('finds records in their order alone, and from where the run began', () => {
    const log = grow(['a', 'b', 'c', 'd']);
    const history = new LogHistory(newest(log), log.read);
    expect(history.find([leaf('b'), leaf('a')], 0n)).toBe(1);
    expect(history.find([leaf('a')], 1n)).toBe(0);
    expect(history.find([leaf('c'), leaf('x'), leaf('d')], 0n)).toBe(1);
    expect(history.find([leaf('d')], 2n ** 63n)).toBe(0);
    expect(history.unseen()).toEqual([{ first: 0, last: 0 }, { first: 3, last: 3 }]);
    expect(new LogHistory(newest(grow([])), () => expect.fail()).unseen()).toEqual([]);
  });

  it('says nothing of a log of which any hash is another [LH1]', () => {
    const log = grow(names('leaf', 600));
    fc.assert(
      fc.property(fc.constantFrom(...log.tiles.keys()), fc.nat(), fc.integer({ min: 1, max: 255 }), (path, place, change) => {
        const tiles = new Map(log.tiles);
        const bytes = tiles.get(path) ?? expect.fail();
        const at = place % bytes.byteLength;
        tiles.set(path, bytes.with(at, (bytes[at] ?? 0) ^ change));
        expect(() => new LogHistory(newest(log), (tile) => tiles.get(tilePath(tile)) ?? expect.fail())).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
      }),
      { numRuns: 60 },
    );
  });

  it('refuses more leaves than it reads', () => {
    expect(() => new LogHistory({ size: 2n ** 40n, root: leaf('a') }, () => expect.fail())).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
  });
});

describe('recordLeaf()', () => {
  it('is the same with the event and without', () => {
    const header = { digest: 'd', prev: 'p', salt: 's', seq: 1, stream: 'r', tier: 'host', v: 1 };
    const of = (value: unknown): Bytes => recordLeaf(utf8(JSON.stringify(value)));
    expect(of({ ...header, envelope: { event: 1 } })).toEqual(of(header));
    expect(of(header)).toEqual(leaf(JSON.stringify(header)));
    expect(() => of([])).toThrow(expect.objectContaining({ code: 'evidence.invalid' }));
    expect(() => recordLeaf(utf8('{'))).toThrow(expect.objectContaining({ code: 'json.invalid' }));
  });
});
