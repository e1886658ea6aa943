/** Adapters of vectors/events about keys, signatures and signed envelopes. */
import assert from 'node:assert/strict';
import { type Bytes, fromHex, toHex, utf8 } from '../../src/base/bytes.ts';
import { constantTimeEqual, ed25519SigningKey, hmacSha256, sha256, verifyEd25519 } from '../../src/base/crypto.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { DEFAULT_CRYPTO_IDENTITY } from '../../src/core/events/authority.ts';
import { canonicalEventText, eventText, parseCloudEvent } from '../../src/core/events/envelope-codec.ts';
import type { CloudEvent } from '../../src/core/events/envelope.ts';
import { parseRedactFields, redactEvent } from '../../src/core/events/redact.ts';
import { decodeEventAsReference } from '../../src/core/signing/decode-event.ts';
import { type EnvelopeKeys, envelopeText, parseEnvelope, signEvent, signEventHmac, verifyEnvelope, wrapEnvelope } from '../../src/core/signing/envelope.ts';
import { publishedEvent, readSigningSettings, standaloneEvent } from '../../src/core/signing/signing-config.ts';
import { parseVerifyKeys } from '../../src/core/signing/verify-keys.ts';
import { objectMember, optionalText, refuses, refusesFor, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

export function hexMember(object: JsonObject, key: string): Bytes {
  const bytes = fromHex(textMember(object, key));
  assert.ok(bytes !== undefined, `${key} is not hex`);
  return bytes;
}

/** kid → key of a member that holds hex. */
export function keysMember(object: JsonObject, key: string): Map<string, Bytes> {
  const keys = object[key];
  return isJsonObject(keys) ? new Map(Object.keys(keys).map((kid) => [kid, hexMember(keys, kid)])) : new Map();
}

export function signerOf(input: JsonObject): { kid: string; sign: (message: Bytes) => Bytes } {
  return { kid: textMember(input, 'kid'), sign: ed25519SigningKey(hexMember(objectMember(input, 'key'), 'seed_hex')).sign };
}

/** The texts of the reference's verification, in its order, and our reasons. */
export const ENVELOPE_REASONS = [
  [/^parse: /, 'event.invalid'],
  [/signer_kid_revoked/, 'revoked-kid'],
  [/signature is not valid base64url/, 'bad-base64'],
  [/signed event envelope: unknown algorithm/, 'unknown-algorithm'],
  [/unknown (ed25519|hmac-sha256) signer kid/, 'unknown-kid'],
  [/must be (64|32) bytes/, 'bad-length'],
  [/(ed25519|hmac-sha256) verify failed/, 'bad-signature'],
] as const;

export const VERIFY_CODES: readonly ErrorCode[] = ['signature.invalid', 'event.invalid'];

const DECODE_REASONS = [
  [/payload is not a SignedEventEnvelopeV1$/, 'unsigned'],
  [/^payload is neither/, 'unreadable'],
  ...ENVELOPE_REASONS,
] as const;

const KEY_FILE_REASONS = [
  [/JSON parse error/, 'json.invalid'],
  [/top-level value must be a JSON object/, 'not-an-object'],
  [/duplicate kid/, 'duplicate-kid'],
  [/must be a base64url string/, 'not-a-string'],
  [/is not valid base64url/, 'not-base64url'],
  [/bytes, expected 32/, 'bad-length'],
  [/not a valid Ed25519 verifying key/, 'not-a-point'],
] as const;

const CONFIG_REASONS = [
  [/^unknown algorithm/, 'unknown-algorithm'],
  [/requires a kid but/, 'kid-unset'],
  [/^kid is empty/, 'kid-empty'],
  [/requires a key but/, 'key-unset'],
  [/^invalid base64url/, 'key-not-base64url'],
  [/requires a 32-byte key/, 'key-length'],
  [/requires a non-empty key/, 'key-empty'],
] as const;

const settingsOf = (env: JsonObject) => ({
  toggle: optionalText(env['CELLOS_EVENT_SIGNING']),
  kid: optionalText(env['CELLOS_EVENT_SIGNING_KID']),
  key: optionalText(env['CELLOS_EVENT_SIGNING_KEY_BASE64']),
});

/** `not-wrapped`, `verifies`, or `refused`. */
function innerVerdict(event: CloudEvent, keys: EnvelopeKeys): string {
  if (event.type !== 'dev.cellos.events.signed_envelope.v1') return 'not-wrapped';
  try {
    verifyEnvelope(parseEnvelope(event.data ?? null), keys);
    return 'verifies';
  } catch {
    return 'refused';
  }
}

function checkSink(ours: CloudEvent, keys: EnvelopeKeys, expected: JsonObject): void {
  assert.equal(eventText(ours), textMember(expected, 'emitted_json'));
  const verdict = textMember(expected, 'inner_verification');
  assert.equal(innerVerdict(ours, keys), verdict === 'verifies' || verdict === 'not-wrapped' ? verdict : 'refused');
}

export const signingAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/sign_event': ({ input, expect }) => {
    const event = parseCloudEvent(input['event'] ?? null);
    const envelope = input['algorithm'] === 'ed25519' ? signEvent(event, signerOf(input)) : signEventHmac(event, { kid: textMember(input, 'kid'), key: hexMember(input, 'key_hex') });
    const ok = objectMember(expect, 'ok');
    assert.equal(toHex(utf8(canonicalEventText(event))), textMember(ok, 'payload_hex'));
    assert.equal(envelopeText(envelope), textMember(ok, 'envelope_json'));
    const keys = input['algorithm'] === 'ed25519' ? { ed25519: new Map([[envelope.signerKid, hexMember(objectMember(input, 'key'), 'public_hex')]]) } : { ed25519: new Map(), hmac: new Map([[envelope.signerKid, hexMember(input, 'key_hex')]]) };
    verifyEnvelope(envelope, keys);
  },

  'events/verify_event': ({ input, expect }) => {
    const revoked = (input['revoked_kids'] ?? []) as readonly string[];
    const keys = { ed25519: keysMember(input, 'ed25519_keys_hex'), hmac: keysMember(input, 'hmac_keys_hex'), revokedKids: new Set(revoked) };
    const verify = () => verifyEnvelope(parseEnvelope(input['envelope'] ?? null), keys);
    if (expect['error'] === undefined) {
      const ok = objectMember(expect, 'ok');
      const event = verify();
      assert.deepEqual([event.id, event.type], [ok['verified_event_id'], ok['verified_event_type']]);
    } else refusesFor(verify, textMember(expect, 'error'), ENVELOPE_REASONS, VERIFY_CODES);
  },

  'events/crypto_provider': ({ input, expect }) => {
    const refused = expect['error'] !== undefined;
    switch (textMember(input, 'fn')) {
      case 'sign_ed25519': {
        const sign = () => {
          const key = ed25519SigningKey(hexMember(input, 'seed_hex'));
          return { public_hex: toHex(key.publicKey), signature_hex: toHex(key.sign(hexMember(input, 'message_hex'))) };
        };
        if (refused) refuses(sign, ['crypto.key']);
        else assert.deepEqual({ ...sign() }, { ...objectMember(expect, 'ok') });
        return;
      }
      case 'public_key_from_seed': {
        const derive = () => toHex(ed25519SigningKey(hexMember(input, 'seed_hex')).publicKey);
        if (refused) refuses(derive, ['crypto.key']);
        else assert.equal(derive(), expect['ok']);
        return;
      }
      case 'verify_ed25519':
        assert.equal(verifyEd25519({ publicKey: hexMember(input, 'public_hex'), message: hexMember(input, 'message_hex'), signature: hexMember(input, 'signature_hex') }), !refused);
        return;
      case 'hmac_sha256': {
        const mac = hmacSha256(hexMember(input, 'key_hex'), hexMember(input, 'message_hex'));
        assert.equal(toHex(mac), expect['ok']);
        assert.ok(constantTimeEqual(mac, mac));
        return;
      }
      case 'sha256':
        assert.equal(toHex(sha256(hexMember(input, 'message_hex'))), expect['ok']);
        return;
      case 'identity':
        assert.deepEqual({ ...DEFAULT_CRYPTO_IDENTITY }, { ...objectMember(expect, 'ok') });
        return;
      default:
        assert.fail(`no such function: ${textMember(input, 'fn')}`);
    }
  },

  'events/decode_event': ({ input, expect }) => {
    const revoked = (input['revoked_kids'] ?? []) as readonly string[];
    const keys = { ed25519: keysMember(input, 'ed25519_keys_hex'), hmac: keysMember(input, 'hmac_keys_hex'), revokedKids: new Set(revoked) };
    const decode = () => decodeEventAsReference(textMember(input, 'text'), { keys, requireSigned: input['require_signed'] === true });
    if (expect['error'] === undefined) {
      const { id, type } = decode();
      assert.deepEqual({ id, type }, { ...objectMember(expect, 'ok') });
    } else refusesFor(decode, textMember(expect, 'error'), DECODE_REASONS, VERIFY_CODES);
  },

  'events/signing_config': ({ input, expect }) => {
    const config = readSigningSettings(settingsOf(objectMember(input, 'env')));
    const ok = objectMember(expect, 'ok');
    assert.equal(config.sign !== undefined, ok['enabled']);
    const expected = (ok['warnings'] as readonly JsonObject[]).map((warning) => ({
      var: warning['var'],
      value: warning['value'],
      reason: CONFIG_REASONS.find(([pattern]) => pattern.test(textMember(warning, 'reason')))?.[1],
    }));
    assert.deepEqual([...config.warnings], expected);
  },

  'events/signing_sink': ({ input, expect }) => {
    const env = objectMember(input, 'env');
    const event = parseCloudEvent(input['event'] ?? null);
    const redact = parseRedactFields(optionalText(env['CELLOS_REDACT_EVENT_FIELDS']));
    const { sign } = readSigningSettings(settingsOf(env));
    const kid = optionalText(env['CELLOS_EVENT_SIGNING_KID'])?.trim() ?? '';
    const keys = { ed25519: new Map([[kid, hexMember(input, 'key_public_hex')]]), hmac: new Map([[kid, hexMember(input, 'hmac_key_hex')]]) };
    const ok = objectMember(expect, 'ok');
    // The reference signs first and lets the redactor edit what it signed; ours never does: see "our own order" below.
    checkSink(redactEvent(sign === undefined ? event : wrapEnvelope(sign(event)), redact), keys, objectMember(ok, 'composed'));
    const standalone = objectMember(ok, 'standalone');
    checkSink(standaloneEvent(event, { redact, sign }), keys, standalone);
    assert.equal(sign !== undefined, standalone['returned_envelope']);
    // Our own order: what is published always verifies.
    assert.equal(innerVerdict(publishedEvent(event, { redact, sign }), keys), sign === undefined ? 'not-wrapped' : 'verifies');
  },

  'events/trust_verify_keys': ({ input, expect }) => {
    const read = () => parseVerifyKeys(textMember(input, 'text'));
    if (expect['error'] === undefined) {
      const keys: Record<string, JsonValue> = {};
      for (const [kid, key] of read()) keys[kid] = toHex(key);
      assert.deepEqual({ ...jsonObject(keys) }, { ...objectMember(expect, 'ok') });
    } else refusesFor(read, textMember(expect, 'error'), KEY_FILE_REASONS, ['document.invalid', 'json.invalid']);
  },
};
