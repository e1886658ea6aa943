/** Any bytes as a signed event from a stream: never accepted by a key that did not sign it, and the two readings never disagree about a bare one. */
import assert from 'node:assert/strict';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { isCellError } from '../../src/base/errors.ts';
import { canonicalEventText } from '../../src/core/events/envelope-codec.ts';
import type { CloudEvent } from '../../src/core/events/envelope.ts';
import { decodeEvent, decodeEventAsReference, parseEnvelopeText } from '../../src/core/signing/decode-event.ts';
import { envelopeText, signEvent, verifyEnvelope } from '../../src/core/signing/envelope.ts';

const key = ed25519SigningKey(new Uint8Array(32).fill(42));
const keys = { ed25519: new Map([['k', key.publicKey]]), hmac: new Map([['m', Uint8Array.of(1)]]) };

/** A good envelope to begin mutating from. */
export const seeds: readonly string[] = [envelopeText(signEvent({ specversion: '1.0', id: '1', source: 's', type: 't', data: { a: [1, null] } }, { kid: 'k', sign: key.sign }))];

function outcome(work: () => CloudEvent): string {
  try {
    return canonicalEventText(work());
  } catch (error) {
    if (isCellError(error)) return error.code;
    throw error;
  }
}

export default function fuzzEnvelope(bytes: Uint8Array): void {
  const decoded = outcome(() => decodeEvent(bytes, { keys }).event);
  outcome(() => decodeEventAsReference(bytes, { keys, requireSigned: true }));
  const envelope = parseEnvelopeText(bytes);
  assert.equal(decoded, outcome(() => verifyEnvelope(envelope, keys)));
  const signed = signEvent(envelope.event, { kid: 'k', sign: key.sign });
  assert.equal(verifyEnvelope(parseEnvelopeText(envelopeText(signed)), keys).id, envelope.event.id);
}
