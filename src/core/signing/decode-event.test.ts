import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { eventText } from '../events/envelope-codec.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { decodeEvent, decodeEventAsReference } from './decode-event.ts';
import { envelopeText, signEvent, wrapEnvelope } from './envelope.ts';
import { readSigningSettings, requireSigningSettings, standaloneEvent } from './signing-config.ts';
import { parseVerifyKeys } from './verify-keys.ts';

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

describe('signing settings', () => {
  const good = { toggle: 'ed25519', kid: 'k', key: toBase64Url(seed) };

  it('that are asked for and unusable refuse the start, and never show the key [G1] [G2]', () => {
    expect(requireSigningSettings({}).sign).toBeUndefined();
    expect(requireSigningSettings(good).sign?.(event).signature).toBe(envelope.signature);
    for (const settings of [{ ...good, toggle: 'rsa' }, { ...good, kid: ' ' }, { ...good, key: 'c2VjcmV0LWtleQ' }, { toggle: 'hmac', kid: 'k', key: '=' }, { toggle: 'hmac', kid: 'k' }]) {
      expect(() => requireSigningSettings(settings)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
      expect(JSON.stringify(readSigningSettings(settings).warnings)).not.toContain('c2Vj');
    }
  });

  it('that are off leave a mark on the events that would have been signed alone', () => {
    expect(standaloneEvent({ ...event, data: 'text' }, { redact: new Set() }).data).toBe('text');
    expect(standaloneEvent(event, { redact: new Set(['cellId']) }).data).toEqual(expect.objectContaining({ cellId: '[redacted]', signed: false }));
  });
});

describe('parseVerifyKeys()', () => {
  it('finds a key id that stands twice in two spellings [X1]', () => {
    const value = toBase64Url(key.publicKey);
    expect(() => parseVerifyKeys(`{"k":"${value}","\\u006b":"${value}"}`)).toThrow(expect.objectContaining({ facts: { reason: 'duplicate-kid', kid: 'k' } }));
  });

  it('loads keys of small order, with which nothing ever verifies [X2]', () => {
    const loaded = parseVerifyKeys(`{"k":"${toBase64Url(Uint8Array.of(1, ...new Uint8Array(31)))}"}`);
    expect(() => decodeEvent(envelopeText({ ...envelope, signature: toBase64Url(Uint8Array.of(1, ...new Uint8Array(63))) }), { keys: { ed25519: loaded } })).toThrow(refusal('bad-signature'));
    expect(() => parseVerifyKeys(`{"k":"${toBase64Url(Uint8Array.of(2, ...new Uint8Array(31)))}"}`)).toThrow(expect.objectContaining({ facts: { reason: 'not-a-point', kid: 'k' } }));
  });
});
