import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { JsonFloat, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { canonicalEventText, eventText, eventToJson, parseCloudEvent, parseEventText } from '../events/envelope-codec.ts';
import { CEX_KEYS, type CloudEvent } from '../events/envelope.ts';
import { redactEvent } from '../events/redact.ts';
import { parseEnvelopeText } from './decode-event.ts';
import { envelopeText, envelopeToJson, parseEnvelope, signEvent, signEventHmac, verifyEnvelope, wrapEnvelope } from './envelope.ts';
import { publishedEvent } from './signing-config.ts';

const key = ed25519SigningKey(new Uint8Array(32).fill(9));
const signer = { kid: 'k', sign: key.sign };
const keys = { ed25519: new Map([['k', key.publicKey]]) };

const name = fc.string({ unit: fc.constantFrom('a', 'argv', 'Z', '1', '"', '\\', 'é', '\ue000', '\u{1f600}'), maxLength: 4 });
const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    name,
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new JsonFloat(value)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }).map((members) => jsonObject(members)),
  ),
})).value;
const maybeText = fc.option(name, { nil: undefined });
const event: fc.Arbitrary<CloudEvent> = fc
  .record({ id: name, source: name, type: name, datacontenttype: maybeText, data: fc.option(json, { nil: undefined }), time: maybeText, traceparent: maybeText, cex: fc.dictionary(fc.constantFrom(...CEX_KEYS), name) })
  .map(({ cex, data, ...rest }) => {
    const given = Object.fromEntries(Object.entries({ ...rest, data: data ?? undefined }).filter(([, value]) => value !== undefined));
    return { specversion: '1.0', ...given, ...(Object.keys(cex).length === 0 ? {} : { cex }) } as CloudEvent;
  });

describe('texts of an event', () => {
  it('are the canonical form, and read back as the same event', () => {
    fc.assert(
      fc.property(event, (given) => {
        expect(canonicalEventText(given)).toBe(canonicalText(eventToJson(given)));
        expect(canonicalText(parseJson(eventText(given), { floats: 'exact' }))).toBe(canonicalEventText(given));
        expect(canonicalEventText(parseCloudEvent(parseJson(canonicalEventText(given))))).toBe(canonicalEventText(given));
        expect(canonicalText(parseJson(envelopeText(signEvent(given, signer))))).toBe(canonicalText(envelopeToJson(signEvent(given, signer))));
      }),
    );
  });

  it('keep keys that look like numbers in the order of their bytes', () => {
    const given = parseEventText('{"specversion":"1.0","id":"","source":"","type":"","data":{"b":1,"9":1,"10":1}}');
    expect(eventText(given)).toContain('"data":{"10":1,"9":1,"b":1}');
  });
});

describe('signEvent() and verifyEnvelope()', () => {
  it('agree for every event, by both algorithms', () => {
    fc.assert(
      fc.property(event, (given) => {
        expect(verifyEnvelope(parseEnvelope(envelopeToJson(signEvent(given, signer))), keys).id).toBe(given.id);
        const hmac = { kid: 'm', key: Uint8Array.of(1, 2, 3) };
        expect(verifyEnvelope(signEventHmac(given, hmac), { ed25519: new Map(), hmac: new Map([['m', hmac.key]]) }).id).toBe(given.id);
      }),
    );
  });

  it('take an absent and a null attribute for the same', () => {
    fc.assert(
      fc.property(event, fc.subarray(['datacontenttype', 'data', 'time', 'traceparent']), (given, dropped) => {
        const withNulls: Record<string, JsonValue> = { ...eventToJson(given) };
        for (const key of dropped) withNulls[key] = null;
        const without = Object.fromEntries(Object.entries(withNulls).filter(([, value]) => value !== null)) as JsonObject;
        expect(signEvent(parseCloudEvent(withNulls), signer).signature).toBe(signEvent(parseCloudEvent(without), signer).signature);
      }),
    );
  });

  it('fail for any changed byte of the canonical event', () => {
    fc.assert(
      fc.property(event, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, change) => {
        const envelope = signEvent(given, signer);
        const bytes = new TextEncoder().encode(canonicalEventText(given));
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
        let changed: CloudEvent;
        try {
          changed = parseCloudEvent(parseJson(bytes));
        } catch {
          return; // no event any more
        }
        if (canonicalEventText(changed) === canonicalEventText(given)) return; // an attribute that is not covered: its name was changed from null
        expect(() => verifyEnvelope({ ...envelope, event: changed }, keys)).toThrow(expect.objectContaining({ facts: { reason: 'bad-signature', kid: 'k' } }));
      }),
    );
  });

  it('fail for any changed byte of the signature', () => {
    const envelope = signEvent({ specversion: '1.0', id: '1', source: 's', type: 't' }, signer);
    for (let i = 0; i < 64; i += 1) {
      const bytes = fromBase64Url(envelope.signature) ?? expect.fail('not base64url');
      bytes[i] = (bytes[i] ?? 0) ^ 0x10;
      expect(() => verifyEnvelope({ ...envelope, signature: toBase64Url(bytes) }, keys), String(i)).toThrow(expect.objectContaining({ code: 'signature.invalid' }));
    }
  });

  it('enforce the validity of an envelope where a time is given, and refuse one that is no time', () => {
    const base = signEvent({ specversion: '1.0', id: '1', source: 's', type: 't' }, signer);
    const at = (envelope: object, nowMs: number) => () => verifyEnvelope({ ...base, ...envelope }, { ...keys, nowMs });
    const day = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2026-01-02T00:00:00Z' };
    const noon = Date.parse('2026-01-01T12:00:00Z');
    expect(at(day, noon)().id).toBe('1');
    for (const refused of [at(day, noon - 86_400_000), at(day, noon + 86_400_000), at({ notAfter: 'soon' }, noon), at({ notBefore: '' }, noon)]) {
      expect(refused).toThrow(expect.objectContaining({ facts: { reason: 'outside-validity', kid: 'k' } }));
    }
    expect(verifyEnvelope({ ...base, ...day }, keys).id).toBe('1');
  });
});

describe('publishedEvent()', () => {
  it('always verifies, whatever was redacted', () => {
    fc.assert(
      fc.property(event, fc.array(name, { maxLength: 4 }), (given, names) => {
        const redact = new Set(names);
        const published = publishedEvent(given, { redact, sign: (inner) => signEvent(inner, signer) });
        const inner = parseEnvelope(published.data ?? null);
        expect(canonicalEventText(verifyEnvelope(inner, keys))).toBe(canonicalEventText(redactEvent(given, redact)));
        expect(canonicalEventText(verifyEnvelope(parseEnvelope(parseEventText(eventText(published)).data ?? null), keys))).toBe(canonicalEventText(inner.event));
      }),
    );
  });

  it('wraps with id, time and traceparent of the event, and without its cex attributes', () => {
    const inner: CloudEvent = { specversion: '1.0', id: 'e', source: 's', type: 't', time: 'T', traceparent: 'P', cex: { cexsessionid: 'S' } };
    const wrapper = wrapEnvelope(signEvent(inner, signer));
    expect(wrapper).toMatchObject({ id: 'e', time: 'T', traceparent: 'P', source: '/cellos-supervisor/event-signing', type: 'dev.cellos.events.signed_envelope.v1' });
    expect(wrapper.cex).toBeUndefined();
  });
});

describe('parseEnvelopeText()', () => {
  it('refuses a member that stands twice, and takes the last one inside data', () => {
    const text = envelopeText(signEvent({ specversion: '1.0', id: '1', source: 's', type: 't' }, signer));
    for (const twice of ['"signerKid":"k"', '"signature":"x"', '"algorithm":"ed25519"']) {
      expect(() => parseEnvelopeText(text.replace(/}$/, `,${twice}}`))).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    }
    expect(parseEnvelopeText(text.replace('"data":null', '"data":{"a":1,"a":2}')).event.data).toEqual(jsonObject({ a: 2 }));
  });
});

describe('parseEnvelope()', () => {
  const good = envelopeToJson({ ...signEvent({ specversion: '1.0', id: '1', source: 's', type: 't' }, signer), notBefore: 'a', notAfter: 'b' });
  const no = (what: string, facts: object = {}) => expect.objectContaining({ code: 'event.invalid', message: `Cannot read a signed envelope: ${what}`, facts });
  const parse = (change: Record<string, JsonValue | undefined>) => () => parseEnvelope(jsonObject({ ...good, ...change }));

  it('reads every member, the window where there is one', () => {
    expect(envelopeToJson(parseEnvelope(good))).toEqual(good);
    expect(Object.keys(parse({ notBefore: null, notAfter: undefined })()).sort()).toEqual(['algorithm', 'event', 'signature', 'signerKid']);
    expect(envelopeText(parseEnvelope(good))).toMatch(/^\{"event":\{.*\},"signerKid":"k","algorithm":"ed25519","signature":"[^"]+","notBefore":"a","notAfter":"b"\}$/);
    expect(envelopeText(parse({ notBefore: null, notAfter: null })())).toMatch(/"signature":"[^"]+"\}$/);
  });

  it('refuses another shape, and says what of it', () => {
    for (const value of [null, 'x', []] as JsonValue[]) expect(() => parseEnvelope(value)).toThrow(no('it is not an object'));
    for (const key of ['signerKid', 'algorithm', 'signature']) {
      expect(parse({ [key]: undefined }), key).toThrow(no(`its ${key} is missing`, { key }));
      expect(parse({ [key]: 1 }), key).toThrow(no(`its ${key} is not a string`, { key }));
    }
    for (const key of ['notBefore', 'notAfter']) expect(parse({ [key]: 1 }), key).toThrow(no(`its ${key} is not a string`, { key }));
    expect(parse({ event: undefined })).toThrow(expect.objectContaining({ code: 'event.invalid' }));
  });
});

describe('verifyEnvelope() refuses in the order of the reference [V1]', () => {
  const plain: CloudEvent = { specversion: '1.0', id: '1', source: 's', type: 't' };
  const good = signEvent(plain, signer);
  const secret = Uint8Array.of(1, 2, 3);
  const mac = signEventHmac(plain, { kid: 'm', key: secret });
  const all = { ...keys, hmac: new Map([['m', secret]]) };
  const cases: [string, object, string, string][] = [
    ['an algorithm nobody knows', { algorithm: 'rsa' }, 'unknown-algorithm', 'algorithm "rsa" is neither ed25519 nor hmac-sha256'],
    ['an algorithm in another case', { algorithm: 'Ed25519' }, 'unknown-algorithm', 'algorithm "Ed25519" is neither ed25519 nor hmac-sha256'],
    ['a signature that is no base64url, before its algorithm', { algorithm: 'rsa', signature: '*' }, 'bad-base64', 'the signature is not base64url'],
    ['padding in front', { signature: `=${good.signature}` }, 'bad-base64', 'the signature is not base64url'],
    ['a key nobody knows, before its length', { signerKid: 'x', signature: 'AA' }, 'unknown-kid', 'no ed25519 key is named "x"'],
    ['an HMAC under the name of an Ed25519 key', { algorithm: 'hmac-sha256' }, 'unknown-kid', 'no hmac-sha256 key is named "k"'],
    ['a short signature', { signature: 'AA' }, 'bad-length', 'the signature has 1 bytes, not 64'],
    ['a short MAC', { ...mac, signature: 'AA' }, 'bad-length', 'the signature has 1 bytes, not 32'],
    ['another signature', { signature: signEvent({ ...plain, id: '2' }, signer).signature }, 'bad-signature', 'the signature of "k" does not fit the event'],
    ['another MAC', { ...mac, signature: signEventHmac(plain, { kid: 'm', key: Uint8Array.of(1) }).signature }, 'bad-signature', 'the signature of "m" does not fit the event'],
  ];
  it.each(cases)('%s', (_, change, reason, what) => {
    const envelope = { ...good, ...change };
    expect(() => verifyEnvelope(envelope, all)).toThrow(expect.objectContaining({ code: 'signature.invalid', message: `Cannot accept a signed event: ${what}`, facts: { reason, kid: envelope.signerKid } }));
  });

  it('a revoked key before anything else, and nothing of what is good', () => {
    expect(() => verifyEnvelope({ ...good, signature: '*' }, { ...all, revokedKids: new Set(['k']) })).toThrow(expect.objectContaining({ message: 'Cannot accept a signed event: key "k" is revoked', facts: { reason: 'revoked-kid', kid: 'k' } }));
    expect(verifyEnvelope({ ...good, signature: `${good.signature}==` }, { ...all, revokedKids: new Set(['m']) })).toBe(good.event);
    expect(verifyEnvelope(mac, all)).toBe(mac.event);
    expect(() => verifyEnvelope(mac, keys)).toThrow(expect.objectContaining({ facts: { reason: 'unknown-kid', kid: 'm' } }));
  });

  it('a window, ends included, where a time is given', () => {
    const nowMs = Date.parse('2026-01-01T00:00:00Z');
    const at = (window: object, time = nowMs) => () => verifyEnvelope({ ...good, ...window }, { ...all, nowMs: time });
    const now = '2026-01-01T00:00:00Z';
    expect(at({ notBefore: now, notAfter: now }, nowMs + 0.9)().id).toBe('1');
    expect(at({})().id).toBe('1');
    const no = (what: string) => expect.objectContaining({ message: `Cannot accept a signed event: ${what}`, facts: { reason: 'outside-validity', kid: 'k' } });
    expect(at({ notBefore: '2026-01-01T00:00:00.001Z' })).toThrow(no('it is valid from 2026-01-01T00:00:00.001Z to ever only'));
    expect(at({ notAfter: '2025-12-31T23:59:59.999Z' })).toThrow(no('it is valid from ever to 2025-12-31T23:59:59.999Z only'));
    expect(at({ notAfter: 'soon' })).toThrow(no('its validity "soon" is not a time'));
  });
});

describe('wrapEnvelope()', () => {
  it('has time and traceparent where the event has them', () => {
    const bare = wrapEnvelope(signEvent({ specversion: '1.0', id: 'e', source: 's', type: 't' }, signer));
    expect(Object.keys(bare).sort()).toEqual(['data', 'datacontenttype', 'id', 'source', 'specversion', 'type']);
    expect(bare).toMatchObject({ specversion: '1.0', datacontenttype: 'application/json' });
  });
});
