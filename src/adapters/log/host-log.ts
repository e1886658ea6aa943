/**
 * The host log on disk, as a static site serves it (C2SP tlog-tiles):
 *
 *   heads/000000000042   checkpoints by number, the newest and some before it: what counts
 *   checkpoint           a copy of the newest, for readers
 *   tile/LEVEL/INDEX     hashes; INDEX.p/WIDTH while a tile is not full
 *
 *   X1  tiles are durable before the checkpoint that covers them; a checkpoint is one new file of the next number, and who comes second with it is
 *       stale [host-log.ts, L2 L3];
 *   X2  what no checkpoint covers was left by a writer that died: it is taken away before something else is written there, so a tile that is there is the
 *       one its checkpoint speaks for;
 *   X3  nothing is signed on top of what does not verify: the newest checkpoint, the right edge of the tree under it, a copy for readers that is ahead,
 *       and what the caller knows of an earlier time;
 *   X4  one writer at a time publishes; the first call that the disk refuses is the last, as what is there is no longer known.
 *
 * LIMIT: X4 holds between programs of one network namespace (named-lock.ts).
 */
import { type Bytes, equalBytes, utf8 } from '../../base/bytes.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { assert, CellError, ignore, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { parseCheckpoint, signCheckpoint } from '../../core/evidence/checkpoint.ts';
import { consistencyProof, inclusionProof, type NodeReader, rootFrom } from '../../core/evidence/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../core/evidence/merkle-proofs.ts';
import { type NoteSigner, type NoteVerifiers, refuseNote, withSignature } from '../../core/evidence/signed-note.ts';
import { type Tile, TILE_WIDTH, type TileAt, TileNodes, tilePath, TiledTree } from '../../core/evidence/tiles.ts';
import type { HostLog, LogHead, Published } from '../../ports/host-log.ts';
import { withLock } from '../os/named-lock.ts';
import type { LogFiles } from './log-files.ts';
import { sweepUncovered } from './log-sweep.ts';

export interface HostLogOptions {
  readonly files: LogFiles;
  readonly origin: string;
  /** The log's own key, named by the origin, first. */
  readonly signers: readonly NoteSigner[];
  /** Keys that checkpoints of this log may be signed with, the present one and those before it; and of witnesses whose cosignatures are kept. */
  readonly verifiers: NoteVerifiers;
  /** A head of this log that is known from elsewhere: a log that is behind it, or has another history, was put back and is not used [X3]. */
  readonly known?: { readonly size: bigint; readonly root: Bytes };
}

const CHECKPOINT = 'checkpoint';
const headName = (number: number): string => `heads/${String(number).padStart(12, '0')}`;

/** Number of the newest checkpoint; 0 when there is none. */
function newestHead(files: LogFiles): number {
  return files.list('heads').reduce((newest, name) => (/^[0-9]{12}$/.test(name) ? Math.max(newest, Number(name)) : newest), 0);
}

/** The newest checkpoint with its number. One that is taken away while it is looked for has newer ones after it. */
function newestNote(files: LogFiles): { number: number; note: Bytes | undefined } {
  for (;;) {
    const number = newestHead(files);
    const note = number === 0 ? undefined : files.read(headName(number));
    if (note !== undefined || newestHead(files) === number) return { number, note };
  }
}

class FileHostLog implements HostLog {
  readonly #options: HostLogOptions;
  readonly #tiles: TileNodes;
  readonly #tree: TiledTree;
  #number: number;
  #head: LogHead | undefined;
  #published: bigint;
  #state: 'new' | 'swept' | 'stale' = 'new';
  #poison: CellError | undefined;

  constructor(options: HostLogOptions) {
    this.#options = options;
    this.#tiles = new TileNodes((tile) => this.#readTile(tile), LIMITS.logTilesKeptMax);
    const copy = options.files.read(CHECKPOINT); // first: what others publish meanwhile makes what counts newer, never the copy
    const { number, note } = newestNote(options.files);
    this.#number = number;
    this.#head = number === 0 ? undefined : this.#readHead(headName(number), note);
    this.#published = this.#head?.size ?? 0n;
    this.#tree = new TiledTree(this.#published, this.#tiles);
    if (this.#head !== undefined && !equalBytes(this.#tree.root(), this.#head.root)) throw this.#damaged('the right edge of its tree does not have the root of its newest checkpoint');
    if (copy === undefined || note === undefined || !equalBytes(copy, note)) this.#checkCopy(copy);
    if (options.known !== undefined) this.#checkBeginsWith(options.known, 'is known to have had');
  }

  /** [X2] A partial tile that has become full is gone: the full one begins with it. */
  #readTile(tile: TileAt): Bytes {
    const { files } = this.#options;
    const bytes = files.read(tilePath(tile)) ?? files.read(tilePath({ ...tile, width: TILE_WIDTH }));
    if (bytes === undefined) throw this.#damaged(`its tile ${tilePath(tile)} is missing`);
    return bytes;
  }

  #damaged(why: string, cause?: unknown): CellError {
    const { path } = this.#options.files;
    return new CellError('evidence.invalid', `Cannot use the host log in ${path}: ${why}`, { facts: { path }, ...(cause === undefined ? {} : { cause }) });
  }

  #headOf(note: Bytes): LogHead {
    const { size, root } = parseCheckpoint(note, this.#options.verifiers, { origin: this.#options.origin });
    return { size, root, note };
  }

  /** [X3] */
  #readHead(name: string, note: Bytes | undefined): LogHead {
    if (note === undefined) throw this.#damaged(`${name} is missing`);
    try {
      return this.#headOf(note);
    } catch (error) {
      throw this.#damaged(`${name} is no checkpoint of it: ${messageOf(error)}`, error);
    }
  }

  /** The copy for readers is not of another history than what counts. One that cannot be read says nothing: a power cut may leave it so. */
  #checkCopy(copy: Bytes = new Uint8Array(0)): void {
    let given: LogHead;
    try {
      given = this.#headOf(copy);
    } catch (error) {
      ignore(error, 'it is written again with the next checkpoint');
      return;
    }
    this.#checkBeginsWith(given, 'has given out a checkpoint of');
  }

  /** [X3] */
  #checkBeginsWith({ size, root }: { readonly size: bigint; readonly root: Bytes }, how: string): void {
    if (size > this.#published) throw this.#damaged(`it ${how} ${size} leaves, and ${this.#head === undefined ? 'no checkpoint is left' : `its newest checkpoint is of ${this.#head.size}`}: it was put back. Move it away to begin a new log, under another origin`);
    if (!equalBytes(this.#rootAt(size), root)) throw this.#damaged(`it ${how} ${size} leaves, and its first ${size} are others`);
  }

  get origin(): string {
    return this.#options.origin;
  }

  get head(): LogHead | undefined {
    return this.#head;
  }

  get size(): bigint {
    return this.#tree.size;
  }

  append(leaves: readonly Bytes[]): bigint {
    if (this.#poison !== undefined) throw this.#poison;
    if (this.#tree.size - this.#published + BigInt(leaves.length) > BigInt(LIMITS.logPendingLeavesMax)) throw new CellError('evidence.unwritable', `Cannot add to the host log in ${this.#options.files.path}: more than ${LIMITS.logPendingLeavesMax} leaves wait for a checkpoint`);
    const first = this.#tree.size;
    for (const leaf of leaves) this.#tree.append(leaf);
    return first;
  }

  publish(): Promise<Published> {
    return this.#alone(() => this.#publish());
  }

  addCosignature(line: string): Promise<Published> {
    return this.#alone(() => this.#cosign(line));
  }

  /** As the only writer, and not after another one [X1] [X4]. */
  #alone(work: () => Published): Promise<Published> {
    const { files } = this.#options;
    return withLock(`log/${sha256Hex(utf8(files.path)).slice(0, 32)}`, { looks: LIMITS.logLockLooks, what: `the host log in ${files.path}` }, () => {
      if (this.#poison !== undefined) throw this.#poison;
      return this.#state === 'stale' || newestHead(files) !== this.#number ? this.#stale() : work();
    });
  }

  #cosign(line: string): Published {
    const { head } = this;
    assert(head !== undefined, 'a witness has seen a checkpoint');
    const note = withSignature(head.note, line);
    const { verifiers, origin } = this.#options;
    const [before, after] = [head.note, note].map((one) => parseCheckpoint(one, verifiers, { origin }).cosignatures.length) as [number, number];
    if (after !== before + 1) refuseNote('untrusted', 'what was added is not the cosignature of a known witness');
    return this.#writing(() => {
      this.#options.files.write(headName(this.#number), note);
      this.#options.files.writeCopy(CHECKPOINT, note);
      this.#head = { ...head, note };
      return { kind: 'published', head: this.#head };
    });
  }

  /** The first call that the disk refuses is the last [X4]. */
  #writing(work: () => Published): Published {
    try {
      return work();
    } catch (error) {
      this.#poison = error instanceof CellError ? error : new CellError('internal.bug', `Cannot write the host log: ${messageOf(error)}`, { cause: error });
      throw this.#poison;
    }
  }

  #publish(): Published {
    const nothingNew = this.#head !== undefined && this.#tree.size === this.#published;
    const next = nothingNew ? (this.#head as LogHead) : this.#sign();
    return this.#writing(() => {
      if (!nothingNew && !this.#store(next)) return this.#stale();
      if (!equalBytes(this.#options.files.read(CHECKPOINT) ?? new Uint8Array(0), next.note)) this.#options.files.writeCopy(CHECKPOINT, next.note);
      return { kind: 'published', head: next };
    });
  }

  #stale(): Published {
    this.#state = 'stale';
    return { kind: 'stale' };
  }

  /** A checkpoint that this log could not read again is not stored [X3]. */
  #sign(): LogHead {
    const { origin, signers } = this.#options;
    const made = this.#headOf(signCheckpoint({ origin, size: this.#tree.size, root: this.#tree.root(), extensions: [] }, signers));
    assert(made.size === this.#tree.size, 'a log signs the tree it has');
    return made;
  }

  /** [X1] @returns false when another writer was first */
  #store(next: LogHead): boolean {
    const { files } = this.#options;
    if (this.#state === 'new') sweepUncovered(files, this.#published); // X2
    this.#state = 'swept';
    const tiles = this.#tree.tiles();
    for (const tile of tiles) files.write(tilePath(tile), tile.bytes);
    if (!files.create(headName(this.#number + 1), next.note)) return false;
    if (newestHead(files) !== this.#number + 1) {
      files.remove(headName(this.#number + 1)); // one of a number that was taken away long ago
      return false;
    }
    this.#number += 1;
    this.#head = next;
    this.#published = next.size;
    this.#tree.settle();
    this.#tidy(tiles);
    return true;
  }

  /** Partial tiles that have become full, and checkpoints that are no longer needed to tell who is stale. */
  #tidy(tiles: readonly Tile[]): void {
    const { files } = this.#options;
    for (const tile of tiles) if (tile.width === TILE_WIDTH) files.remove(`${tilePath(tile)}.p`);
    for (const name of files.list('heads')) if (/^[0-9]{12}$/.test(name) && Number(name) <= this.#number - LIMITS.logHeadsKept) files.remove(`heads/${name}`);
  }

  /** Of the tree that is published: what was appended since is in memory only. */
  #nodes(): NodeReader {
    return this.#tiles.reader(this.#published);
  }

  /** The root of an older tree, proved to be the beginning of the newest [host-log.ts, L4]. */
  #rootAt(size: bigint): Bytes {
    const { head } = this;
    if (head === undefined || size === 0n) return rootFrom(0n, this.#nodes());
    if (size === head.size) return head.root;
    const root1 = rootFrom(size, this.#nodes());
    if (!verifyConsistency({ size1: size, size2: head.size, root1, root2: head.root, proof: consistencyProof(size, head.size, this.#nodes()) })) throw this.#damaged(`the tiles of its first ${size} leaves are not those of its checkpoint`);
    return root1;
  }

  inclusionProof(index: bigint, size: bigint = this.#published): readonly Bytes[] {
    assert(index >= 0n && index < size && size <= this.#published, 'what is proved is in the tree of a checkpoint');
    const proof = inclusionProof(index, size, this.#nodes());
    const leafHash = this.#nodes()(0, index);
    if (!verifyInclusion({ leafHash, index, size, proof, root: this.#rootAt(size) })) throw this.#damaged(`the tiles around leaf ${index} are not those of its checkpoint`);
    return proof;
  }

  consistencyProof(size1: bigint, size2: bigint = this.#published): readonly Bytes[] {
    assert(size1 >= 0n && size1 <= size2 && size2 <= this.#published, 'what is proved is in the tree of a checkpoint');
    if (size1 === 0n) return [];
    const proof = consistencyProof(size1, size2, this.#nodes());
    if (!verifyConsistency({ size1, size2, root1: this.#rootAt(size1), root2: this.#rootAt(size2), proof })) throw this.#damaged(`the tiles of its first ${size1} leaves are not those of its checkpoint`);
    return proof;
  }
}

/** Opens a log where its newest checkpoint is [X3]. @throws CellError `evidence.invalid` for one that is damaged or was put back; `crypto.key` */
export function openHostLog(options: HostLogOptions): HostLog {
  return new FileHostLog(options);
}
