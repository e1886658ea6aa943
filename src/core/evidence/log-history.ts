/**
 * Whether what somebody has, checkpoints and records of runs, is of one history with the log of a host. Pure.
 *
 *   LH1  every tile is held against the newest checkpoint before anything is said: every older head is then known, and every leaf;
 *   LH2  records of a run stand in the log in their order; those of other runs may stand between.
 */
import { type Bytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { leafHash, type NodeReader, rootFrom } from './merkle.ts';
import { checkTiles, TileNodes, type TileReader } from './tiles.ts';

export interface TreeHeadOf {
  readonly size: bigint;
  readonly root: Bytes;
}

/** `part`: the log went on from it; `ahead`: the log ends before it; `other`: at its size the log had other leaves. */
export type HeadStanding = 'part' | 'ahead' | 'other';

/** Leaves from `first` to `last`. */
export interface LeafRange {
  readonly first: number;
  readonly last: number;
}

/** The leaf of a record, with its event or without. @param line without its newline. @throws CellError `json.invalid` | `evidence.invalid` */
export function recordLeaf(line: Bytes): Bytes {
  const record = parseJson(line);
  if (!isJsonObject(record)) throw new CellError('evidence.invalid', 'Cannot read a record: it is no object');
  const { envelope: _, ...header } = record;
  return leafHash(utf8(canonicalText(jsonObject(header as JsonObject))));
}

export class LogHistory {
  readonly #head: TreeHeadOf;
  readonly #nodes: NodeReader;
  readonly #size: number;
  /** One bit a leaf: it is one of a record that was looked for. */
  readonly #seen: Uint8Array;

  /** @param head of a checkpoint that was verified. @throws CellError `evidence.invalid` for tiles that are not its, or more leaves than are read here [LH1] */
  constructor(head: TreeHeadOf, readTile: TileReader) {
    if (head.size > BigInt(LIMITS.logHistoryLeavesMax)) throw new CellError('evidence.invalid', `Cannot read a log of ${head.size} leaves: ${LIMITS.logHistoryLeavesMax} are read at most`);
    checkTiles(head, readTile);
    this.#head = head;
    this.#nodes = new TileNodes(readTile).reader(head.size);
    this.#size = Number(head.size);
    this.#seen = new Uint8Array(Math.ceil(this.#size / 8));
  }

  standingOf({ size, root }: TreeHeadOf): HeadStanding {
    if (size > this.#head.size) return 'ahead';
    return equalBytes(rootFrom(size, this.#nodes), root) ? 'part' : 'other';
  }

  /**
   * Looks for the records of a run, from a leaf on [LH2].
   *
   * @param leaves in their order
   * @returns how many of them, from the first one on, are in the log
   */
  find(leaves: readonly Bytes[], from: bigint): number {
    let found = 0;
    for (let at = from < this.#head.size ? Number(from) : this.#size; at < this.#size && found < leaves.length; at += 1) {
      if (!equalBytes(this.#nodes(0, BigInt(at)), leaves[found] as Bytes)) continue;
      this.#seen[at >> 3] = (this.#seen[at >> 3] as number) | (1 << (at & 7));
      found += 1;
    }
    return found;
  }

  /** The leaves that were not found so far. */
  unseen(): LeafRange[] {
    const ranges: { first: number; last: number }[] = [];
    for (let at = 0; at < this.#size; at += 1) {
      if (((this.#seen[at >> 3] as number) >> (at & 7)) & 1) continue;
      const open = ranges.at(-1);
      if (open?.last === at - 1) open.last = at;
      else ranges.push({ first: at, last: at });
    }
    return ranges;
  }
}
