import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64, toHex, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { checkpointText, hostLogOrigin, parseCheckpoint, parseCheckpointText, signCheckpoint, type TreeHead } from './checkpoint.ts';
import { parseLogPolicy, quorumMet, verifyCheckpoint } from './log-policy.ts';
import { emptyRoot, leafHash, TREE_SIZE_MAX } from './merkle.ts';
import { type NoteAlgorithm, verifierKeyText } from './note-key.ts';
import { type NoteSigner, signatureLine, signNote, withSignature } from './signed-note.ts';

const root = leafHash(utf8('x'));
const head: TreeHead = { origin: 'example.com/log', size: 7n, root, extensions: [] };
const refusal = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason } });

/** A signer whose key is made of a number. */
function signer(name: string, seed: number, algorithm: NoteAlgorithm = 'ed25519', timestamp?: bigint): NoteSigner {
  const key = ed25519SigningKey(new Uint8Array(32).fill(seed));
  return { key: { name, algorithm, publicKey: key.publicKey }, sign: key.sign, ...(timestamp === undefined ? {} : { timestamp }) };
}
const log = signer('example.com/log', 1);
const witness = (n: number): NoteSigner => signer(`example.com/w${n}`, 10 + n, 'cosignature-v1', BigInt(1_700_000_000 + n));
const cosigned = (...witnesses: number[]): Uint8Array => witnesses.reduce((note, n) => withSignature(note, signatureLine(checkpointText(head), witness(n))), signCheckpoint(head, [log]));

/** One that was published: of the Go checksum database, whose key has another name than its log. */
const GO = { vkey: 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8', note: 'go.sum database tree\n63096908\n8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=\n\n— sum.golang.org Az3gri/oVBN1jAhNZ/iS+W31psFAWRT20/GyrhpU6taFwulQGetBkH5S7wpGXdS935jiIGiUUAXBVHzT/P6fYhqAmAk=\n' };

describe('parseCheckpoint()', () => {
  it('reads what a log has signed', () => {
    const read = parseCheckpoint(signCheckpoint({ ...head, extensions: ['more'] }, [log]), [log.key]);
    expect(read).toMatchObject({ origin: 'example.com/log', size: 7n, extensions: ['more'], cosignatures: [], unknown: 0 });
    expect(toHex(read.root)).toBe(toHex(root));
    expect(read.text).toBe(`example.com/log\n7\n${toBase64(root)}\nmore\n`);
  });

  it('reads one that was published, and not with a byte changed', () => {
    const read = parseCheckpoint(utf8(GO.note), [GO.vkey]);
    expect([read.origin, read.size, read.logKeys.map((key) => key.name)]).toEqual(['go.sum database tree', 63_096_908n, ['sum.golang.org']]);
    expect(() => parseCheckpoint(utf8(GO.note.replace('63096908', '63096909')), [GO.vkey])).toThrow(refusal('bad-signature'));
    expect(() => parseCheckpoint(utf8(GO.note), [GO.vkey], { origin: 'sum.golang.org' })).toThrow(refusal('untrusted'));
  });

  it('comes back as it was made, for any head', () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed() && !/[\u0000-\u001f]/.test(text));
    fc.assert(
      fc.property(line, fc.bigInt({ min: 1n, max: TREE_SIZE_MAX }), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(line, { maxLength: 3 }), (origin, size, hash, extensions) => {
        const made = { origin, size, root: hash, extensions };
        const read = parseCheckpointText(checkpointText(made));
        expect({ ...read, root: toHex(read.root) }).toEqual({ ...made, root: toHex(hash) });
      }),
    );
  });

  it('lets no key speak for a log whose own key is known, and no witness for any [P1]', () => {
    const other = signer('example.com/other', 2);
    const byOther = signNote(checkpointText(head), [other]);
    expect(parseCheckpoint(byOther, [other.key]).logKeys.map((key) => key.name)).toEqual(['example.com/other']);
    for (const known of [[other.key, log.key], [verifierKeyText(other.key), verifierKeyText(log.key)]]) expect(() => parseCheckpoint(byOther, known)).toThrow(refusal('untrusted'));
    expect(() => parseCheckpoint(signNote(checkpointText(head), [witness(1)]), [witness(1).key])).toThrow(refusal('untrusted'));
    // A witness of the log's name is no key of the log: it does not shut the log's signer out.
    const namesake = signer('example.com/log', 3, 'cosignature-v1', 1n);
    expect(parseCheckpoint(byOther, [other.key, namesake.key]).logKeys.length).toBe(1);
    expect(() => signCheckpoint(head, [other])).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });

  it('tells which witnesses have cosigned, and when', () => {
    const read = parseCheckpoint(cosigned(1, 2, 3), [log.key, witness(1).key, witness(3).key]);
    expect(read.cosignatures.map(({ key, timestamp }) => [key.name, timestamp])).toEqual([['example.com/w1', 1_700_000_001n], ['example.com/w3', 1_700_000_003n]]);
    expect(read.unknown).toBe(1);
  });

  it('refuses every text that is no checkpoint [P2]', () => {
    const hash = toBase64(root);
    const bad = ['\n', 'a\n', 'a\n1\n', `\n1\n${hash}\n`, `a\n\n${hash}\n`, `a\n1\n\n${hash}\n`, `a\n1\n${hash}\n\n`, `a\n01\n${hash}\n`, `a\n+1\n${hash}\n`, `a\n-1\n${hash}\n`, `a\n1 \n${hash}\n`, `a\n1.0\n${hash}\n`, `a\n0x1\n${hash}\n`, `a\n١\n${hash}\n`, `a\n18446744073709551616\n${hash}\n`, `a\n${'9'.repeat(400)}\n${hash}\n`,
      `a\n1\n${hash.slice(0, -1)}\n`, `a\n1\n${hash.replaceAll('=', '')}\n`, `a\n1\n${toBase64(root.subarray(1))}\n`, `a\n1\n${toBase64(Uint8Array.of(...root, 0))}\n`, `a\n1\n${toHex(root)}\n`, `a\n0\n${hash}\n`];
    for (const text of bad) expect(() => parseCheckpoint(signNote(text, [log]), [log.key]), JSON.stringify(text)).toThrow(refusal('malformed'));
    expect(parseCheckpointText(`a\n${TREE_SIZE_MAX}\n${hash}\n`).size).toBe(TREE_SIZE_MAX);
    expect(parseCheckpointText(`a\n0\n${toBase64(emptyRoot())}\n`).size).toBe(0n);
  });
});

describe('hostLogOrigin()', () => {
  it('is of one host and one epoch [P3]', () => {
    expect(hostLogOrigin({ host: 'h1', epoch: 2 })).toBe('cellos.dev/log/h1/2');
    for (const bad of [{ host: 'a b', epoch: 1 }, { host: 'a/1', epoch: 1 }, { host: 'a', epoch: 0 }, { host: 'a', epoch: 1.5 }]) expect(() => hostLogOrigin(bad)).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });
});

const vkey = (one: NoteSigner): string => verifierKeyText(one.key);
const policyOf = (...lines: string[]): Uint8Array => utf8(lines.map((line) => `${line}\n`).join(''));
const SIX = [`log ${vkey(log)} https://example.com/`, '', '# witnesses of two operators', ...[1, 2, 3].map((n) => `witness X${n} ${vkey(witness(n))}`), 'group X 2 X1 X2 X3', ...[4, 5, 6].map((n) => `\t witness  Y${n}\t${vkey(witness(n))} `), 'group Y any Y4 Y5 Y6', 'group XY all X Y', 'quorum XY'];

describe('verifyCheckpoint()', () => {
  it('wants the quorum of the policy, whoever else has cosigned', () => {
    const policy = parseLogPolicy(policyOf(...SIX));
    for (const enough of [[1, 2, 4], [3, 1, 6], [1, 2, 3, 4, 5, 6], [2, 3, 5, 9]]) expect(verifyCheckpoint(cosigned(...enough), policy).size).toBe(7n);
    for (const few of [[], [1, 4], [1, 2], [1, 2, 3], [4, 5, 6], [1, 9, 4]]) expect(() => verifyCheckpoint(cosigned(...few), policy)).toThrow(refusal('untrusted'));
    expect(verifyCheckpoint(cosigned(), parseLogPolicy(policyOf(`log ${vkey(log)}`, 'quorum none'))).size).toBe(7n);
    expect(() => verifyCheckpoint(cosigned(), parseLogPolicy(policyOf('quorum none')))).toThrow(refusal('untrusted'));
  });

  it('believes a log under its own name only [Q3]', () => {
    const policy = parseLogPolicy(policyOf(`log ${GO.vkey}`, 'quorum none'));
    expect(() => verifyCheckpoint(utf8(GO.note), policy)).toThrow(refusal('untrusted'));
    expect(() => verifyCheckpoint(cosigned(), parseLogPolicy(policyOf(`log ${vkey(log)}`, 'quorum none')), { origin: 'example.com/other' })).toThrow(refusal('untrusted'));
  });

  it('counts as the definition of a group does', () => {
    const witnesses = [1, 2, 3, 4, 5, 6].map((n) => `witness ${n} ${vkey(witness(n))}`);
    const policies = [1, 2, 3, 4, 5, 6].map((needed) => parseLogPolicy(policyOf(...witnesses, `group all ${needed} 1 2 3 4 5 6`, 'quorum all')));
    fc.assert(
      fc.property(fc.subarray(['1', '2', '3', '4', '5', '6']), (have) => {
        for (const [at, policy] of policies.entries()) expect(quorumMet(policy, new Set(have))).toBe(have.length >= at + 1);
      }),
    );
  });

  it('is not stopped by groups in groups, however deep', () => {
    const policy = parseLogPolicy(policyOf(`witness g0 ${vkey(witness(1))}`, ...Array.from({ length: 20_000 }, (_, n) => `group g${n + 1} any g${n}`), 'quorum g20000'));
    expect([quorumMet(policy, new Set(['g0'])), quorumMet(policy, new Set())]).toEqual([true, false]);
  });
});

describe('parseLogPolicy()', () => {
  it('refuses what is not one policy, and says in which line [Q1] [Q2]', () => {
    const [w1, w2, l] = [`witness a ${vkey(witness(1))}`, `witness b ${vkey(witness(2))}`, `log ${vkey(log)}`];
    const bad: readonly (readonly [readonly string[], number])[] = [
      [[w1], 1], [['quorum none', 'quorum none'], 2], [['quorum a', w1], 1], [[w1, 'quorum a b'], 2], [['quorum'], 1], [['witnesses a'], 1], [[w1, w1, 'quorum a'], 2], [[w1, `witness c ${vkey(witness(1))}`], 2], [[l, l], 2], [[w1, `witness a ${vkey(witness(2))}`], 2],
      [[w1, 'group g any a c'], 2], [[w1, 'group g 2 a'], 2], [[w1, 'group g 0 a'], 2], [[w1, 'group g 01 a'], 2], [[w1, 'group g some a'], 2], [[w1, 'group g any'], 2], [[w1, 'group g any g'], 2], [[w1, 'group a any a'], 2], [[w1, 'group none any a'], 2], [[w1, w2, 'group g any a', 'group h any a b'], 4], [[w1, 'group g any a a'], 2], [[w1, 'group g any none'], 2],
      [['log'], 1], [[`log ${vkey(log)} u v`], 1], [['witness a'], 1], [[`${w1} u v`], 1], [[`log ${vkey(witness(1))}`], 1], [[`witness a ${vkey(log)}`], 1], [['# \u0001'], 0],
    ];
    for (const [lines, line] of bad) {
      // With a quorum, so that nothing but the line named is wrong.
      const whole = lines.length === 1 && lines[0] === w1 ? lines : lines.some((one) => one.startsWith('quorum')) ? lines : [...lines, 'quorum none'];
      expect(() => parseLogPolicy(policyOf(...whole)), lines.join(' | ')).toThrow(expect.objectContaining({ code: 'document.invalid', facts: { line } }));
    }
    for (const cut of ['quorum none', 'quorum none\n# cut']) expect(() => parseLogPolicy(utf8(cut))).toThrow(expect.objectContaining({ code: 'document.invalid' }));
    expect(() => parseLogPolicy(Uint8Array.of(0xff, 0x0a))).toThrow(expect.objectContaining({ code: 'document.invalid' }));
    expect(() => parseLogPolicy(new Uint8Array(5 * 1024 * 1024))).toThrow(expect.objectContaining({ code: 'document.invalid' }));
    expect(() => parseLogPolicy(policyOf('log x'))).toThrow(expect.objectContaining({ code: 'crypto.key' }));
  });
});
