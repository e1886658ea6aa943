import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8 } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { jsonObject } from '../../base/json.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { parseEnvelope, signEvent, signEventHmac, verifyEnvelope } from './envelope.ts';
import { publishedEvent, readSigningSettings, requireSigningSettings, standaloneEvent } from './signing-config.ts';

const seed = new Uint8Array(32).fill(3);
const event: CloudEvent = { specversion: '1.0', id: 'e', source: 's', type: 't', data: jsonObject({ cellId: 'c', n: 1 }) };
const good = { toggle: 'ed25519', kid: 'k', key: toBase64Url(seed) };

describe('readSigningSettings()', () => {
  it('signs nothing, and warns of nothing, when it is off', () => {
    for (const toggle of [undefined, '', '  ', 'off', ' OFF ']) expect(readSigningSettings({ ...good, toggle })).toEqual({ warnings: [] });
  });

  it('signs with the algorithm that is named, in any case and with space around', () => {
    const key = ed25519SigningKey(seed);
    for (const toggle of ['ed25519', ' Ed25519 ']) {
      const { sign, warnings } = readSigningSettings({ toggle, kid: ' k ', key: ` ${good.key}== ` });
      expect(warnings).toEqual([]);
      expect(sign?.(event)).toEqual(signEvent(event, { kid: 'k', sign: key.sign }));
    }
    for (const toggle of ['hmac', 'HMAC-SHA256']) {
      const { sign, warnings } = readSigningSettings({ toggle, kid: 'k', key: toBase64Url(utf8('s')) });
      expect(warnings).toEqual([]);
      expect(sign?.(event)).toEqual(signEventHmac(event, { kid: 'k', key: utf8('s') }));
    }
  });

  const KID = 'CELLOS_EVENT_SIGNING_KID';
  const KEY = 'CELLOS_EVENT_SIGNING_KEY_BASE64';
  const cases: [object, string, string, string][] = [
    [{ toggle: ' RSA ' }, 'CELLOS_EVENT_SIGNING', 'RSA', 'unknown-algorithm'],
    [{ kid: undefined }, KID, '', 'kid-unset'],
    [{ kid: '  ' }, KID, '', 'kid-empty'],
    [{ key: undefined }, KEY, '', 'key-unset'],
    [{ key: '*' }, KEY, '<base64 decode failed>', 'key-not-base64url'],
    [{ key: 'AA=A' }, KEY, '<base64 decode failed>', 'key-not-base64url'],
    [{ key: 'AA' }, KEY, '<1 bytes>', 'key-length'],
    [{ key: '' }, KEY, '<0 bytes>', 'key-length'],
    [{ toggle: 'hmac', key: '=' }, KEY, '<empty>', 'key-empty'],
    [{ kid: undefined, key: undefined }, KID, '', 'kid-unset'],
  ];
  it.each(cases)('reports the first of %j alone, without key material [G1]', (change, name, value, reason) => {
    expect(readSigningSettings({ ...good, ...change })).toEqual({ warnings: [{ var: name, value, reason }] });
    expect(() => requireSigningSettings({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'config.invalid', message: `Cannot sign events: ${name} is unusable (${reason}); set it, or set CELLOS_EVENT_SIGNING=off`, facts: { var: name, value, reason } }));
  });

  it('is the configuration itself where nothing is wrong [G2]', () => {
    expect(requireSigningSettings({})).toEqual({ warnings: [] });
    expect(requireSigningSettings(good).sign?.(event).signerKid).toBe('k');
  });
});

describe('what is published', () => {
  const { sign } = readSigningSettings(good);
  const keys = { ed25519: new Map([['k', ed25519SigningKey(seed).publicKey]]) };

  it('is redacted first, then signed, and bare without a key [G3]', () => {
    const wrapper = publishedEvent(event, { redact: new Set(['cellId']), sign });
    expect(wrapper.type).toBe('dev.cellos.events.signed_envelope.v1');
    expect(verifyEnvelope(parseEnvelope(wrapper.data ?? null), keys).data).toEqual(jsonObject({ cellId: '[redacted]', n: 1 }));
    expect(publishedEvent(event, { redact: new Set(['n']) })).toEqual({ ...event, data: jsonObject({ cellId: 'c', n: '[redacted]' }) });
  });

  it('says that it is unsigned, where the reference signs one by one', () => {
    expect(standaloneEvent(event, { redact: new Set(), sign }).type).toBe('dev.cellos.events.signed_envelope.v1');
    expect(standaloneEvent(event, { redact: new Set(['n']) }).data).toEqual(jsonObject({ cellId: 'c', n: '[redacted]', signed: false }));
    const { data, ...bare } = event;
    expect(data).toBeDefined();
    expect(standaloneEvent(bare, { redact: new Set() })).toEqual({ ...bare, data: jsonObject({ signed: false }) });
    expect(standaloneEvent({ ...bare, data: [1] }, { redact: new Set() })).toEqual({ ...bare, data: [1] });
  });
});
