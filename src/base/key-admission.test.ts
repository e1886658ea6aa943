/** What a public key has to be to be named in a keyset, and the time in an id. */
import { describe, expect, it } from 'vitest';
import { fromBase64Url, fromHex } from './bytes.ts';
import { ed25519SigningKey, isP256PublicKey, p256SigningKey } from './crypto.ts';
import { isAdmissiblePoint } from './ed25519-point.ts';
import { ulid, ulidTimeMs } from './ids.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? expect.fail('no hex');

describe('isAdmissiblePoint()', () => {
  it('takes the one encoding of a point of the curve that is not of small order', () => {
    const { publicKey } = ed25519SigningKey(new Uint8Array(32).fill(1));
    expect(isAdmissiblePoint(publicKey)).toBe(true);
    expect(isAdmissiblePoint(publicKey.subarray(1))).toBe(false);
    expect(isAdmissiblePoint(Uint8Array.of(...publicKey, 0))).toBe(false);
    const refused = ['00'.repeat(32), `01${'00'.repeat(31)}`, `02${'00'.repeat(31)}`, `ee${'ff'.repeat(30)}7f`, `f0${'ff'.repeat(30)}ff`, '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'];
    for (const hex of refused) expect(isAdmissiblePoint(bytes(hex)), hex).toBe(false);
  });
});

describe('isP256PublicKey()', () => {
  const { publicKey } = p256SigningKey(fromBase64Url('MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw') as Uint8Array);

  it('takes the DER that everybody writes, of a point of the curve', () => {
    expect(isP256PublicKey(publicKey)).toBe(true);
    expect(isP256PublicKey(publicKey.subarray(0, 90))).toBe(false);
    expect(isP256PublicKey(Uint8Array.of(...publicKey, 0))).toBe(false);
    const off = Uint8Array.from(publicKey);
    off[90] = (off[90] ?? 0) ^ 1;
    expect(isP256PublicKey(off)).toBe(false);
    // The same point, compressed: another spelling.
    const compressed = Uint8Array.from([...bytes('3039301306072a8648ce3d020106082a8648ce3d030107032200'), 2 + ((publicKey[90] ?? 0) & 1), ...publicKey.subarray(27, 59)]);
    expect(isP256PublicKey(compressed)).toBe(false);
    expect(isP256PublicKey(bytes(`302a300506032b6570032100${'09'.repeat(32)}`))).toBe(false);
  });
});

describe('ulidTimeMs()', () => {
  it('reads the time that ulid() wrote, in either case', () => {
    for (const ms of [0, 1, 1_772_600_000_123, 2 ** 48 - 1]) {
      const id = ulid(ms, new Uint8Array(10).fill(255));
      expect([ulidTimeMs(id), ulidTimeMs(id.toLowerCase())]).toEqual([ms, ms]);
    }
    for (const text of ['', 'run', '8zzzzzzzzzzzzzzzzzzzzzzzzz', `${'0'.repeat(25)}u`, '0'.repeat(27), `0${'i'.repeat(25)}`]) expect(ulidTimeMs(text), text).toBeUndefined();
  });
});
