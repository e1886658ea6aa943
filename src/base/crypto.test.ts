import { createPublicKey, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, fromHex, toHex, utf8 } from './bytes.ts';
import { constantTimeEqual, ed25519SigningKey, hmacSha256, p256SigningKey, sha256, sha256Into, verifyEd25519, verifyP256 } from './crypto.ts';
import { decodeDerSignature, encodeDerSignature, withLowS } from './ecdsa-der.ts';
import { isCanonicalPoint, isPointOnCurve, isSmallOrderPoint } from './ed25519-point.ts';

const hex = (text: string): Bytes => fromHex(text) ?? expect.fail(`not hex: ${text}`);

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly { readonly tagSize?: number; readonly publicKey?: { readonly pk: string }; readonly tests: readonly { readonly tcId: number; readonly msg: string; readonly result: string; readonly sig?: string; readonly key?: string; readonly tag?: string }[] }[];
}

function wycheproof(name: string): Wycheproof {
  return JSON.parse(readFileSync(`${import.meta.dirname}/../../test/vectors/external/wycheproof/testvectors_v1/${name}_test.json`, 'utf8')) as Wycheproof;
}

describe('verifyEd25519()', () => {
  it('decides every Wycheproof case as the file says [C1]', () => {
    const suite = wycheproof('ed25519');
    let ran = 0;
    for (const group of suite.testGroups) {
      for (const { tcId, msg, sig, result } of group.tests) {
        const good = verifyEd25519({ publicKey: hex(group.publicKey?.pk ?? ''), message: hex(msg), signature: hex(sig ?? '') });
        expect(good, `case ${tcId}`).toBe(result === 'valid');
        ran += 1;
      }
    }
    expect(ran).toBe(suite.numberOfTests);
  });

  it('refuses small-order and non-canonical A and R, and S + L [C1]', () => {
    const key = ed25519SigningKey(new Uint8Array(32).fill(1));
    const message = utf8('m');
    const signature = key.sign(message);
    const identity = hex(`01${'00'.repeat(31)}`);
    // With A the identity, R = S·B verifies for any message under the bare equation: S = 0 and R the identity is the simplest such forgery.
    expect(verifyEd25519({ publicKey: identity, message, signature: hex(`01${'00'.repeat(63)}`) })).toBe(false);
    for (const nonCanonical of [`ed${'ff'.repeat(30)}7f`, `f0${'ff'.repeat(30)}7f`, `ff${'ff'.repeat(30)}ff`]) {
      expect(isCanonicalPoint(hex(nonCanonical))).toBe(false);
      expect(verifyEd25519({ publicKey: hex(nonCanonical), message, signature })).toBe(false);
      expect(verifyEd25519({ publicKey: key.publicKey, message, signature: hex(nonCanonical + toHex(signature.subarray(32))) })).toBe(false);
    }
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    let s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + order;
    const shifted = Uint8Array.from(signature);
    for (let i = 32; i < 64; i += 1) {
      shifted[i] = Number(s & 0xffn);
      s >>= 8n;
    }
    expect(verifyEd25519({ publicKey: key.publicKey, message, signature: shifted })).toBe(false);
    expect(verifyEd25519({ publicKey: key.publicKey, message, signature })).toBe(true);
  });

  it('answers false for what is not bytes, or not as many', () => {
    const key = ed25519SigningKey(new Uint8Array(32).fill(1));
    const message = utf8('m');
    const good = { publicKey: key.publicKey, message, signature: key.sign(message) };
    const bad: object[] = [{ publicKey: undefined }, { publicKey: null }, { publicKey: toHex(key.publicKey) }, { publicKey: new Uint8Array(0) }, { publicKey: new Uint8Array(33) }, { message: 'm' }, { message: undefined }, { signature: [...good.signature] }, { signature: new Uint8Array(0) }, { signature: good.signature.subarray(1) }, { signature: Uint8Array.of(...good.signature, 0) }];
    expect(verifyEd25519(good)).toBe(true);
    for (const change of bad) expect(verifyEd25519({ ...good, ...change } as never)).toBe(false);
  });

  it('accepts what was signed and nothing one bit away from it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.nat(), (seed, message, at) => {
        const key = ed25519SigningKey(seed);
        const signature = key.sign(message);
        expect(verifyEd25519({ publicKey: key.publicKey, message, signature })).toBe(true);
        const flip = (bytes: Bytes): Bytes => {
          const bit = at % (bytes.byteLength * 8);
          return bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        };
        expect(verifyEd25519({ publicKey: key.publicKey, message: flip(message), signature })).toBe(false);
        expect(verifyEd25519({ publicKey: key.publicKey, message, signature: flip(signature) })).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});

describe('points of Ed25519', () => {
  it('are on the curve when they are public keys, and not when y has no x', () => {
    for (let i = 0; i < 8; i += 1) expect(isPointOnCurve(ed25519SigningKey(new Uint8Array(32).fill(i)).publicKey)).toBe(true);
    expect(isPointOnCurve(hex(`02${'00'.repeat(31)}`))).toBe(false);
    expect(isPointOnCurve(new Uint8Array(31))).toBe(false);
    const points = Array.from({ length: 64 }, (_, y) => isPointOnCurve(Uint8Array.of(y, ...new Uint8Array(31))));
    expect(points.filter(Boolean).length).toBeGreaterThan(20);
    expect(points.filter(Boolean).length).toBeLessThan(44);
  });

  it('have small order whatever their sign bit', () => {
    for (const y of ['00'.repeat(32), `01${'00'.repeat(31)}`, `01${'00'.repeat(30)}80`, `ec${'ff'.repeat(30)}7f`, `ec${'ff'.repeat(30)}ff`]) expect(isSmallOrderPoint(hex(y)), y).toBe(true);
    expect(isSmallOrderPoint(ed25519SigningKey(new Uint8Array(32)).publicKey)).toBe(false);
  });
});

describe('sha256Into()', () => {
  it('writes the digest to its place, and nothing beside it', () => {
    expect(toHex(sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'); // FIPS 180-4
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, at) => {
        const into = new Uint8Array(64).fill(0xaa);
        sha256Into(into, at, bytes);
        expect(into).toEqual(Uint8Array.from([...new Uint8Array(at).fill(0xaa), ...sha256(bytes), ...new Uint8Array(32 - at).fill(0xaa)]));
      }),
    );
  });
});

describe('hmacSha256()', () => {
  it('decides every Wycheproof case as the file says', () => {
    const suite = wycheproof('hmac_sha256');
    let ran = 0;
    for (const group of suite.testGroups) {
      for (const { tcId, key, msg, tag, result } of group.tests) {
        const mac = hmacSha256(hex(key ?? ''), hex(msg)).subarray(0, (group.tagSize ?? 0) / 8);
        expect(constantTimeEqual(mac, hex(tag ?? '')), `case ${tcId}`).toBe(result === 'valid');
        ran += 1;
      }
    }
    expect(ran).toBe(suite.numberOfTests);
  });
});

describe('P-256 signatures', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = p256SigningKey(new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
  const message = utf8('attested');
  const verify = (signature: Bytes): boolean => verifyP256({ publicKey: key.publicKey, message, signature });
  const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  /** The same signature with n − s: as valid to ECDSA itself. */
  const flipS = (der: Bytes): Bytes => {
    const rs = Uint8Array.from(decodeDerSignature(der) ?? expect.fail('not the one form'));
    let s = N - BigInt(`0x${toHex(rs.subarray(32))}`);
    for (let i = 63; i >= 32; i -= 1) {
      rs[i] = Number(s & 0xffn);
      s >>= 8n;
    }
    return encodeDerSignature(rs);
  };

  it('always have low s, and verify; the same with n - s is refused [C3]', () => {
    for (let i = 0; i < 40; i += 1) {
      const signature = key.sign(message);
      expect(verify(signature)).toBe(true);
      const twin = flipS(signature);
      expect(toHex(twin)).not.toBe(toHex(signature));
      expect(decodeDerSignature(twin)).toBeUndefined();
      expect(verify(twin)).toBe(false);
    }
  });

  it('of others are accepted in low form only, though both forms are valid to ECDSA [C3]', () => {
    const seen = new Set<boolean>();
    for (let i = 0; i < 64 && seen.size < 2; i += 1) {
      const rs = new Uint8Array(nodeSign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }));
      const low = withLowS(rs) === rs;
      seen.add(low);
      expect(verify(encodeDerSignature(rs))).toBe(low);
      expect(verify(encodeDerSignature(withLowS(rs)))).toBe(true);
    }
    expect(seen.size).toBe(2);
  });

  it('have one spelling: no other bytes that BER would read alike [C3]', () => {
    const signature = key.sign(message);
    const length = signature[3] ?? 0;
    const spellings = [
      Uint8Array.of(...signature, 0),
      Uint8Array.of(0x30, 0x81, ...signature.subarray(1)), // long length
      Uint8Array.of(0x30, (signature[1] ?? 0) + 1, 0x02, length + 1, 0, ...signature.subarray(4)), // padded r
      signature.subarray(0, signature.byteLength - 1),
      Uint8Array.of(0x31, ...signature.subarray(1)),
      new Uint8Array(0),
    ];
    for (const bytes of spellings) expect(verify(bytes), toHex(bytes)).toBe(false);
  });

  it('decode to what was encoded, for every r and low s', () => {
    const scalar = fc.bigInt({ min: 1n, max: N / 2n });
    const fixed = (value: bigint): Bytes => hex(value.toString(16).padStart(64, '0'));
    fc.assert(
      fc.property(scalar, scalar, fc.nat(), fc.integer({ min: 1, max: 255 }), (r, s, at, change) => {
        const rs = Uint8Array.of(...fixed(r), ...fixed(s));
        const der = encodeDerSignature(rs);
        expect(toHex(decodeDerSignature(der) ?? new Uint8Array(0))).toBe(toHex(rs));
        const other = Uint8Array.from(der);
        other[at % der.byteLength] = (other[at % der.byteLength] ?? 0) ^ change;
        const read = decodeDerSignature(other);
        if (read !== undefined) expect(toHex(encodeDerSignature(read))).toBe(toHex(other)); // still the one form of what it says
      }),
    );
  });

  it('refuse a key of another curve', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(() => p256SigningKey(new Uint8Array(other.privateKey.export({ format: 'der', type: 'pkcs8' })))).toThrow(expect.objectContaining({ code: 'crypto.key' }));
    const spki = new Uint8Array(createPublicKey(other.privateKey).export({ format: 'der', type: 'spki' }));
    expect(verifyP256({ publicKey: spki, message, signature: key.sign(message) })).toBe(false);
  });
});
