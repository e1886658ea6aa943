/**
 * A disk in memory that forgets like a real one: what is written is there at once, and durable only after a sync. `crashImages` gives the states
 * a power cut can leave at this moment: of the writes of each file that are not synced any subset, sector by sector, and of the changes of
 * names that are not synced any beginning.
 *
 * `before` is called before each operation, and may throw (the operation fails), or give a number of bytes (a short write).
 */
import type { DiskFile, JournalDisk } from '../../src/adapters/journal/journal-disk.ts';

const SECTOR = 512;

export interface DiskCall {
  readonly kind: 'list' | 'exists' | 'open' | 'create' | 'rename' | 'link' | 'remove' | 'sync-folder' | 'size' | 'read' | 'write' | 'truncate' | 'sync';
  readonly name: string;
  /** Of a write: does it make the file longer? */
  readonly grows?: boolean;
}

type Pending = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

class Inode {
  bytes = new Uint8Array(0);
  durable = new Uint8Array(0);
  pending: Pending[] = [];
}

type NameChange = { readonly name: string; readonly inode: Inode | undefined };

/** Names and contents, as they lie on a disk that nobody uses. */
export type Image = ReadonlyMap<string, Uint8Array>;

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: planted`), { code });
}

function written(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.max(bytes.byteLength, at + piece.byteLength));
  grown.set(bytes);
  grown.set(piece, at);
  return grown;
}

function resized(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  return result;
}

/** The parts of unsynced writes that a disk writes at once. */
function units(inode: Inode): Pending[] {
  return inode.pending.flatMap((pending) => {
    if ('size' in pending) return [pending];
    const parts: Pending[] = [];
    for (let at = pending.at; at < pending.at + pending.bytes.byteLength; ) {
      const end = Math.min((Math.floor(at / SECTOR) + 1) * SECTOR, pending.at + pending.bytes.byteLength);
      parts.push({ at, bytes: pending.bytes.subarray(at - pending.at, end - pending.at) });
      at = end;
    }
    return parts;
  });
}

function applied(inode: Inode, chosen: (index: number) => boolean): Uint8Array {
  let bytes = inode.durable;
  for (const [index, unit] of units(inode).entries()) if (chosen(index)) bytes = 'size' in unit ? resized(bytes, unit.size) : written(bytes, unit.at, unit.bytes);
  return bytes;
}

export class ModelDisk implements JournalDisk {
  readonly path = 'model:';
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  #changes: NameChange[] = [];
  before: (call: DiskCall) => number | undefined = () => undefined;
  /** What a sync waits for before it takes effect. */
  pause: () => Promise<void> = async () => undefined;
  calls = 0;

  constructor(image: Image = new Map()) {
    for (const [name, bytes] of image) {
      const inode = new Inode();
      inode.bytes = Uint8Array.from(bytes);
      inode.durable = Uint8Array.from(bytes);
      this.#names.set(name, inode);
      this.#durableNames.set(name, inode);
    }
  }

  #call(kind: DiskCall['kind'], name: string, grows = false): number | undefined {
    this.calls += 1;
    return this.before({ kind, name, grows });
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw systemError('ENOENT');
    return inode;
  }

  #setName(name: string, inode: Inode | undefined): void {
    if (inode === undefined) this.#names.delete(name);
    else this.#names.set(name, inode);
    this.#changes.push({ name, inode });
  }

  /** As it is now, for whoever looks without a crash. */
  image(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, { bytes }]) => [name, Uint8Array.from(bytes)]));
  }

  list(): string[] {
    this.#call('list', '');
    return [...this.#names.keys()];
  }

  exists(name: string): boolean {
    this.#call('exists', name);
    return this.#names.has(name);
  }

  open(name: string): DiskFile {
    this.#call('open', name);
    return this.#file(name, this.#inode(name));
  }

  create(name: string): DiskFile {
    this.#call('create', name);
    const inode = new Inode();
    this.#setName(name, inode);
    return this.#file(name, inode);
  }

  rename(from: string, to: string): void {
    this.#call('rename', `${from} ${to}`);
    const inode = this.#inode(from);
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#changes.push({ name: to, inode }, { name: from, inode: undefined });
  }

  link(from: string, to: string): boolean {
    this.#call('link', `${from} ${to}`);
    const inode = this.#inode(from);
    if (this.#names.has(to)) return false;
    this.#setName(to, inode);
    return true;
  }

  remove(name: string): void {
    this.#call('remove', name);
    if (this.#names.has(name)) this.#setName(name, undefined);
  }

  async syncFolder(): Promise<void> {
    await this.pause();
    this.#call('sync-folder', '');
    for (const { name, inode } of this.#changes.splice(0)) {
      if (inode === undefined) this.#durableNames.delete(name);
      else this.#durableNames.set(name, inode);
    }
  }

  #file(name: string, inode: Inode): DiskFile {
    return {
      size: () => {
        this.#call('size', name);
        return inode.bytes.byteLength;
      },
      read: (into, at) => {
        this.#call('read', name);
        const piece = inode.bytes.subarray(at, at + into.byteLength);
        into.set(piece);
        return piece.byteLength;
      },
      write: (bytes, at) => {
        const taken = Math.min(this.#call('write', name, at + bytes.byteLength > inode.bytes.byteLength) ?? bytes.byteLength, bytes.byteLength);
        const piece = bytes.slice(0, taken);
        inode.bytes = written(inode.bytes, at, piece);
        inode.pending.push({ at, bytes: piece });
        return taken;
      },
      truncate: (size) => {
        this.#call('truncate', name);
        inode.bytes = resized(inode.bytes, size);
        inode.pending.push({ size });
      },
      sync: async () => {
        await this.pause();
        this.#call('sync', name);
        inode.durable = Uint8Array.from(inode.bytes);
        inode.pending = [];
      },
      close: () => undefined,
    };
  }

  #imageWith(changes: number, chosen: (inode: Inode, index: number) => boolean): Image {
    const names = new Map(this.#durableNames);
    for (const { name, inode } of this.#changes.slice(0, changes)) {
      if (inode === undefined) names.delete(name);
      else names.set(name, inode);
    }
    return new Map([...names].map(([name, inode]) => [name, applied(inode, (index) => chosen(inode, index))]));
  }

  /** How many parts of writes a crash would take or leave now. */
  pendingUnits(): [Inode, number][] {
    const inodes = new Set([...this.#durableNames.values(), ...this.#names.values()]);
    return [...inodes].flatMap((inode) => units(inode).map((_, index): [Inode, number] => [inode, index]));
  }

  /** One state that a crash can leave, by the luck of `random`. */
  crashImage(random: () => number): Image {
    const kind = random();
    const lot = new Map(this.pendingUnits().map(([inode, index]) => [`${this.#idOf(inode)}/${index}`, kind < 0.2 ? false : kind < 0.4 ? true : random() < 0.5]));
    return this.#imageWith(Math.floor(random() * (this.#changes.length + 1)), (inode, index) => lot.get(`${this.#idOf(inode)}/${index}`) === true);
  }

  readonly #ids = new Map<Inode, number>();
  #idOf(inode: Inode): number {
    const id = this.#ids.get(inode) ?? this.#ids.size;
    this.#ids.set(inode, id);
    return id;
  }

  /** All states a crash can leave now; of more than `exhaustive` parts: each beginning, each alone, all but each, and some at random. */
  *crashImages(options: { exhaustive: number; random: () => number; some: number }): Generator<Image> {
    const parts = this.pendingUnits();
    const place = new Map(parts.map(([inode, index], at) => [`${this.#idOf(inode)}/${index}`, at]));
    const count = parts.length;
    const choices: ((at: number) => boolean)[] = [];
    if (count <= options.exhaustive) for (let bits = 0; bits < 2 ** count; bits += 1) choices.push((at) => ((bits >> at) & 1) === 1);
    else {
      for (let n = 0; n <= count; n += 1) choices.push((at) => at < n, (at) => at === n, (at) => at !== n);
      for (let n = 0; n < options.some; n += 1) {
        const lot = Array.from({ length: count }, () => options.random() < 0.5);
        choices.push((at) => lot[at] === true);
      }
    }
    for (let changes = 0; changes <= this.#changes.length; changes += 1) {
      for (const choice of choices) yield this.#imageWith(changes, (inode, index) => choice(place.get(`${this.#idOf(inode)}/${index}`) ?? -1));
    }
  }
}
