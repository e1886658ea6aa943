import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey, sha256Hex } from '../../base/crypto.ts';
import { preAuthEncoding } from '../signing/dsse.ts';
import { matchingSubjects, parseStatement, STATEMENT_PAYLOAD_TYPE, STATEMENT_TYPE, verifyStatement } from './statement.ts';

const sha256 = sha256Hex(utf8('bytes'));
const good = { _type: STATEMENT_TYPE, subject: [{ name: 'a', digest: { sha256 } }], predicateType: 'https://example.com/p/v1', predicate: { k: 'v' } };
const parse = (change: object): ReturnType<typeof parseStatement> => parseStatement(utf8(JSON.stringify({ ...good, ...change })));
const invalid = expect.objectContaining({ code: 'evidence.invalid' });

describe('parseStatement()', () => {
  it('reads what is attested of what, and passes over what it does not know', () => {
    const read = parse({ more: 1, subject: [{ name: 'a', digest: { sha256, sha512: 'ab'.repeat(64), gitCommit: 'ABC' }, uri: 'u', annotations: {} }, { digest: { other: '?' } }] });
    expect(read.subjects.map(({ name, digest }) => [name, Object.fromEntries(digest)])).toEqual([['a', { sha256, sha512: 'ab'.repeat(64), gitCommit: 'ABC' }], [undefined, { other: '?' }]]);
    expect([read.predicateType, { ...read.predicate }]).toEqual(['https://example.com/p/v1', { k: 'v' }]);
    expect(Object.keys(parse({ predicate: undefined }).predicate)).toEqual([]);
  });

  it('refuses what is no statement of version 1 [A1] [A2]', () => {
    const subjects: unknown[] = [[], {}, undefined, [null], [{}], [{ digest: {} }], [{ digest: 'x' }], [{ digest: { sha256: 1 } }], [{ digest: { sha256: '' } }], [{ digest: { other: '' } }], [{ digest: { sha256: sha256.slice(1) } }], [{ digest: { sha256: sha256.toUpperCase() } }], [{ digest: { sha512: sha256 } }], [{ name: 1, digest: { sha256 } }], [{ digest: { sha256 } }, { name: 'no digest', uri: 'u' }]];
    for (const subject of subjects) expect(() => parse({ subject }), JSON.stringify(subject)).toThrow(invalid);
    for (const change of [{ _type: 'https://in-toto.io/Statement/v0.1' }, { _type: undefined }, { predicateType: '' }, { predicateType: undefined }, { predicateType: 1 }, { predicate: [] }, { predicate: 'x' }, { predicate: null }]) expect(() => parse(change), JSON.stringify(change)).toThrow(invalid);
    for (const text of ['[]', '1', 'null']) expect(() => parseStatement(utf8(text))).toThrow(invalid);
    for (const bytes of [new Uint8Array(0), utf8('{'), Uint8Array.of(0xff), utf8('{"_type":"a","_type":"b"}')]) expect(() => parseStatement(bytes)).toThrow(expect.objectContaining({ code: 'json.invalid' }));
  });
});

describe('matchingSubjects()', () => {
  it('goes by any digest of a known algorithm, never by name, and never by an algorithm nobody here knows [A1] [A2]', () => {
    const statement = parse({ subject: [{ name: 'a', digest: { sha256 } }, { name: 'b', digest: { sha256: '0'.repeat(64), md5: 'x' } }, { name: 'c', digest: { sha256: '1'.repeat(64), sha512: 'ab'.repeat(64) } }] });
    const names = (digests: Record<string, string>): (string | undefined)[] => matchingSubjects(statement, new Map(Object.entries(digests))).map(({ name }) => name);
    expect(names({ sha256 })).toEqual(['a']);
    expect(names({ sha512: 'ab'.repeat(64), sha256 })).toEqual(['a', 'c']);
    expect(names({ md5: 'x' })).toEqual([]);
    expect(names({})).toEqual([]);
  });
});

describe('verifyStatement()', () => {
  it('takes a statement in an envelope of its own type', () => {
    const key = ed25519SigningKey(new Uint8Array(32).fill(1));
    const payload = utf8(JSON.stringify(good));
    const envelope = (payloadType: string): string => JSON.stringify({ payloadType, payload: toBase64(payload), signatures: [{ sig: toBase64(key.sign(preAuthEncoding(payloadType, payload))) }] });
    for (const verifiers of [[{ publicKey: key.publicKey }], { keys: [{ publicKey: key.publicKey }], payloadTypes: ['application/json'] }]) {
      expect(verifyStatement(envelope(STATEMENT_PAYLOAD_TYPE), verifiers).subjects.length).toBe(1);
      expect(() => verifyStatement(envelope('application/json'), verifiers)).toThrow(expect.objectContaining({ code: 'signature.invalid', facts: { reason: 'payload-type' } }));
    }
  });
});
