import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { signCheckpoint } from './checkpoint.ts';
import { anchorJson, type LoggedRun, type LogProofs, parseAnchor, parseProofs, proofsBytes, verifyLogProofs } from './log-proof.ts';
import { consistencyProof, inclusionProof, leafHash, MerkleFrontier } from './merkle.ts';

const ORIGIN = 'cellos.dev/log/test/1';
const key = ed25519SigningKey(new Uint8Array(32).fill(3));
const keys = new Map([['old', ed25519SigningKey(new Uint8Array(32).fill(4)).publicKey], ['cp', key.publicKey]]);

interface Logged {
  readonly run: LoggedRun;
  readonly proofs: LogProofs;
  readonly note: Uint8Array;
  readonly size: bigint;
}

/** A log with leaves before a run, its records among those of another one, and leaves after. */
function logged({ before = 3, records = 4, between = 1, after = 2 } = {}): Logged {
  const nodes = new Map<string, Uint8Array>();
  const tree = new MerkleFrontier();
  const add = (name: string): Uint8Array => {
    const leaf = leafHash(utf8(name));
    tree.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
    return leaf;
  };
  const nodeAt = (level: number, index: bigint): Uint8Array => nodes.get(`${level}/${index}`) as Uint8Array;
  for (let n = 0; n < before; n += 1) add(`before ${n}`);
  const anchor = { origin: ORIGIN, size: tree.size, root: tree.root() };
  const places: bigint[] = [];
  const leaves: Uint8Array[] = [];
  for (let n = 0; n < records; n += 1) {
    if (n > 0) for (let other = 0; other < between; other += 1) add(`other ${n} ${other}`);
    places.push(tree.size);
    leaves.push(add(`record ${n}`));
  }
  for (let n = 0; n < after; n += 1) add(`after ${n}`);
  const proof = (index = 0n) => ({ index, proof: inclusionProof(index, tree.size, nodeAt) });
  return {
    run: { anchor, count: records, first: leaves[0] as Uint8Array, last: leaves.at(-1) as Uint8Array },
    proofs: { first: proof(places[0]), last: proof(places.at(-1)), since: consistencyProof(anchor.size, tree.size, nodeAt) },
    note: signCheckpoint({ origin: ORIGIN, size: tree.size, root: tree.root(), extensions: [] }, [{ key: { name: ORIGIN, publicKey: key.publicKey }, sign: key.sign }]),
    size: tree.size,
  };
}

const verify = ({ run, proofs, note }: Logged, change: Partial<LoggedRun> = {}) => verifyLogProofs({ note, proofs: proofsBytes(proofs) }, { ...run, ...change }, keys);
const refused = (why: RegExp) => expect.objectContaining({ code: 'evidence.invalid', message: expect.stringMatching(why) });

describe('verifyLogProofs()', () => {
  it('takes what a log proves of a run, wherever the run is in it, and names the key that signed', () => {
    const small = fc.nat(9);
    fc.assert(
      fc.property(small, fc.integer({ min: 1, max: 9 }), small, small, (before, records, between, after) => {
        const made = logged({ before, records, between, after });
        const { checkpoint, place } = verify(made);
        expect(checkpoint.size).toBe(made.size);
        expect(place).toEqual({ origin: ORIGIN, first: String(before), last: String(before + (records - 1) * (between + 1)), size: String(made.size), signers: ['cp'] });
      }),
    );
  });

  it('takes no other first or last record, and no more records than there is room for [LP2]', () => {
    const made = logged({ between: 0 });
    const other = leafHash(utf8('another'));
    expect(() => verify(made, { first: other })).toThrow(refused(/the first record is not in the log/));
    expect(() => verify(made, { last: other })).toThrow(refused(/the last record is not in the log/));
    expect(() => verify(made, { count: 5 })).toThrow(refused(/no room for 5/));
    expect(() => verify({ ...made, proofs: { ...made.proofs, first: made.proofs.last, last: made.proofs.first } })).toThrow(refused(/no room/));
  });

  it('takes no log that is another one, or that does not go on from where the run found it [LP3]', () => {
    const made = logged();
    const { anchor } = made.run;
    expect(() => verify(made, { anchor: { ...anchor, origin: 'cellos.dev/log/test/2' } })).toThrow(refused(/of a known key/));
    expect(() => verify(made, { anchor: { ...anchor, root: leafHash(utf8('x')) } })).toThrow(refused(/does not go on/));
    expect(() => verify(made, { anchor: { ...anchor, size: anchor.size - 1n } })).toThrow(refused(/does not go on/));
    expect(() => verify(made, { anchor: { ...anchor, size: made.size } })).toThrow(refused(/no room/));
    // From nothing, nothing is to be proved, and nothing may be there.
    expect(() => verify(made, { anchor: { ...anchor, size: 0n } })).toThrow(refused(/does not go on/));
  });

  it('takes a checkpoint under a checkpoint key of the keyset alone', () => {
    const made = logged();
    const proofs = proofsBytes(made.proofs);
    expect(() => verifyLogProofs({ note: made.note, proofs }, made.run, new Map([...keys].slice(0, 1)))).toThrow(refused(/of a known key/));
    expect(() => verifyLogProofs({ note: made.note.with(ORIGIN.length + 1, 0x39), proofs }, made.run, keys)).toThrow(refused(/./));
  });

  it('is refused with any byte of the checkpoint or the proofs changed', () => {
    const made = logged();
    const files = { note: made.note, proofs: proofsBytes(made.proofs) };
    fc.assert(
      fc.property(fc.constantFrom('note', 'proofs' as const), fc.nat(), fc.integer({ min: 1, max: 255 }), (name, place, change) => {
        const at = place % files[name].byteLength;
        const bytes = files[name].with(at, (files[name][at] ?? 0) ^ change);
        expect(() => verifyLogProofs({ ...files, [name]: bytes }, made.run, keys)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^(?:evidence|json|crypto)\./) }));
      }),
    );
  });
});

describe('proofs.json and the anchor', () => {
  it('come back as they were written', () => {
    const { proofs, run } = logged();
    expect(toHex(proofsBytes(parseProofs(proofsBytes(proofs))))).toBe(toHex(proofsBytes(proofs)));
    expect(parseAnchor(anchorJson(run.anchor))).toEqual(run.anchor);
  });

  it('have one form', () => {
    const anchor = anchorJson(logged().run.anchor);
    for (const odd of [null, [], {}, { ...anchor, more: 1 }, { ...anchor, size: 3 }, { ...anchor, size: '03' }, { ...anchor, size: '18446744073709551616' }, { ...anchor, root: 'AA==' }, { ...anchor, origin: '' }, { ...anchor, origin: 'a b' }]) expect(parseAnchor(odd as never), JSON.stringify(odd)).toBeUndefined();
    const good = JSON.parse(new TextDecoder().decode(proofsBytes(logged().proofs))) as { first: { proof: string[] }; since: string[] };
    for (const odd of [{}, { ...good, v: 2 }, { ...good, more: 1 }, { ...good, first: { ...good.first, index: -1 } }, { ...good, since: [1] }, { ...good, since: Array.from({ length: 66 }, () => good.first.proof[0]) }, { ...good, last: undefined }]) expect(() => parseProofs(utf8(JSON.stringify(odd))), JSON.stringify(odd)).toThrow(refused(/./));
  });
});
