/** `cellos/core` as a program elsewhere uses it: by the names and shapes it is documented with, on what was published elsewhere. */
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as core from './index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha256 = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const invalid = expect.objectContaining({ code: 'json.invalid' });

/** A key made by somebody else's library: raw public key, and a signature of it. */
const pair = generateKeyPairSync('ed25519');
const publicKey = new Uint8Array(createPublicKey(pair.privateKey).export({ format: 'der', type: 'spki' }).subarray(-32));
const signed = (message: Uint8Array): Uint8Array => new Uint8Array(sign(null, message, pair.privateKey));

describe('cellos/core', () => {
  it('parseJsonStrict(bytes) takes one JSON value, and refuses what is doubtful', () => {
    expect(core.parseJsonStrict(bytes('{"a":[1,true,null,"x"]}'))).toEqual({ a: [1, true, null, 'x'] });
    for (const text of ['', '{"a":1,"a":2}', '{"a":1}x', '{} {}', '[1,]', '{"a":1,}', "{'a':1}", '01', '+1', '.5', 'NaN', '"\\ud800"', '"\u0001"', '\ufeff{}', `${'['.repeat(200)}${']'.repeat(200)}`]) expect(() => core.parseJsonStrict(bytes(text)), text).toThrow(invalid);
    for (const raw of [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]]) expect(() => core.parseJsonStrict(Uint8Array.from(raw))).toThrow(invalid);
  });

  it('canonicalize(value) writes RFC 8785, of what was parsed here or elsewhere', () => {
    const folder = `${import.meta.dirname}/../../test/vectors/external/jcs/testdata`;
    for (const name of ['arrays', 'french', 'structures', 'unicode', 'values', 'weird']) {
      const input = readFileSync(`${folder}/input/${name}.json`);
      const output = readFileSync(`${folder}/output/${name}.json`, 'utf8').trimEnd();
      for (const value of [core.parseJsonStrict(input), JSON.parse(input.toString()) as core.JsonValue]) {
        const written = core.canonicalize(value);
        expect(written).toBeInstanceOf(Uint8Array);
        expect(Buffer.from(written).toString(), name).toBe(output);
      }
    }
  });

  it('verifyInclusion({ leafHash, index, size, proof, root }) and verifyConsistency({ size1, size2, root1, root2, proof })', () => {
    const leaves = ['a', 'b', 'c'].map((text) => sha256(Uint8Array.of(0), bytes(text)));
    const [a, b, c] = leaves as [Uint8Array, Uint8Array, Uint8Array];
    const ab = sha256(Uint8Array.of(1), a, b);
    const abc = sha256(Uint8Array.of(1), ab, c);
    expect(core.verifyInclusion({ leafHash: b, index: 1n, size: 3n, proof: [a, c], root: abc })).toBe(true);
    expect(core.verifyInclusion({ leafHash: c, index: 2n, size: 3n, proof: [ab], root: abc })).toBe(true);
    expect(core.verifyInclusion({ leafHash: b, index: 0n, size: 3n, proof: [a, c], root: abc })).toBe(false);
    expect(core.verifyConsistency({ size1: 2n, size2: 3n, root1: ab, root2: abc, proof: [c] })).toBe(true);
    expect(core.verifyConsistency({ size1: 1n, size2: 3n, root1: a, root2: abc, proof: [b, c] })).toBe(true);
    expect(core.verifyConsistency({ size1: 2n, size2: 3n, root1: a, root2: abc, proof: [c] })).toBe(false);
    // transparency-dev/merkle's tree of eight
    const root5 = hex('4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4');
    const proof = ['6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b'].map(hex);
    const leafHash = core.leafHash(hex('00'));
    expect(core.verifyInclusion({ leafHash, index: 1n, size: 5n, proof, root: root5 })).toBe(true);
    expect(core.verifyInclusion({ leafHash, index: 1n, size: 10n, proof, root: root5 })).toBe(false);
    expect(core.verifyInclusion({ leafHash: new Uint8Array(0), index: 0n, size: 1n, proof: [], root: new Uint8Array(0) })).toBe(false);
  });

  it('verifyEd25519({ publicKey, message, signature }) is strict', () => {
    const message = bytes('m');
    const signature = signed(message);
    expect(core.verifyEd25519({ publicKey, message, signature })).toBe(true);
    expect(core.verifyEd25519({ publicKey, message: bytes('n'), signature })).toBe(false);
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.slice(32).reverse()).toString('hex')}`) + order;
    expect(core.verifyEd25519({ publicKey, message, signature: Uint8Array.of(...signature.subarray(0, 32), ...hex(s.toString(16).padStart(64, '0')).reverse()) })).toBe(false);
    // Eight encodings of points of small order, and the non-canonical ones: as A with S = 0 and R = A some of them fit any message in a lax verifier.
    const small = ['0100000000000000000000000000000000000000000000000000000000000000', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', '0000000000000000000000000000000000000000000000000000000000000080', '0000000000000000000000000000000000000000000000000000000000000000',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '0100000000000000000000000000000000000000000000000000000000000080', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'].map(hex);
    for (const point of small) {
      for (const r of [point, small[0] as Uint8Array]) for (const text of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) expect(core.verifyEd25519({ publicKey: point, message: bytes(text), signature: Uint8Array.of(...r, ...new Uint8Array(32)) })).toBe(false);
      expect(core.verifyEd25519({ publicKey, message, signature: Uint8Array.of(...point, ...signature.subarray(32)) })).toBe(false);
    }
  });

  it('parseCheckpoint(bytes, verifiers) takes verifier keys as texts, or name and key', () => {
    const text = `example.com/log\n1\n${Buffer.from(core.leafHash(bytes('x'))).toString('base64')}\n`;
    const id = sha256(bytes('example.com/log\n\u0001'), publicKey).subarray(0, 4);
    const note = (signature: Uint8Array): Uint8Array => bytes(`${text}\n— example.com/log ${Buffer.concat([id, signature]).toString('base64')}\n`);
    const vkey = `example.com/log+${Buffer.from(id).toString('hex')}+${Buffer.concat([Uint8Array.of(1), publicKey]).toString('base64')}`;
    for (const verifier of [vkey, { name: 'example.com/log', publicKey }]) {
      expect(core.parseCheckpoint(note(signed(bytes(text))), [verifier])).toMatchObject({ origin: 'example.com/log', size: 1n, root: core.leafHash(bytes('x')) });
      expect(() => core.parseCheckpoint(note(signed(bytes('other'))), [verifier])).toThrow(expect.objectContaining({ code: 'signature.invalid' }));
    }
    expect(() => core.parseCheckpoint(note(signed(bytes(text))), [])).toThrow(expect.objectContaining({ code: 'signature.invalid' }));
  });

  it('verifyDsse(envelope, verifiers) takes keys, or keys with a threshold and types', () => {
    const payload = bytes('{"_type":"https://in-toto.io/Statement/v1"}');
    const payloadType = 'application/vnd.in-toto+json';
    const sig = Buffer.from(signed(bytes(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.byteLength} ${Buffer.from(payload)}`))).toString('base64');
    const envelope = { payload: Buffer.from(payload).toString('base64'), payloadType, signatures: [{ sig, keyid: 'A' }] };
    for (const verifiers of [[{ publicKey }], { keys: [{ keyid: 'A', publicKey }], threshold: 1, payloadTypes: [payloadType] }]) expect(core.verifyDsse(envelope, verifiers)).toMatchObject({ payloadType, payload });
    expect(() => core.verifyDsse({ ...envelope, payloadType: 'application/json' }, [{ publicKey }])).toThrow(expect.objectContaining({ code: 'signature.invalid' }));
  });
});
