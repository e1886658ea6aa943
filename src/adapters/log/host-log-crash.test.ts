/** A writer of a host log that is stopped at each of its changes, and what the next one finds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { leafHash, MerkleFrontier } from '../../core/evidence/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../core/evidence/merkle-proofs.ts';
import type { NoteSigner } from '../../core/evidence/signed-note.ts';
import { checkTiles, parseTilePath, tilePath } from '../../core/evidence/tiles.ts';
import type { HostLog, LogHead } from '../../ports/host-log.ts';
import { openHostLog } from './host-log.ts';
import { type LogFiles, logFilesIn } from './log-files.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-log-stop-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const origin = 'cellos.dev/log/h/1';
const key = ed25519SigningKey(new Uint8Array(32).fill(1));
const signer: NoteSigner = { key: { name: origin, publicKey: key.publicKey }, sign: key.sign };
const leaf = (n: number): Uint8Array => leafHash(utf8(`entry ${n}`));
const leaves = (from: number, count: number): Uint8Array[] => Array.from({ length: count }, (_, n) => leaf(from + n));

class Stop extends Error {}

/** Files in memory: what a folder holds after each call. */
function memoryFiles(path: string, held: Map<string, Uint8Array>): LogFiles {
  const beneath = (name: string): string[] => [...held.keys()].filter((one) => one === name || one.startsWith(`${name}/`));
  return {
    path,
    read: (name) => held.get(name),
    list: (folder) => [...new Set([...held.keys()].map((name) => `./${name}`).filter((name) => name.startsWith(folder === '.' ? './' : `./${folder}/`)).map((name) => name.slice(folder === '.' ? 2 : folder.length + 3).split('/')[0] as string))].sort(),
    write: (name, bytes) => void held.set(name, bytes),
    writeCopy: (name, bytes) => void held.set(name, bytes),
    create: (name, bytes) => !held.has(name) && held.set(name, bytes) === held,
    remove: (name) => {
      for (const one of beneath(name)) held.delete(one);
    },
  };
}

/** Files that end the writer at the n-th change: before it is made, or after. */
function stoppingAt(files: LogFiles, n: number, when: 'before' | 'after'): { readonly files: LogFiles; readonly stopped: () => boolean } {
  let changes = 0;
  const change = <T>(work: () => T): T => {
    changes += 1;
    if (changes === n && when === 'before') throw new Stop();
    const result = work();
    if (changes === n) throw new Stop();
    return result;
  };
  return {
    stopped: () => changes >= n,
    files: { ...files, write: (name, bytes) => change(() => files.write(name, bytes)), writeCopy: (name, bytes) => change(() => files.writeCopy(name, bytes)), create: (name, bytes) => change(() => files.create(name, bytes)), remove: (name) => change(() => files.remove(name)) },
  };
}

const openIn = (files: LogFiles): HostLog => openHostLog({ files, origin, signers: [signer], verifiers: [signer.key] });

async function publishIn(files: LogFiles, from: number, count: number): Promise<LogHead> {
  const log = openIn(files);
  log.append(leaves(from, count));
  const done = await log.publish();
  return done.kind === 'published' ? done.head : expect.fail('stale');
}

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const tree = new MerkleFrontier();
  for (const one of hashes) tree.append(one);
  return tree.root();
}

describe('writers that append, publish, die and come back in any order', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('append' as const), writer: fc.nat(2), count: fc.oneof(fc.nat(4), fc.integer({ min: 250, max: 300 })) }),
    fc.record({ do: fc.constantFrom('publish' as const, 'open' as const), writer: fc.nat(2) }),
    fc.record({ do: fc.constant('die' as const), writer: fc.nat(2), at: fc.integer({ min: 1, max: 6 }), when: fc.constantFrom('before' as const, 'after' as const) }),
  );

  it('make one history: each checkpoint has the root of the leaves that were published, and every one of them is proved in the last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
        const held = new Map<string, Uint8Array>();
        const files = memoryFiles(root, held);
        let history: Uint8Array[] = [];
        const heads: LogHead[] = [];
        /** What each writer has seen, and what it has appended since. */
        const newest = (): number => Math.max(0, ...files.list('heads').map(Number));
        const writers = [0, 1, 2].map(() => ({ log: openIn(files), seen: 0, based: 0, pending: [] as Uint8Array[] }));
        let next = 0;
        const settle = (writer: (typeof writers)[number], head: LogHead): void => {
          if (head.size > BigInt(history.length)) history = [...history.slice(0, writer.based), ...writer.pending];
          heads.push(head);
          expect(toHex(head.root)).toBe(toHex(rootOf(history)));
          Object.assign(writer, { seen: newest(), based: history.length, pending: [] });
        };
        const reopen = (writer: (typeof writers)[number]): void => void Object.assign(writer, { log: openIn(files), seen: newest(), based: history.length, pending: [] });
        for (const one of steps) {
          const writer = writers[one.writer] as (typeof writers)[number];
          if (one.do === 'append') {
            const added = leaves(next, one.count);
            next += one.count;
            writer.log.append(added);
            writer.pending.push(...added);
          } else if (one.do === 'publish') {
            const first = writer.seen === newest();
            const done = await writer.log.publish();
            expect(done.kind).toBe(first ? 'published' : 'stale');
            if (done.kind === 'published') settle(writer, done.head);
            else reopen(writer);
          } else if (one.do === 'die') {
            // It opens, appends what it had, and is stopped somewhere in its publication; whether it got through is seen by opening.
            const dying = openIn(stoppingAt(files, one.at, one.when).files);
            dying.append(writer.pending);
            await dying.publish().catch((error: unknown) => expect(error instanceof CellError && error.cause instanceof Stop).toBe(true));
            writer.based = history.length;
            const { head } = openIn(files);
            if (head !== undefined && head.size > BigInt(history.length)) settle(writer, head);
            reopen(writer);
          } else reopen(writer);
        }
        const last = await publishIn(files, next, 1);
        history.push(leaf(next));
        expect(toHex(last.root)).toBe(toHex(rootOf(history)));
        const reader = openIn(files);
        for (const { size, root: older } of heads) if (size > 0n) expect(verifyConsistency({ size1: size, size2: last.size, root1: older, root2: last.root, proof: reader.consistencyProof(size) })).toBe(true);
        for (let index = 0; index < history.length; index += 37) expect(verifyInclusion({ leafHash: history[index] as Uint8Array, index: BigInt(index), size: last.size, proof: reader.inclusionProof(BigInt(index)), root: last.root })).toBe(true);
      }),
    );
  });
});

describe('a writer that is stopped at any of its changes [X1] [X2]', () => {
  /** Publishes and is stopped at the n-th change. @returns was it? */
  async function stopped(held: Map<string, Uint8Array>, from: number, count: number, n: number, when: 'before' | 'after'): Promise<boolean> {
    const stopping = stoppingAt(memoryFiles(root, held), n, when);
    const log = openIn(stopping.files);
    log.append(leaves(from, count));
    try {
      await log.publish();
    } catch (error) {
      expect(error instanceof CellError && error.code === 'internal.bug' && error.cause instanceof Stop).toBe(true);
      await expect(log.publish()).rejects.toThrow(CellError); // X4
      expect(() => log.append([])).toThrow(CellError);
    }
    return stopping.stopped();
  }

  /** Every checkpoint there was is the beginning of the last, and nothing is there that it does not cover. */
  function sound(held: Map<string, Uint8Array>, heads: readonly LogHead[], lastLeaf: number): void {
    const files = memoryFiles(root, held);
    const [reader, last] = [openIn(files), heads.at(-1) as LogHead];
    expect(toHex(held.get('checkpoint') as Uint8Array)).toBe(toHex(last.note));
    for (const { size, root } of heads) if (size > 0n) expect(verifyConsistency({ size1: size, size2: last.size, root1: root, root2: last.root, proof: reader.consistencyProof(size) })).toBe(true);
    expect(verifyInclusion({ leafHash: leaf(lastLeaf), index: last.size - 1n, size: last.size, proof: reader.inclusionProof(last.size - 1n), root: last.root })).toBe(true);
    checkTiles(last, (tile) => files.read(tilePath(tile)) ?? files.read(tilePath({ ...tile, width: 256 })) ?? expect.fail('no tile'));
    for (const name of held.keys()) {
      const tile = parseTilePath(name);
      if (tile === undefined) continue;
      expect((tile.index * 256n + BigInt(tile.width)) << BigInt(8 * tile.level), name).toBeLessThanOrEqual(last.size);
      if (tile.width < 256) expect(held.has(tilePath({ ...tile, width: 256 })), name).toBe(false);
    }
  }

  async function startWith(count: number): Promise<{ held: Map<string, Uint8Array>; heads: LogHead[] }> {
    const held = new Map<string, Uint8Array>();
    return { held, heads: count === 0 ? [] : [await publishIn(memoryFiles(root, held), 0, count)] };
  }

  // Partial to partial, to full, over two full ones, and to the first partial of a level.
  it.each([[0, 3], [3, 4], [250, 6], [250, 300], [255, 2], [512, 1]] as const)('from %i leaves, %i more: the next goes on from the checkpoint that is there, and each checkpoint is the beginning of the next', async (before, more) => {
    const start = await startWith(before);
    for (const when of ['before', 'after'] as const) {
      for (let n = 1, was = true; was; n += 1) {
        const [held, heads] = [new Map(start.held), [...start.heads]];
        was = await stopped(held, 9000, more, n, when); // what is lost with it is not what comes after
        const { head } = openIn(memoryFiles(root, held));
        if (head !== undefined) heads.push(head);
        heads.push(await publishIn(memoryFiles(root, held), 20_000, 7));
        sound(held, heads, 20_006);
        expect([7n, 7n + BigInt(more)].map((added) => added + BigInt(before))).toContain(heads.at(-1)?.size);
      }
    }
  });

  it.each([[254, 3, 2], [255, 1, 300]] as const)('and its follower at any of its own: from %i leaves, %i more, then %i, the third goes on all the same', async (before, more, then) => {
    const start = await startWith(before);
    for (let n = 1, first = true; first; n += 1) {
      for (let m = 1, second = true; second; m += 1) {
        const [held, heads] = [new Map(start.held), [...start.heads]];
        first = await stopped(held, 9000, more, n, 'after');
        heads.push(...[openIn(memoryFiles(root, held)).head].filter((head) => head !== undefined));
        second = await stopped(held, 11_000, then, m, 'after');
        heads.push(...[openIn(memoryFiles(root, held)).head].filter((head) => head !== undefined));
        heads.push(await publishIn(memoryFiles(root, held), 20_000, 1));
        sound(held, heads, 20_000);
      }
    }
  });

  it('as a folder holds it, too', async () => {
    for (let n = 1, was = true; was; n += 1) {
      const files = logFilesIn(`${root}/${n}`);
      const heads = [await publishIn(files, 0, 255)];
      const stopping = stoppingAt(files, n, 'after');
      const log = openIn(stopping.files);
      log.append(leaves(9000, 2));
      await log.publish().catch((error: unknown) => expect(error instanceof CellError && error.cause instanceof Stop).toBe(true));
      was = stopping.stopped();
      heads.push(await publishIn(files, 20_000, 1));
      const last = heads.at(-1) as LogHead;
      expect(verifyConsistency({ size1: 255n, size2: last.size, root1: heads[0]?.root as Uint8Array, root2: last.root, proof: openIn(files).consistencyProof(255n) })).toBe(true);
      checkTiles(last, (tile) => files.read(tilePath(tile)) ?? files.read(tilePath({ ...tile, width: 256 })) ?? expect.fail('no tile'));
    }
  });
});
