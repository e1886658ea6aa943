import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8Lossy, toBase64, toHex, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { LIMITS } from '../../base/limits.ts';
import { type NoteKey, noteKeyId, parseVerifierKey, verifierKeyText } from './note-key.ts';
import { type NoteSigner, openNote, signatureLine, signNote, withSignature } from './signed-note.ts';

const text = 'first line\n\nsecond line\n';
const key = ed25519SigningKey(new Uint8Array(32).fill(1));
const other = ed25519SigningKey(new Uint8Array(32).fill(2));
const alice: NoteSigner & { key: NoteKey } = { key: { name: 'example.com/alice', publicKey: key.publicKey }, sign: key.sign };
const bob: NoteSigner & { key: NoteKey } = { key: { name: 'example.com/bob', publicKey: other.publicKey }, sign: other.sign };
const witness = (timestamp: bigint): NoteSigner & { key: NoteKey } => ({ key: { name: 'example.com/witness', algorithm: 'cosignature-v1', publicKey: other.publicKey }, timestamp, sign: other.sign });
const refusal = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason } });

/** A note that somebody outside has published, and its key. */
const PUBLISHED = {
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  note: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
};

describe('verifier keys', () => {
  it('are read and written as others write them', () => {
    const read = parseVerifierKey(PUBLISHED.vkey);
    expect([read.name, read.algorithm, noteKeyId(read)]).toEqual(['PeterNeumann', 'ed25519', 'c74f20a3']);
    expect(verifierKeyText(read)).toBe(PUBLISHED.vkey);
  });

  it('come back from their text, whatever their name and use', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.constantFrom('ed25519' as const, 'cosignature-v1' as const), fc.uint8Array({ minLength: 32, maxLength: 32 }), (name, algorithm, seed) => {
        fc.pre(!/[\p{White_Space}+]/u.test(name) && !/[\u0000-\u001f]/.test(name) && name.isWellFormed());
        const made = { name, algorithm, publicKey: ed25519SigningKey(seed).publicKey };
        expect(parseVerifierKey(verifierKeyText(made))).toEqual(made);
      }),
      { numRuns: 100 },
    );
  });

  it('are refused when anything about them does not fit', () => {
    const [name, id, base64] = PUBLISHED.vkey.split(/\+(.{8})\+/) as [string, string, string];
    const typed = (type: number): string => toBase64(Uint8Array.of(type, ...key.publicKey));
    const bad = ['', name, `${name}+${id}`, `${name}+${id}+`, `${name}+c74f20a4+${base64}`, `${name}+C74F20A3+${base64}`, `Other+${id}+${base64}`, `+${id}+${base64}`, `Peter Neumann+${id}+${base64}`, `${name}+${id}+${base64}=`, `${name}+${id}+${base64.slice(4)}`, `a+00000000+${typed(2)}`, `a+00000000+${typed(6)}`, `\ud800+${id}+${base64}`];
    for (const text of bad) expect(() => parseVerifierKey(text), text).toThrow(expect.objectContaining({ code: 'crypto.key' }));
    // A key that any signature would fit: its id is right, its point is not.
    const identity = { name: 'a', publicKey: Uint8Array.of(1, ...new Uint8Array(31)) };
    expect(() => parseVerifierKey(verifierKeyText(identity))).toThrow(expect.objectContaining({ code: 'crypto.key' }));
    for (const made of [{ name: 'a b', publicKey: key.publicKey }, { name: 'a', publicKey: new Uint8Array(31) }, { name: 'a', algorithm: 'rsa', publicKey: key.publicKey }, { name: 1, publicKey: key.publicKey }]) expect(() => noteKeyId(made as never)).toThrow(expect.objectContaining({ code: 'crypto.key' }));
  });
});

describe('openNote()', () => {
  it('takes a note that others have published', () => {
    const { text: read, signatures, unknown } = openNote(utf8(PUBLISHED.note), [PUBLISHED.vkey]);
    expect([read.split('\n').length, signatures.map((one) => one.key.name), unknown]).toEqual([3, ['PeterNeumann'], 0]);
  });

  it('takes what was signed, ends the text at the last empty line, and counts signatures of others [N1] [N2]', () => {
    const note = signNote(text, [bob, alice]);
    expect(openNote(note, [alice.key])).toEqual({ text, signatures: [{ key: { algorithm: 'ed25519', ...alice.key } }], unknown: 1 });
    expect(openNote(note, [verifierKeyText(bob.key), alice.key]).signatures.map((one) => one.key.name)).toEqual(['example.com/bob', 'example.com/alice']);
    expect(openNote(note, [alice.key, alice.key]).signatures.length).toBe(1);
  });

  it('refuses a note that no known key has signed, or one has signed wrongly [N1]', () => {
    const note = signNote(text, [alice, bob]);
    const renamed = { ...alice.key, name: 'example.com/eve' }; // the same bytes under another name are another key
    for (const known of [[], [renamed], [witness(0n).key], [{ ...bob.key, publicKey: alice.key.publicKey }]]) expect(() => openNote(note, known)).toThrow(refusal('untrusted'));
    const wrong = signNote(text, [alice, { ...bob, sign: () => new Uint8Array(64) }]);
    expect(openNote(wrong, [alice.key]).unknown).toBe(1);
    expect(() => openNote(wrong, [alice.key, bob.key])).toThrow(refusal('bad-signature'));
    for (const odd of [(good: Uint8Array) => good.subarray(1), (good: Uint8Array) => Uint8Array.of(0, ...good), (good: Uint8Array) => Uint8Array.of(...good, 0)]) {
      expect(() => openNote(signNote(text, [{ ...alice, sign: (message) => odd(key.sign(message)) }]), [alice.key])).toThrow(refusal('bad-signature'));
      expect(() => openNote(signNote(text, [{ ...witness(1n), sign: (message) => odd(other.sign(message)) }]), [witness(1n).key])).toThrow(refusal('bad-signature'));
    }
  });

  it('lets a known key sign once, and strangers as often as they like [N3]', () => {
    const twice = withSignature(signNote(text, [alice]), signatureLine(text, alice));
    expect(() => openNote(twice, [alice.key])).toThrow(refusal('malformed'));
    expect(openNote(withSignature(twice, signatureLine(text, bob)), [bob.key]).unknown).toBe(2);
  });

  it('refuses two different keys of one name and key id, which only a collision makes', () => {
    const pair = [32_794, 39_210].map((n) => ({ name: 'n', publicKey: Uint8Array.of(n & 0xff, n >> 8, ...new Uint8Array(30)) })); // found by search
    expect(pair.map(noteKeyId)).toEqual(['2bbb56ce', '2bbb56ce']);
    expect(() => openNote(signNote(text, [alice]), [alice.key, ...pair])).toThrow(expect.objectContaining({ code: 'crypto.key' }));
  });

  it('refuses every note that is not of the one form', () => {
    const good = decodeUtf8Lossy(signNote(text, [alice]));
    const line = good.slice(good.indexOf('\u2014'));
    const bad = [
      '', '\n', text, `${text}\n`, good.slice(0, -1), `${good}\n`, `${good}x`, `${text}${line}`.replace('\n\n', '\n'), good.replace('\u2014', '-'), good.replace('\u2014 ', '\u2014'), good.replace('first', 'first\u0000'), good.replace('first', 'fir\tst'), good.replaceAll('\n', '\r\n'),
      good.replace('alice', 'al+ice'), good.replace('alice', 'al\u00a0ice'), good.replace(line, '\u2014 a \n'), good.replace(line, '\u2014  AAAAAAA=\n'), good.replace(line, '\u2014 a AAAAAA==\n'), good.replace(line, `\u2014 a ${toBase64(new Uint8Array(4))}\n`), good.replace(line, line.replace('\n', ' x\n')), good.replace(line, line.replaceAll('=', '')),
    ];
    expect(openNote(utf8(good), [alice.key]).text).toBe(text);
    for (const note of bad) expect(() => openNote(utf8(note), [alice.key]), JSON.stringify(note)).toThrow(refusal('malformed'));
    expect(() => openNote(Uint8Array.of(...utf8(good), 0xff), [alice.key])).toThrow(refusal('malformed'));
  });

  it('looks at no more than it says it looks at', () => {
    const line = signatureLine(text, bob);
    const many = (count: number): Uint8Array => utf8(`${text}\n${signatureLine(text, alice)}${line.repeat(count)}`);
    expect(openNote(many(LIMITS.noteSignaturesMax - 1), [alice.key]).unknown).toBe(LIMITS.noteSignaturesMax - 1);
    expect(() => openNote(many(LIMITS.noteSignaturesMax), [alice.key])).toThrow(refusal('malformed'));
    expect(() => openNote(signNote(`${'x'.repeat(LIMITS.noteSizeBytesMax)}\n`, [alice]), [alice.key])).toThrow(refusal('malformed'));
  });

  it('accepts nothing one byte away from what was signed', () => {
    const good = signNote(text, [alice]);
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(good);
        bytes[at % bytes.byteLength] = (bytes[at % bytes.byteLength] ?? 0) ^ change;
        expect(() => openNote(bytes, [alice.key])).toThrow(expect.objectContaining({ code: 'signature.invalid' }));
      }),
    );
  });
});

describe('cosignatures', () => {
  it('say when they were made, and sign that too [N4]', () => {
    for (const time of [0n, 1_679_315_147n, 2n ** 63n - 1n]) {
      const note = signNote(text, [witness(time)]);
      expect(openNote(note, [witness(0n).key]).signatures).toEqual([{ key: witness(0n).key, timestamp: time }]);
      const later = Uint8Array.from(note);
      expect(() => openNote(utf8(decodeUtf8Lossy(later).replace(/[^ ]+\n$/, (base64) => `${shifted(base64.trim())}\n`)), [witness(0n).key])).toThrow(refusal('bad-signature'));
    }
    expect(() => openNote(signNote(text, [witness(2n ** 63n)]), [witness(0n).key])).toThrow(refusal('bad-signature'));
  });

  it('do not pass as plain signatures, nor plain signatures as cosignatures [N4]', () => {
    const plain = { name: 'example.com/witness', publicKey: other.publicKey };
    const asPlain = withSignature(utf8(`${text}\n`), signatureLine(text, { key: plain, sign: () => other.sign(utf8(`cosignature/v1\ntime 5\n${text}`)) }));
    expect(() => openNote(asPlain, [plain])).toThrow(refusal('bad-signature'));
    const asCosigned = withSignature(utf8(`${text}\n`), signatureLine(text, { key: witness(0n).key, timestamp: 5n, sign: () => other.sign(utf8(text)) }));
    expect(() => openNote(asCosigned, [witness(0n).key])).toThrow(refusal('bad-signature'));
    expect(noteKeyId(plain)).not.toBe(noteKeyId(witness(0n).key));
    expect(() => signNote(text, [{ ...alice, timestamp: 1n }])).toThrow(expect.objectContaining({ code: 'internal.bug' }));
    expect(() => signNote('no newline', [alice])).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });
});

/** The signature with its time one second on. */
function shifted(base64: string): string {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  expect(toHex(bytes.subarray(0, 4))).toBe(noteKeyId(witness(0n).key));
  bytes[11] = (bytes[11] ?? 0) ^ 1;
  return toBase64(bytes);
}
