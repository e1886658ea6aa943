import { describe, expect, it } from 'vitest';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { JsonFloat } from '../../base/json.ts';
import { eventText } from '../events/envelope-codec.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { decodeEvent, decodeEventAsReference, parseEnvelopeText } from './decode-event.ts';
import { envelopeText, signEvent, signEventHmac, wrapEnvelope } from './envelope.ts';

const seed = new Uint8Array(32).fill(3);
const key = ed25519SigningKey(seed);
const keys = { ed25519: new Map([['k', key.publicKey]]) };
const event: CloudEvent = { specversion: '1.0', id: 'e', source: 's', type: 't', data: { cellId: 'c' } };
const envelope = signEvent(event, { kid: 'k', sign: key.sign });
const forged = { ...envelope, event: { ...event, id: 'x' } };
const refusal = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: expect.objectContaining({ reason }) as unknown });

describe('decodeEvent()', () => {
  it('verifies a bare envelope and the wrapper that transports carry alike [W1]', () => {
    for (const text of [envelopeText(envelope), eventText(wrapEnvelope(envelope))]) expect(decodeEvent(text, { keys })).toMatchObject({ signerKid: 'k', event: { id: 'e' } });
    for (const text of [envelopeText(forged), eventText(wrapEnvelope(forged))]) expect(() => decodeEvent(text, { keys })).toThrow(refusal('bad-signature'));
    expect(decodeEventAsReference(eventText(wrapEnvelope(forged)), { keys, requireSigned: false }).type).toBe('dev.cellos.events.signed_envelope.v1');
  });

  it('refuses an event whose signature was taken off, unless unsigned ones are wanted [W1]', () => {
    expect(() => decodeEvent(eventText(event), { keys })).toThrow(refusal('unsigned'));
    expect(decodeEvent(eventText(event), { keys, allowUnsigned: true })).toEqual({ event: expect.objectContaining({ id: 'e' }) as unknown });
    expect(decodeEventAsReference(eventText(event), { keys, requireSigned: false }).id).toBe('e');
  });

  it('says that nothing was verified where there is no key', () => {
    for (const text of [envelopeText(forged), eventText(wrapEnvelope(forged)), eventText(event)]) expect(decodeEvent(text, { keys: { ed25519: new Map() } }).signerKid).toBeUndefined();
  });

  it('refuses a key id with two algorithms, and a revoked one [W1]', () => {
    expect(() => decodeEvent(envelopeText(envelope), { keys: { ...keys, hmac: new Map([['k', key.publicKey]]) } })).toThrow(expect.objectContaining({ code: 'config.invalid' }));
    expect(() => decodeEvent(envelopeText(envelope), { keys: { ...keys, revokedKids: new Set(['k']) } })).toThrow(refusal('revoked-kid'));
  });

  it('names what is neither', () => {
    for (const text of ['{}', 'x', '[]', '"x"', '{"event":1}']) expect(() => decodeEvent(text, { keys })).toThrow(expect.objectContaining({ code: 'event.invalid', facts: { reason: 'unreadable' } }));
  });
});

describe('decodeEvent() and the words it refuses with', () => {
  const text = envelopeText(envelope);

  it('says what is unsigned, and what cannot be read and why', () => {
    for (const act of [() => decodeEvent(eventText(event), { keys }), () => decodeEventAsReference(eventText(event), { keys, requireSigned: true })]) {
      expect(act).toThrow(expect.objectContaining({ message: 'Cannot accept an event: it is not signed, and signatures are required', facts: { reason: 'unsigned' } }));
    }
    expect(() => decodeEvent('{}', { keys })).toThrow(expect.objectContaining({ message: expect.stringMatching(/^Cannot read an event: it is neither a signed envelope nor a CloudEvent: Cannot read/) as string, cause: expect.objectContaining({ code: expect.any(String) as string }) as unknown }));
    expect(() => decodeEvent(text, { keys: { ...keys, hmac: new Map([['k', key.publicKey]]) } })).toThrow(expect.objectContaining({ message: 'Cannot verify events: "k" names an ed25519 and an hmac-sha256 key; give each a name of its own', facts: { kid: 'k' } }));
    expect(decodeEvent(text, { keys: { ...keys, hmac: new Map([['other', key.publicKey]]) } }).signerKid).toBe('k');
  });

  it('opens a wrapper whose data is no envelope with what is wrong of it', () => {
    const wrapper = wrapEnvelope(envelope);
    for (const data of [undefined, 'x']) expect(() => decodeEvent(eventText({ ...wrapper, data } as CloudEvent), { keys })).toThrow(expect.objectContaining({ code: 'event.invalid', message: expect.stringContaining('Cannot read a signed envelope') as string }));
  });

  it('takes HMAC keys for keys, too [W1]', () => {
    const mac = signEventHmac(event, { kid: 'm', key: seed });
    const hmac = { ed25519: new Map(), hmac: new Map([['m', seed]]) };
    expect(decodeEvent(envelopeText(mac), { keys: hmac })).toMatchObject({ signerKid: 'm' });
    expect(() => decodeEvent(eventText(event), { keys: hmac })).toThrow(refusal('unsigned'));
    expect(decodeEvent(eventText(event), { keys: { ed25519: new Map(), hmac: new Map() } })).toEqual({ event: expect.objectContaining({ id: 'e' }) as unknown });
    expect(() => decodeEventAsReference(envelopeText({ ...mac, event: forged.event }), { keys: hmac, requireSigned: false })).toThrow(refusal('bad-signature'));
  });

  it('gives the result of the reference: no key means no check, a wrapper is an event [W2]', () => {
    expect(decodeEventAsReference(envelopeText(forged), { keys: { ed25519: new Map() }, requireSigned: true }).id).toBe('x');
    expect(() => decodeEventAsReference(envelopeText(forged), { keys, requireSigned: false })).toThrow(refusal('bad-signature'));
    expect(decodeEventAsReference(text, { keys, requireSigned: true }).id).toBe('e');
    expect(() => decodeEventAsReference(eventText(wrapEnvelope(envelope)), { keys, requireSigned: true })).toThrow(refusal('unsigned'));
  });

  it('reads floats as the signer printed them; by the rule of the reference some break', () => {
    const float = 9.424777960769379e-7;
    const signed = envelopeText(signEvent({ ...event, data: new JsonFloat(float) }, { kid: 'k', sign: key.sign }));
    expect(decodeEvent(signed, { keys }).signerKid).toBe('k');
    expect(() => decodeEventAsReference(signed, { keys, requireSigned: true })).toThrow(refusal('bad-signature'));
    const bare = eventText({ ...event, data: new JsonFloat(float) });
    const read = (decoded: CloudEvent): number | undefined => (decoded.data instanceof JsonFloat ? decoded.data.value : undefined);
    expect([read(decodeEvent(bare, { keys, allowUnsigned: true }).event), read(decodeEventAsReference(bare, { keys, requireSigned: false }))]).toEqual([float, 9.42477796076938e-7]);
  });

  it('refuses an envelope with a known member twice, as an event that it is not', () => {
    for (const name of ['event', 'signerKid', 'algorithm', 'signature', 'notBefore', 'notAfter']) {
      expect(() => parseEnvelopeText(envelopeText({ ...envelope, notBefore: 'a', notAfter: 'b' }).replace('{', `{"${name}":null,`)), name).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    }
    expect(() => parseEnvelopeText(text.replace('"id":', '"id":"y","id":'))).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    expect(parseEnvelopeText(text.replace('{', '{"x":1,"x":2,')).signerKid).toBe('k');
  });
});
