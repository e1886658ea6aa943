import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8 } from '../../base/bytes.ts';
import { isJsonArray } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { rootMap, SAMPLE_ROOT, sampleHistory, sampleKey, sampleValue } from '../../testing/sample-keys.ts';
import type { KeysetKey } from './keyset.ts';
import type { TrustPin } from './keyset-chain.ts';
import { mergePins, parseTrustDocument, trustDocument, verifyKeysFile, withoutRoot } from './trust-document.ts';

const event = sampleKey('event', 1);
const lists = [[event], [event, sampleKey('event', 2, 'next')], [event, sampleKey('event', 2, 'accepted')]];
const [second, third] = [sampleKey('root', 202), sampleKey('root', 203)];

function pinOf(epoch: number, roots: readonly ReturnType<typeof sampleKey>[] = [SAMPLE_ROOT], threshold = 1, keys: readonly (readonly KeysetKey[])[] = lists): TrustPin {
  const value = sampleValue(keys.slice(0, epoch), { roots, threshold });
  return { roots: rootMap(roots), threshold, known: sampleHistory(keys.slice(0, epoch), { roots, threshold }), chain: isJsonArray(value) ? value : [] };
}

const plain = (...roots: readonly KeysetKey[]): TrustPin => ({ roots: rootMap(roots), threshold: 1 });
const invalid = (message: string, code = 'document.invalid') => expect.objectContaining({ code, message: `Cannot read the trust file: ${message}` });
const parse = (value: unknown) => () => parseTrustDocument(utf8(JSON.stringify(value)));
const text = toBase64Url(SAMPLE_ROOT.publicKey);

describe('parseTrustDocument()', () => {
  it('reads what trustDocument() writes [B1]', () => {
    const pins = [pinOf(3), plain(second), pinOf(1, [second, third], 2)];
    const read = parseTrustDocument(trustDocument(pins));
    expect(read.map((pin) => [pin.roots, pin.threshold, pin.known?.head.epoch, pin.chain?.length])).toEqual([[rootMap(), 1, 3, 3], [rootMap([second]), 1, undefined, undefined], [rootMap([second, third]), 2, 1, 1]]);
    expect(trustDocument(read)).toEqual(trustDocument(pins));
    expect(parseTrustDocument(trustDocument([]))).toEqual([]);
  });

  it('reads the form of the reference, as roots alone [B1]', () => {
    expect(parse({ a: text, b: `${toBase64Url(second.publicKey)}=` })()).toEqual([{ roots: new Map([['a', SAMPLE_ROOT.publicKey], ['b', second.publicKey]]), threshold: 1 }]);
    expect(parse({})()).toEqual([]);
    expect(parse({ v: text })()).toEqual([{ roots: new Map([['v', SAMPLE_ROOT.publicKey]]), threshold: 1 }]);
    expect(parseTrustDocument(verifyKeysFile(rootMap()))).toEqual([{ roots: rootMap(), threshold: 1 }]);
    expect(new TextDecoder().decode(verifyKeysFile(new Map([['k', SAMPLE_ROOT.publicKey]])))).toBe(`{"k":"${text}"}\n`);
  });

  const cases: [string, unknown, string, string?][] = [
    ['a list', [], 'it is not an object'],
    ['a version of later', { v: 2, pins: [] }, 'it is of version 2, and this program knows 1'],
    ['no pins', { v: 1 }, 'it does not have the members v and pins'],
    ['pins that are no list', { v: 1, pins: {} }, 'it does not have the members v and pins'],
    ['a member more', { v: 1, pins: [], x: 1 }, 'it does not have the members v and pins'],
    ['a pin that is none', { v: 1, pins: [1] }, 'a pin is not an object'],
    ['a pin with a member more', { v: 1, pins: [{ threshold: 1, roots: { k: text }, x: 1 }] }, 'a pin has the unknown member x'],
    ['a pin without roots', { v: 1, pins: [{ threshold: 1 }] }, 'a pin has no roots'],
    ...[0, 2, 1.5, '1', null].map((threshold): [string, unknown, string] => [`threshold ${String(threshold)} of one root`, { v: 1, pins: [{ threshold, roots: { k: text } }] }, 'the threshold of a pin is not a number from 1 to that of its roots']),
    ['a key that is no text', { k: 1 }, 'the value of "k" is not a base64url Ed25519 public key'],
    ['a key that is no base64url', { k: '*' }, 'the value of "k" is not a base64url Ed25519 public key'],
    ['a short key', { k: 'AA' }, 'the value of "k" is not a base64url Ed25519 public key'],
    ['a key of small order', { k: toBase64Url(new Uint8Array(32)) }, 'the key "k" has small order', 'crypto.key'],
    ['a key off the curve', { k: toBase64Url(Uint8Array.of(2, ...new Uint8Array(31))) }, 'the key "k" is not the canonical form of a point of the curve', 'crypto.key'],
  ];
  it.each(cases)('refuses %s', (_, value, message, code) => {
    expect(parse(value)).toThrow(invalid(message, code));
  });

  it('names the key that cannot be used', () => {
    for (const text of ['AA', toBase64Url(new Uint8Array(32))]) expect(parse({ k: text })).toThrow(expect.objectContaining({ facts: { kid: 'k' } }));
  });

  it('refuses a chain that its own roots have not signed [B2]', () => {
    const pin = pinOf(2);
    expect(() => parseTrustDocument(trustDocument([{ ...pin, roots: rootMap([second]) }]))).toThrow(expect.objectContaining({ code: 'signature.invalid', facts: { reason: 'untrusted' } }));
    expect(() => parseTrustDocument(trustDocument([{ ...pin, chain: pin.chain?.slice(1) ?? [] }]))).toThrow(expect.objectContaining({ facts: { reason: 'broken-chain' } }));
    expect(() => parseTrustDocument(trustDocument([{ ...pin, chain: [] }]))).toThrow(expect.objectContaining({ facts: { reason: 'malformed' } }));
  });
});

describe('a hostile trust document', () => {
  const many = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, '!']));

  it('holds a bounded number of root keys, counted before one is looked at [B4]', () => {
    const beyond = invalid(`it has ${LIMITS.verifyKeysMax + 1} root keys, more than ${LIMITS.verifyKeysMax}`);
    expect(parse(many(LIMITS.verifyKeysMax + 1))).toThrow(beyond);
    expect(parse({ v: 1, pins: [{ threshold: 1, roots: many(LIMITS.verifyKeysMax) }, { threshold: 1, roots: many(1) }] })).toThrow(beyond);
    expect(parse(many(LIMITS.verifyKeysMax))).toThrow(expect.objectContaining({ facts: { kid: 'k0' } }));
  });
});

describe('mergePins()', () => {
  const shape = (pins: readonly TrustPin[]) => pins.map((pin) => [[...pin.roots.keys()], pin.threshold, pin.known?.head.epoch]);
  const refused = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason } });

  it('adds roots, and says which are new', () => {
    expect(mergePins([], [plain(SAMPLE_ROOT), plain(second)])).toEqual({ pins: [plain(SAMPLE_ROOT), plain(second)], fresh: ['root-201', 'root-202'] });
    const { pins, fresh } = mergePins([plain(SAMPLE_ROOT)], [plain(SAMPLE_ROOT, second)]);
    expect([shape(pins), fresh]).toEqual([[[['root-201'], 1, undefined], [['root-202'], 1, undefined]], ['root-202']]);
    expect(mergePins([pinOf(2)], [plain(SAMPLE_ROOT)])).toEqual({ pins: [pinOf(2)], fresh: [] });
  });

  it('takes newer keysets, and no older or other ones [B3]', () => {
    expect(shape(mergePins([pinOf(1)], [pinOf(3)]).pins)).toEqual([[['root-201'], 1, 3]]);
    expect(mergePins([pinOf(3)], [pinOf(3)]).pins[0]?.chain).toHaveLength(3);
    expect(() => mergePins([pinOf(3)], [pinOf(2)])).toThrow(refused('rollback'));
    expect(() => mergePins([pinOf(2)], [pinOf(3, [SAMPLE_ROOT], 1, [[event], [event, sampleKey('event', 9, 'next')], [event, sampleKey('event', 9, 'accepted')]])])).toThrow(refused('fork'));
    expect(() => mergePins([], [pinOf(3), pinOf(2)])).toThrow(refused('rollback'));
  });

  it('puts the keysets of a root in the place of the bare root, and leaves other roots alone', () => {
    expect(shape(mergePins([plain(SAMPLE_ROOT, second)], [pinOf(2)]).pins)).toEqual([[['root-202'], 1, undefined], [['root-201'], 1, 2]]);
    expect(shape(mergePins([plain(third), plain(SAMPLE_ROOT)], [pinOf(2)]).pins)).toEqual([[['root-203'], 1, undefined], [['root-201'], 1, 2]]);
    expect(shape(mergePins([pinOf(1, [third]), pinOf(1)], [pinOf(2)]).pins)).toEqual([[['root-203'], 1, 1], [['root-201'], 1, 2]]);
    const strict: TrustPin = { roots: rootMap([SAMPLE_ROOT, second, third]), threshold: 3 };
    expect(shape(mergePins([strict], [pinOf(2)]).pins)).toEqual([[['root-202', 'root-203'], 2, undefined], [['root-201'], 1, 2]]);
  });

  it('keeps the higher of two thresholds', () => {
    const roots = [second, third];
    const loose: TrustPin = { ...pinOf(2, roots, 1), threshold: 1 };
    expect(shape(mergePins([{ ...pinOf(1, roots, 1), threshold: 2 }], [loose]).pins)).toEqual([[['root-202', 'root-203'], 2, 2]]);
    expect(shape(mergePins([loose], [{ ...loose, threshold: 2 }]).pins)).toEqual([[['root-202', 'root-203'], 2, 2]]);
  });

  it('refuses another key of a known name, and roots that overlap with those of another host', () => {
    const other: TrustPin = { roots: new Map([[SAMPLE_ROOT.kid, second.publicKey]]), threshold: 1 };
    expect(() => mergePins([plain(SAMPLE_ROOT)], [other])).toThrow(expect.objectContaining({ code: 'document.invalid', facts: { kid: 'root-201' }, message: 'Cannot trust "root-201": another key of that name is trusted already; cellos keys untrust root-201 takes it away' }));
    const overlap = { code: 'document.invalid', message: 'Cannot trust these root keys: some of them are trusted already, together with others' };
    expect(() => mergePins([pinOf(1, [SAMPLE_ROOT, second])], [pinOf(1)])).toThrow(expect.objectContaining(overlap));
    expect(() => mergePins([pinOf(1, [SAMPLE_ROOT, second])], [pinOf(1, [SAMPLE_ROOT, third])])).toThrow(expect.objectContaining(overlap));
  });
});

describe('withoutRoot()', () => {
  it('takes a bare root away, and all that was given together with a chain', () => {
    const pins = [plain(SAMPLE_ROOT, second), pinOf(1, [third])];
    expect(withoutRoot(pins, 'root-202')).toEqual([plain(SAMPLE_ROOT), pins[1]]);
    expect(withoutRoot([plain(SAMPLE_ROOT)], 'root-201')).toEqual([]);
    expect(withoutRoot([pinOf(1, [SAMPLE_ROOT, third]), plain(second)], 'root-203')).toEqual([plain(second)]);
    expect(withoutRoot(pins, 'x')).toEqual(pins);
  });
});
