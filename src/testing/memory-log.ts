/** A host log in memory. Those that share a store are writers of one log. */
import type { Bytes } from '../base/bytes.ts';
import { assert, CellError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { parseCheckpoint, signCheckpoint } from '../core/evidence/checkpoint.ts';
import { consistencyProof, inclusionProof, MerkleFrontier, type NodeReader } from '../core/evidence/merkle.ts';
import { type NoteSigner, type NoteVerifiers, refuseNote, withSignature } from '../core/evidence/signed-note.ts';
import type { HostLog, LogHead, Published } from '../ports/host-log.ts';
import { Faults } from './faults.ts';

/** What was published. */
export class MemoryLogStore {
  readonly leaves: Bytes[] = [];
  readonly heads: LogHead[] = [];
}

export class MemoryHostLog implements HostLog {
  readonly faults = new Faults<'publish'>();
  readonly origin: string;
  readonly #store: MemoryLogStore;
  readonly #signer: NoteSigner;
  readonly #witnesses: NoteVerifiers;
  readonly #leaves: Bytes[];
  #heads: number;
  #poison: Error | undefined;

  /** @param options.signer its key is named by the origin */
  constructor(options: { store: MemoryLogStore; signer: NoteSigner; witnesses?: NoteVerifiers }) {
    this.#witnesses = options.witnesses ?? [];
    this.#store = options.store;
    this.#signer = options.signer;
    this.origin = options.signer.key.name;
    this.#leaves = [...options.store.leaves];
    this.#heads = options.store.heads.length;
  }

  get head(): LogHead | undefined {
    return this.#store.heads[this.#heads - 1];
  }

  get size(): bigint {
    return BigInt(this.#leaves.length);
  }

  append(leaves: readonly Bytes[]): bigint {
    if (this.#poison !== undefined) throw this.#poison;
    const first = this.size;
    if (Number(first - (this.head?.size ?? 0n)) + leaves.length > LIMITS.logPendingLeavesMax) throw new CellError('evidence.unwritable', 'Cannot add to the host log: too many leaves wait for a checkpoint');
    this.#leaves.push(...leaves.map((leaf) => Uint8Array.from(leaf)));
    return first;
  }

  async publish(): Promise<Published> {
    if (this.#poison !== undefined) throw this.#poison;
    if (this.#store.heads.length !== this.#heads) return { kind: 'stale' };
    if (this.head !== undefined && this.head.size === this.size) return { kind: 'published', head: this.head };
    const tree = new MerkleFrontier();
    for (const leaf of this.#leaves) tree.append(leaf);
    const { origin, size } = this;
    const root = tree.root();
    const head = { size, root, note: signCheckpoint({ origin, size, root, extensions: [] }, [this.#signer]) };
    try {
      this.faults.run('publish', () => {
        this.#store.leaves.push(...this.#leaves.slice(this.#store.leaves.length));
        this.#store.heads.push(head);
        this.#heads += 1;
      });
    } catch (error) {
      this.#poison = new CellError('evidence.unwritable', 'Cannot publish the host log', { cause: error });
      throw this.#poison;
    }
    return { kind: 'published', head };
  }

  async addCosignature(line: string): Promise<Published> {
    const { head } = this;
    if (this.#poison !== undefined) throw this.#poison;
    if (this.#store.heads.length !== this.#heads || head === undefined) return { kind: 'stale' };
    const note = withSignature(head.note, line);
    const verifiers = [this.#signer.key, ...this.#witnesses];
    if (parseCheckpoint(note, verifiers).cosignatures.length !== parseCheckpoint(head.note, verifiers).cosignatures.length + 1) refuseNote('untrusted', 'what was added is not the cosignature of a known witness');
    this.#store.heads[this.#heads - 1] = { ...head, note };
    return { kind: 'published', head: { ...head, note } };
  }

  #nodes(size: bigint): NodeReader {
    const nodes = new Map<string, Bytes>();
    const tree = new MerkleFrontier();
    for (const leaf of this.#leaves.slice(0, Number(size))) tree.append(leaf, (level, index, hash) => void nodes.set(`${level}/${index}`, hash));
    return (level, index) => {
      const hash = nodes.get(`${level}/${index}`);
      assert(hash !== undefined, 'a subtree that is asked for is complete');
      return hash;
    };
  }

  inclusionProof(index: bigint, size = this.head?.size ?? 0n): readonly Bytes[] {
    assert(index < size && size <= (this.head?.size ?? 0n), 'what is proved is in the tree of a checkpoint');
    return inclusionProof(index, size, this.#nodes(size));
  }

  consistencyProof(size1: bigint, size2 = this.head?.size ?? 0n): readonly Bytes[] {
    assert(size1 <= size2 && size2 <= (this.head?.size ?? 0n), 'what is proved is in the tree of a checkpoint');
    return consistencyProof(size1, size2, this.#nodes(size2));
  }
}
