/** Bare events (section 7): JSON Lines of envelopes, one by one. Here the reference's reading holds: members that are not known are dropped, what may be missing is null. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { decode, fitsEd25519 } from './crypto.ts';
import { canonical, isMap, type Json, type JsonMap, readJson, Refusal, refuse, textAt } from './json.ts';
import { EXTENSIONS, LINE_BYTES_MAX } from './records.ts';

export interface BareKeys {
  readonly ed25519: ReadonlyMap<string, Uint8Array>;
  readonly hmac?: ReadonlyMap<string, Uint8Array>;
}

export interface BareJudgement {
  readonly verdict: 'authentic-unordered' | 'untrusted-key' | 'tampered';
  readonly firstBad?: { readonly seq: number; readonly line: number };
}

/** The event as it was signed. @throws Refusal */
export function asReferenceReads(value: Json | undefined): JsonMap {
  if (!isMap(value)) return refuse('no event');
  const event = new Map<string, Json>();
  for (const key of ['specversion', 'id', 'source', 'type']) event.set(key, textAt(value, key));
  for (const key of ['datacontenttype', 'time', 'traceparent']) event.set(key, (value.get(key) ?? null) === null ? null : textAt(value, key));
  event.set('data', value.get('data') ?? null);
  const extensions = EXTENSIONS.filter((key) => (value.get(key) ?? null) !== null);
  if (extensions.every((key) => typeof value.get(key) === 'string')) for (const key of extensions) event.set(key, value.get(key) ?? null);
  return event;
}

function isEnvelope(value: Json | undefined): value is JsonMap {
  return isMap(value) && ['algorithm', 'event', 'signature', 'signerKid'].every((key) => value.has(key));
}

type Signed = 'proof' | 'internal' | 'unknown';

function judgeLine(line: Uint8Array, keys: BareKeys): Signed {
  const value = readJson(line);
  const inner = isMap(value) ? value.get('data') : undefined;
  const envelope = isEnvelope(value) ? value : isEnvelope(inner) ? inner : refuse('no envelope');
  const [kid, algorithm] = [textAt(envelope, 'signerKid'), textAt(envelope, 'algorithm')];
  for (const bound of ['notBefore', 'notAfter']) if ((envelope.get(bound) ?? null) !== null) textAt(envelope, bound);
  const event = canonical(asReferenceReads(envelope.get('event')));
  const signature = decode(textAt(envelope, 'signature').replace(/=+$/, ''), 'base64url');
  if (algorithm === 'hmac-sha256') {
    if (keys.ed25519.has(kid)) refuse('an HMAC under the kid of a key');
    const key = keys.hmac?.get(kid);
    if (key === undefined) return 'unknown';
    const expected = createHmac('sha256', key).update(event).digest();
    return signature.byteLength === 32 && timingSafeEqual(expected, signature) ? 'internal' : refuse('another HMAC');
  }
  if (algorithm !== 'ed25519') return refuse('another algorithm');
  const key = keys.ed25519.get(kid);
  if (key === undefined) return 'unknown';
  return fitsEd25519(key, event, signature) ? 'proof' : refuse('the signature does not fit');
}

/** @param file JSON Lines; the last line may lack its newline */
export function verifyBare(file: Uint8Array, keys: BareKeys): BareJudgement {
  let [seq, line, at] = [0, 0, 0];
  let internal = false;
  while (at < file.byteLength) {
    const found = file.indexOf(10, at);
    const end = found < 0 ? file.byteLength : found;
    const bytes = file.subarray(at, end);
    at = end + 1;
    line += 1;
    if (bytes.byteLength === 0) continue;
    const signed = bytes.byteLength > LINE_BYTES_MAX ? 'tampered' : judged(bytes, keys);
    if (signed === 'tampered') return { verdict: 'tampered', firstBad: { seq, line } };
    if (signed === 'unknown') return { verdict: 'untrusted-key', firstBad: { seq, line } };
    internal ||= signed === 'internal';
    seq += 1;
  }
  return { verdict: internal ? 'untrusted-key' : 'authentic-unordered' };
}

function judged(bytes: Uint8Array, keys: BareKeys): Signed | 'tampered' {
  try {
    return judgeLine(bytes, keys);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return 'tampered';
  }
}
