/**
 * Bytes from a stream of events → the event, verified (reference/02 §5.4).
 *
 *   W1  `decodeEvent` is ours: the wrapper that transports carry is opened like a bare envelope, and where any key is configured an
 *       unsigned event is refused, unless the caller says that unsigned ones are wanted; a key id has one algorithm, so that a sender
 *       never chooses how it is checked;
 *   W2  `decodeEventAsReference` gives the reference's result: wrappers are events like any other, and no keys means no check.
 */
import type { Bytes } from '../../base/bytes.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { isJsonObject, type JsonValue } from '../../base/json.ts';
import { type FloatReading, parseTypedJson } from '../../base/typed-json.ts';
import { EVENTS } from '../events/catalogue.ts';
import { EVENT_ATTRIBUTES, parseEventText } from '../events/envelope-codec.ts';
import type { CloudEvent, SignedEventEnvelope } from '../events/envelope.ts';
import { type EnvelopeKeys, parseEnvelope, verifyEnvelope } from './envelope.ts';

const ENVELOPE_MEMBERS = { own: new Set(['event', 'signerKid', 'algorithm', 'signature', 'notBefore', 'notAfter']), inside: { event: EVENT_ATTRIBUTES } };

/** @throws CellError `json.invalid` | `event.invalid` */
export function parseEnvelopeText(input: Bytes | string, floats?: FloatReading): SignedEventEnvelope {
  return parseEnvelope(parseTypedJson(input, ENVELOPE_MEMBERS, floats));
}

function tryEnvelope(input: Bytes | string, floats?: FloatReading): SignedEventEnvelope | undefined {
  try {
    return parseEnvelopeText(input, floats);
  } catch (error) {
    if (isCellError(error, 'event.invalid') || isCellError(error, 'json.invalid')) return undefined;
    throw error;
  }
}

function unsigned(): never {
  throw new CellError('signature.invalid', 'Cannot accept an event: it is not signed, and signatures are required', { facts: { reason: 'unsigned' } });
}

function readUnsigned(input: Bytes | string, floats?: FloatReading): CloudEvent {
  try {
    return parseEventText(input, floats);
  } catch (error) {
    throw new CellError('event.invalid', `Cannot read an event: it is neither a signed envelope nor a CloudEvent: ${messageOf(error)}`, { facts: { reason: 'unreadable' }, cause: error });
  }
}

const hasKeys = (keys: EnvelopeKeys): boolean => keys.ed25519.size > 0 || (keys.hmac?.size ?? 0) > 0;

/** [W2] @throws CellError `signature.invalid` | `event.invalid` */
export function decodeEventAsReference(input: Bytes | string, options: { keys: EnvelopeKeys; requireSigned: boolean }): CloudEvent {
  const envelope = tryEnvelope(input, 'reference');
  if (envelope !== undefined) return hasKeys(options.keys) ? verifyEnvelope(envelope, options.keys) : envelope.event;
  return options.requireSigned ? unsigned() : readUnsigned(input, 'reference');
}

export interface DecodedEvent {
  readonly event: CloudEvent;
  /** The key that speaks for it; undefined when nothing was verified. */
  readonly signerKid?: string;
}

function envelopeIn(data: JsonValue | undefined): SignedEventEnvelope {
  return parseEnvelope(isJsonObject(data) ? data : null);
}

/** [W1] @param options.allowUnsigned accept what no signature covers although there are keys. @throws CellError `signature.invalid` | `event.invalid` */
export function decodeEvent(input: Bytes | string, options: { keys: EnvelopeKeys; allowUnsigned?: boolean }): DecodedEvent {
  const bare = tryEnvelope(input);
  const outer = bare === undefined ? readUnsigned(input) : undefined;
  const envelope = outer?.type === EVENTS.signedEnvelope.type ? envelopeIn(outer.data) : bare;
  if (!hasKeys(options.keys)) return { event: envelope?.event ?? (outer as CloudEvent) };
  if (envelope !== undefined) {
    const { signerKid } = envelope;
    if (options.keys.ed25519.has(signerKid) && options.keys.hmac?.has(signerKid) === true) {
      throw new CellError('config.invalid', `Cannot verify events: "${signerKid}" names an ed25519 and an hmac-sha256 key; give each a name of its own`, { facts: { kid: signerKid } });
    }
    return { event: verifyEnvelope(envelope, options.keys), signerKid };
  }
  return options.allowUnsigned === true ? { event: outer as CloudEvent } : unsigned();
}
