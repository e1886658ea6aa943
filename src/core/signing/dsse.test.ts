import { generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8Lossy, toBase64, toBase64Url, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey, p256SigningKey } from '../../base/crypto.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { type DsseKey, preAuthEncoding, verifyDsse } from './dsse.ts';

const TYPE = 'application/vnd.example+json';
const payload = utf8('{"a":1}');
const keys = Array.from({ length: 4 }, (_, n) => ed25519SigningKey(new Uint8Array(32).fill(n + 1)));
const known = (n: number, keyid = `k${n}`): DsseKey => ({ keyid, publicKey: (keys[n] as (typeof keys)[number]).publicKey });
const sig = (n: number, type = TYPE, body = payload): Uint8Array => (keys[n] as (typeof keys)[number]).sign(preAuthEncoding(type, body));
const signatureOf = (n: number, keyid: string | undefined = `k${n}`): JsonObject => jsonObject({ keyid, sig: toBase64(sig(n)) });
const envelope = (signatures: JsonValue, members: { readonly [key: string]: JsonValue | undefined } = {}): JsonObject => jsonObject({ payloadType: TYPE, payload: toBase64(payload), signatures, ...members });
const refusal = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason } });

describe('preAuthEncoding()', () => {
  it('is what the protocol gives as its example, and counts bytes', () => {
    expect(decodeUtf8Lossy(preAuthEncoding('http://example.com/HelloWorld', utf8('hello world')))).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
    expect(decodeUtf8Lossy(preAuthEncoding('é', new Uint8Array(0)))).toBe('DSSEv1 2 é 0 ');
  });

  it('is another for each type and payload [S1]', () => {
    const part = fc.constantFrom('', ' ', '1', ' 1', '1 ', 'a', ' 1 a', '0 ', 'a 0', ' 0 ');
    fc.assert(
      fc.property(part, part, part, part, (type1, body1, type2, body2) => {
        const same = decodeUtf8Lossy(preAuthEncoding(type1, utf8(body1))) === decodeUtf8Lossy(preAuthEncoding(type2, utf8(body2)));
        expect(same).toBe(type1 === type2 && body1 === body2);
      }),
    );
  });
});

describe('verifyDsse()', () => {
  it('hands out what a known key has signed, from JSON or what was parsed of it', () => {
    const good = envelope([signatureOf(0)]);
    for (const form of [good, JSON.stringify(good), utf8(JSON.stringify(good)), JSON.parse(JSON.stringify(good)) as JsonObject]) {
      const verified = verifyDsse(form, [known(0)]);
      expect([decodeUtf8Lossy(verified.payload), verified.payloadType, verified.keys]).toEqual(['{"a":1}', TYPE, [known(0)]]);
    }
  });

  it('binds the type, and takes only those it was told to take [S1]', () => {
    expect(() => verifyDsse(envelope([signatureOf(0)], { payloadType: 'application/other' }), [known(0)])).toThrow(refusal('untrusted'));
    expect(verifyDsse(envelope([signatureOf(0)]), { keys: [known(0)], payloadTypes: ['x', TYPE] }).payloadType).toBe(TYPE);
    expect(() => verifyDsse(envelope([signatureOf(0)]), { keys: [known(0)], payloadTypes: ['x'] })).toThrow(refusal('payload-type'));
    const untyped = envelope([jsonObject({ sig: toBase64(sig(0, '')) })], { payloadType: '' });
    for (const payloadTypes of [undefined, [''], ['x']]) expect(() => verifyDsse(untyped, { keys: [known(0)], ...(payloadTypes === undefined ? {} : { payloadTypes }) })).toThrow(refusal('payload-type'));
  });

  it('does not care what a key is called [S2]', () => {
    for (const keyid of ['k0', 'k1', 'nobody', '', undefined]) expect(verifyDsse(envelope([signatureOf(0, keyid)]), [known(1), known(0)]).keys).toEqual([known(0)]);
    expect(() => verifyDsse(envelope([signatureOf(2, 'k0')]), [known(0), known(1)])).toThrow(refusal('untrusted'));
  });

  it('counts keys by their bytes, each once [S3]', () => {
    const two = { keys: [known(0), known(1), known(2)], threshold: 2 };
    expect(verifyDsse(envelope([signatureOf(2), signatureOf(3), signatureOf(0)]), two).keys.map((key) => key.keyid)).toEqual(['k2', 'k0']);
    for (const signatures of [[signatureOf(0)], [signatureOf(0), signatureOf(0)], [signatureOf(0), signatureOf(0, 'k1')], [signatureOf(0), signatureOf(3)]]) expect(() => verifyDsse(envelope(signatures), two)).toThrow(refusal('untrusted'));
    // One key under two names is one key: a threshold of two is out of reach.
    expect(() => verifyDsse(envelope([signatureOf(0), signatureOf(0, 'alias')]), { keys: [known(0), known(0, 'alias')], threshold: 2 })).toThrow(expect.objectContaining({ code: 'crypto.key' }));
    expect(verifyDsse(envelope([signatureOf(0), signatureOf(0, 'alias')]), [known(0), known(0, 'alias')]).keys.length).toBe(1);
  });

  it('accepts exactly the sets of signers that reach the threshold', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }), fc.subarray([0, 1, 2, 3], { minLength: 1 }), fc.integer({ min: 1, max: 4 }), (signers, trusted, threshold) => {
        fc.pre(threshold <= trusted.length);
        const reached = new Set(signers.filter((n) => trusted.includes(n))).size >= threshold;
        const verify = (): unknown => verifyDsse(envelope(signers.map((n) => signatureOf(n))), { keys: trusted.map((n) => known(n)), threshold });
        if (reached) expect(verify).not.toThrow();
        else expect(verify).toThrow(refusal('untrusted'));
      }),
      { numRuns: 100 },
    );
  });

  it('takes base64 of either alphabet, with its padding or without, and no other spelling', () => {
    const body = utf8('>>>???\u00ff');
    const of = (text: string, signature = toBase64(sig(0, TYPE, body))): JsonObject => envelope([jsonObject({ sig: signature })], { payload: text });
    const standard = toBase64(body);
    expect(standard).toMatch(/[+/].*=$/);
    for (const text of [standard, toBase64Url(body), standard.replaceAll('=', ''), `${toBase64Url(body)}=`.replace(/=+$/, standard.endsWith('==') ? '==' : '=')]) expect(decodeUtf8Lossy(verifyDsse(of(text), [known(0)]).payload)).toBe('>>>???\u00ff');
    expect(verifyDsse(of(standard, toBase64Url(sig(0, TYPE, body))), [known(0)]).keys.length).toBe(1);
    const both = utf8('>>>???');
    expect(() => verifyDsse(envelope([jsonObject({ sig: toBase64(sig(0, TYPE, both)) })], { payload: 'Pj4+Pz8_' }), [known(0)])).toThrow(refusal('malformed'));
    expect(verifyDsse(envelope([jsonObject({ sig: toBase64(sig(0, TYPE, both)) })], { payload: 'Pj4-Pz8_' }), [known(0)]).keys.length).toBe(1);
    for (const text of [`${standard}=`, `${standard} `, `\n${standard}`, standard.slice(0, -3), `${standard.slice(0, -2)}B=`, 'A', '====']) expect(() => verifyDsse(of(text), [known(0)]), text).toThrow(refusal('malformed'));
  });

  it('takes an empty payload, also when it is left out', () => {
    const signatures = [jsonObject({ sig: toBase64(sig(0, TYPE, new Uint8Array(0))) })];
    for (const empty of ['', undefined]) expect(verifyDsse(envelope(signatures, { payload: empty }), [known(0)]).payload.byteLength).toBe(0);
  });

  it('refuses everything that is no envelope', () => {
    const one = signatureOf(0);
    const bad: JsonValue[] = [null, 1, [], jsonObject({}), envelope([]), envelope(one), envelope([one, null]), envelope([one, 'x']), envelope([jsonObject({ keyid: 1, sig: toBase64(sig(0)) })]), envelope([jsonObject({ keyid: 'k0', sig: 1 })]), envelope([jsonObject({ keyid: 'k0', sig: '*' })]), envelope([one], { payloadType: 1 }), envelope([one], { payload: 1 }), envelope([one], { payloadType: '\ud800' }), envelope(Array.from({ length: LIMITS.dsseSignaturesMax + 1 }, () => one))];
    for (const value of bad) expect(() => verifyDsse(value as JsonObject, [known(0)])).toThrow(refusal('malformed'));
    const twice = JSON.stringify(envelope([one])).replace('"payload":', '"payload":"","payload":');
    expect(() => verifyDsse(twice, [known(0)])).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    expect(() => verifyDsse(envelope([jsonObject({ keyid: 'k0' })]), [known(0)])).toThrow(refusal('untrusted'));
  });

  it('refuses verifiers that nothing, or anything, would satisfy', () => {
    const good = envelope([signatureOf(0)]);
    const bad: unknown[] = [[], { keys: [] }, { keys: [known(0)], threshold: 0 }, { keys: [known(0)], threshold: 2 }, { keys: [known(0)], threshold: 0.5 }, { keys: [known(0)], threshold: Number.NaN }, [{ publicKey: 'x' }], [{ algorithm: 'none', publicKey: new Uint8Array(32) }], Array.from({ length: LIMITS.dsseSignaturesMax + 1 }, () => known(0))];
    for (const verifiers of bad) expect(() => verifyDsse(good, verifiers as never)).toThrow(expect.objectContaining({ code: 'crypto.key' }));
  });

  it('takes P-256 signatures as others write them: DER or r ‖ s, either s; and of the example of the protocol', () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { publicKey } = p256SigningKey(new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
    const key: DsseKey = { algorithm: 'ecdsa-p256-sha256', publicKey };
    for (let n = 0; n < 20; n += 1) {
      for (const dsaEncoding of ['der', 'ieee-p1363'] as const) {
        const signature = nodeSign('sha256', preAuthEncoding(TYPE, payload), { key: pair.privateKey, dsaEncoding });
        expect(verifyDsse(envelope([jsonObject({ sig: toBase64(signature) })]), [known(0), key]).keys).toEqual([key]);
        signature[signature.byteLength - 1] = (signature[signature.byteLength - 1] ?? 0) ^ 1;
        expect(() => verifyDsse(envelope([jsonObject({ sig: toBase64(signature) })]), [key])).toThrow(refusal('untrusted'));
      }
    }
    const [x, y] = [46950820868899156662930047687818585632848591499744589407958293238635476079160n, 5640078356564379163099075877009565129882514886557779369047442380624545832820n];
    const spki = Buffer.from(`3059301306072a8648ce3d020106082a8648ce3d03010703420004${x.toString(16).padStart(64, '0')}${y.toString(16).padStart(64, '0')}`, 'hex');
    const example = '{"payload": "aGVsbG8gd29ybGQ=", "payloadType": "http://example.com/HelloWorld", "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}';
    expect(decodeUtf8Lossy(verifyDsse(example, [{ algorithm: 'ecdsa-p256-sha256', publicKey: spki }]).payload)).toBe('hello world');
  });
});
