import assert from 'node:assert/strict';
import { utf8 } from '../../base/bytes.ts';
import { isCellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { checkpointText, parseCheckpoint } from '../../core/evidence/checkpoint.ts';
import { leafHash, MerkleFrontier } from '../../core/evidence/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../core/evidence/merkle-proofs.ts';
import { type NoteSigner, type NoteVerifiers, signatureLine } from '../../core/evidence/signed-note.ts';
import type { HostLog, LogHead } from '../../ports/host-log.ts';
import { type ContractCase, rejects } from './contract.ts';

export interface HostLogHarness {
  /** Opens the log where it is now; each time another writer of the same log. */
  open(): HostLog;
  /** Keys of the log, and of `witness`, which the log knows. */
  readonly verifiers: NoteVerifiers;
  /** Signs as a witness at this time. */
  readonly witness: (timestamp: bigint) => NoteSigner;
}

const leaf = (n: number): Uint8Array => leafHash(utf8(`entry ${n}`));
const leaves = (from: number, count: number): Uint8Array[] => Array.from({ length: count }, (_, n) => leaf(from + n));

function rootOf(count: number): Uint8Array {
  const tree = new MerkleFrontier();
  for (const one of leaves(0, count)) tree.append(one);
  return tree.root();
}

async function published(log: HostLog): Promise<LogHead> {
  const result = await log.publish();
  assert.equal(result.kind, 'published');
  return (result as { head: LogHead }).head;
}

/** A head is what its note says, and its tree that of the first leaves. */
function sound(log: HostLog, head: LogHead, harness: HostLogHarness): void {
  const { size, root } = parseCheckpoint(head.note, harness.verifiers, { origin: log.origin });
  assert.deepEqual([size, Buffer.from(root)], [head.size, Buffer.from(head.root)]);
  assert.deepEqual(Buffer.from(head.root), Buffer.from(rootOf(Number(head.size))));
}

const textOf = (head: LogHead, origin: string): string => checkpointText({ origin, size: head.size, root: head.root, extensions: [] });

const throws = (work: () => unknown, code: string): void => assert.throws(work, (error) => isCellError(error) && error.code === code);

/** What every `HostLog` keeps. @param make a log without leaves */
export function hostLogContract(make: () => HostLogHarness): ContractCase[] {
  return [...publishCases(make), ...writerCases(make), ...witnessCases(make), ...proofCases(make)];
}

function publishCases(make: () => HostLogHarness): ContractCase[] {
  return [
    {
      name: 'what was appended is in the tree of the checkpoint that is published, at the place that was said, for every later opening [L1]',
      async run() {
        const harness = make();
        const log = harness.open();
        assert.deepEqual([log.head, log.size], [undefined, 0n]);
        assert.deepEqual([log.append(leaves(0, 3)), log.append([]), log.append(leaves(3, 2)), log.size, log.head], [0n, 3n, 3n, 5n, undefined]);
        const head = await published(log);
        sound(log, head, harness);
        assert.equal(head.size, 5n);
        const again = harness.open();
        assert.deepEqual([again.size, again.head?.size, again.append(leaves(5, 1))], [5n, 5n, 5n]);
        sound(again, await published(again), harness);
        assert.equal(harness.open().size, 6n);
      },
    },
    {
      name: 'an empty log can be published, and nothing new is nothing more to publish',
      async run() {
        const harness = make();
        const log = harness.open();
        const head = await published(log);
        sound(log, head, harness);
        assert.equal(head.size, 0n);
        assert.deepEqual(Buffer.from((await published(log)).note), Buffer.from(head.note));
        log.append(leaves(0, 1));
        const next = await published(log);
        assert.deepEqual(Buffer.from((await published(log)).note), Buffer.from(next.note));
        assert.deepEqual(Buffer.from((await published(harness.open())).note), Buffer.from(next.note));
      },
    },
  ];
}

function writerCases(make: () => HostLogHarness): ContractCase[] {
  return [
    {
      name: 'of two writers that began at one checkpoint the second is stale, has published nothing, and goes on when it opens again [L3]',
      async run() {
        const harness = make();
        const [first, second] = [harness.open(), harness.open()];
        first.append(leaves(0, 300));
        second.append(leaves(1000, 2));
        const head = await published(first);
        for (let n = 0; n < 2; n += 1) assert.deepEqual(await second.publish(), { kind: 'stale' });
        first.append(leaves(300, 1));
        sound(first, await published(first), harness);
        assert.equal(head.size, 300n);
        const again = harness.open();
        again.append(leaves(301, 2));
        sound(again, await published(again), harness);
        assert.deepEqual(await first.publish(), { kind: 'stale' });
      },
    },
    {
      name: 'writers that race all get their leaves in, each once, when they try again',
      async run() {
        const harness = make();
        await Promise.all(
          [0, 1, 2].map(async (writer) => {
            for (let done = false; !done; ) {
              const log = harness.open();
              log.append(Array.from({ length: 10 }, (_, n) => leafHash(utf8(`${writer}/${n}`))));
              done = (await log.publish()).kind === 'published';
            }
          }),
        );
        const log = harness.open();
        assert.equal(log.size, 30n);
        for (let index = 0n; index < 30n; index += 1n) log.inclusionProof(index);
      },
    },
    {
      name: 'takes no more than may wait, and nothing of what is too much',
      async run() {
        const log = make().open();
        const one = leaf(0);
        throws(() => log.append(Array.from({ length: LIMITS.logPendingLeavesMax + 1 }, () => one)), 'evidence.unwritable');
        log.append([one]);
        throws(() => log.append(Array.from({ length: LIMITS.logPendingLeavesMax }, () => one)), 'evidence.unwritable');
        assert.equal((await published(log)).size, 1n);
      },
    },
  ];
}

function witnessCases(make: () => HostLogHarness): ContractCase[] {
  return [
    {
      name: 'what a known witness says of the newest head is kept with it, once, and nothing else is',
      async run() {
        const harness = make();
        const { verifiers, witness } = harness;
        const log = harness.open();
        const { origin } = log;
        log.append(leaves(0, 3));
        const head = await published(log);
        const line = signatureLine(textOf(head, origin), witness(5n));
        const stranger = { ...witness(5n), key: { ...witness(5n).key, name: 'stranger' } };
        for (const bad of [signatureLine('another text\n', witness(5n)), signatureLine(textOf(head, origin), stranger), line.slice(0, -1), `${line}${line}`, '', 'x\n', `\n${line}`]) await rejects(log.addCosignature(bad), 'signature.invalid');
        assert.deepEqual(Buffer.from((await published(log)).note), Buffer.from(head.note));
        const cosigned = await log.addCosignature(line);
        assert.ok(cosigned.kind === 'published');
        for (const { note } of [cosigned.head, log.head as LogHead, harness.open().head as LogHead, await published(log)]) {
          assert.deepEqual(parseCheckpoint(note, verifiers, { origin }).cosignatures.map(({ timestamp }) => timestamp), [5n]);
        }
        await rejects(log.addCosignature(signatureLine(textOf(head, origin), witness(6n))), 'signature.invalid');
        log.append(leaves(3, 1));
        sound(log, await published(log), harness);
      },
    },
    {
      name: 'a witness is not heard about a head that is no longer the newest',
      async run() {
        const harness = make();
        const log = harness.open();
        const head = await published(log);
        const other = harness.open();
        other.append(leaves(0, 1));
        const next = await published(other);
        assert.deepEqual(await log.addCosignature(signatureLine(textOf(head, log.origin), harness.witness(5n))), { kind: 'stale' });
        assert.deepEqual(Buffer.from(harness.open().head?.note as Uint8Array), Buffer.from(next.note));
      },
    },
  ];
}

function proofCases(make: () => HostLogHarness): ContractCase[] {
  return [
    {
      name: 'each leaf is proved to be in each later tree, and each tree to begin with each before it [L4]',
      async run() {
        const harness = make();
        const log = harness.open();
        const heads: LogHead[] = [];
        for (const count of [1, 2, 252, 1, 1, 300, 43]) {
          log.append(leaves(Number(log.size), count));
          heads.push(await published(log));
        }
        const reader = harness.open();
        for (const { size, root } of heads) {
          for (const index of [0n, 1n, 2n, 254n, 255n, 256n, 257n, 511n, size - 1n]) {
            if (index < size) assert.ok(verifyInclusion({ leafHash: leaf(Number(index)), index, size, proof: reader.inclusionProof(index, size), root }), `${index} of ${size}`);
          }
          for (const older of heads) {
            if (older.size <= size) assert.ok(verifyConsistency({ size1: older.size, size2: size, root1: older.root, root2: root, proof: reader.consistencyProof(older.size, size) }), `${older.size} to ${size}`);
          }
        }
        assert.deepEqual(reader.consistencyProof(0n), []);
      },
    },
    {
      name: 'nothing is proved of leaves that no checkpoint covers [L1]',
      async run() {
        const log = make().open();
        log.append(leaves(0, 2));
        throws(() => log.inclusionProof(0n), 'internal.bug');
        await published(log);
        log.append(leaves(2, 2));
        assert.ok(verifyInclusion({ leafHash: leaf(1), index: 1n, size: 2n, proof: log.inclusionProof(1n), root: log.head?.root as Uint8Array }));
        for (const [index, size] of [[2n, undefined], [2n, 4n], [0n, 4n]] as const) throws(() => log.inclusionProof(index, size), 'internal.bug');
        throws(() => log.consistencyProof(1n, 4n), 'internal.bug');
      },
    },
  ];
}
