import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8 } from '../../base/bytes.ts';
import { verifyEd25519 } from '../../base/crypto.ts';
import { sampleKey } from '../../testing/sample-keys.ts';
import { LIMITS } from '../../base/limits.ts';
import { parseHmacKeys, parseVerifyKeys } from './verify-keys.ts';

const [a, b] = [sampleKey('event', 1).publicKey, sampleKey('event', 2).publicKey];
const text = toBase64Url(a);
const refused = (reason: string, message: string, kid = '') => expect.objectContaining({ code: 'document.invalid', message: `Cannot read the verification keys: ${message}`, facts: { reason, kid } });

describe('parseVerifyKeys()', () => {
  it('takes a bounded number of keys [X3]', () => {
    const file = (count: number): string => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, '!'])));
    expect(() => parseVerifyKeys(file(LIMITS.verifyKeysMax + 1))).toThrow(expect.objectContaining({ facts: { reason: 'too-many', kid: '' } }));
    expect(() => parseVerifyKeys(file(LIMITS.verifyKeysMax))).toThrow(expect.objectContaining({ facts: { reason: 'not-base64url', kid: 'k0' } }));
  });

  it('reads keys in the order of their ids, padded or not', () => {
    expect([...parseVerifyKeys(`{"b":"${toBase64Url(b)}==","a":"${text}","\u{1f600}":"${text}","\ue000":"${text}","":"${text}"}`)]).toEqual([['', a], ['a', a], ['b', b], ['\ue000', a], ['\u{1f600}', a]]);
    expect(parseVerifyKeys(utf8('{}')).size).toBe(0);
  });

  it('finds a key id that stands twice in two spellings, and does not look into values [X1]', () => {
    expect(() => parseVerifyKeys(`{"k":"${text}","\\u006b":"${text}"}`)).toThrow(refused('duplicate-kid', 'the key id "k" stands twice', 'k'));
  });

  it('loads keys of small order, with which nothing ever verifies [X2]', () => {
    const small = Uint8Array.of(1, ...new Uint8Array(31));
    expect(parseVerifyKeys(`{"k":"${toBase64Url(small)}"}`).get('k')).toEqual(small);
    expect(verifyEd25519({ publicKey: small, message: utf8('x'), signature: Uint8Array.of(1, ...new Uint8Array(63)) })).toBe(false);
  });

  const cases: [string, string, string, string?][] = [
    ['[]', 'not-an-object', 'it is not an object of key ids and public keys'],
    ['"x"', 'not-an-object', 'it is not an object of key ids and public keys'],
    [`{"k":"${text}","k":"${text}"}`, 'duplicate-kid', 'the key id "k" stands twice', 'k'],
    ['{"k":{}}', 'not-a-string', 'the value of "k" is not a string', 'k'],
    ['{"k":{"x":1,"x":2}}', 'not-a-string', 'the value of "k" is not a string', 'k'],
    ['{"k":"a=b"}', 'not-base64url', 'the value of "k" is not base64url', 'k'],
    ['{"k":"AA"}', 'bad-length', 'the key "k" has 1 bytes, not 32', 'k'],
    [`{"k":"${toBase64Url(Uint8Array.of(...a, 1))}"}`, 'bad-length', 'the key "k" has 33 bytes, not 32', 'k'],
    [`{"k":"${toBase64Url(Uint8Array.of(2, ...new Uint8Array(31)))}"}`, 'not-a-point', 'the key "k" is no point of the curve', 'k'],
    ['{"z":1,"a":2}', 'not-a-string', 'the value of "a" is not a string', 'a'],
  ];
  it.each(cases)('refuses %s', (input, reason, message, kid) => {
    expect(() => parseVerifyKeys(input)).toThrow(refused(reason, message, kid));
  });
});

describe('parseHmacKeys()', () => {
  it('takes any bytes but none', () => {
    expect([...parseHmacKeys('{"k":"AA==","l":"AAAA"}')]).toEqual([['k', new Uint8Array(1)], ['l', new Uint8Array(3)]]);
    expect(() => parseHmacKeys('{"k":"="}')).toThrow(refused('empty', 'the key "k" has no bytes', 'k'));
    expect(() => parseHmacKeys('{"k":"*"}')).toThrow(refused('not-base64url', 'the value of "k" is not base64url', 'k'));
  });
});
