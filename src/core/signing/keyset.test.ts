import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from '../../base/bytes.ts';
import { canonicalBytes } from '../../base/canonical-json.ts';
import { digestOf } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { rootMap, SAMPLE_ROOT, sampleEnvelopes, sampleKey, type SampleKey } from '../../testing/sample-keys.ts';
import { isUtcTime, type KeysetKey, makeKeyset, verifyKeyset } from './keyset.ts';
import { PAYLOAD_TYPES } from './keyset-envelope.ts';

const [event, checkpoint, bundle] = [sampleKey('event', 1), sampleKey('checkpoint', 2), sampleKey('bundle', 3)];
const pin = { roots: rootMap(), threshold: 1 };
const RUN = '01kjk0000000000000000000zz';
const good = sampleEnvelopes([[event, checkpoint, bundle]], { notAfter: '2027-01-01T00:00:00Z' })[0] as Bytes;

const envelopeOf = (bytes: Bytes): Record<string, JsonValue> => ({ ...(parseJson(bytes) as JsonObject) });
const payloadOf = (envelope: Record<string, JsonValue>): Record<string, JsonValue> => ({ ...(parseJson(fromBase64Url(envelope['payload'] as string) as Bytes) as JsonObject) });

/** A keyset whose payload is what `edit` makes of it, signed again by who may: the outside repeats it. */
function signed(edit: (payload: Record<string, JsonValue>) => void, signers: readonly SampleKey[] = [SAMPLE_ROOT], raw?: (payload: Bytes) => Bytes): JsonValue {
  const body = payloadOf(envelopeOf(good));
  edit(body);
  const canonical = canonicalBytes(jsonObject(body));
  const payload = raw?.(canonical) ?? canonical;
  const signatures = [...signers].sort((a, b) => (a.kid < b.kid ? -1 : 1)).map((signer) => jsonObject({ signerKid: signer.kid, algorithm: 'ed25519', signature: toBase64Url(signer.sign(payload)) }));
  return jsonObject({ schemaVersion: '1.0.0', payloadType: PAYLOAD_TYPES.keyset, payload: toBase64Url(payload), payloadDigest: digestOf(payload), producedAt: body['producedAt'], requiredSignerCount: body['threshold'], replacesEnvelopeDigest: body['previous'], signatures });
}

/** The good one with other members outside. */
function outside(change: Record<string, JsonValue | undefined>): JsonValue {
  return jsonObject({ ...envelopeOf(good), ...change });
}

/** With other members inside, signed again. */
function inside(change: Record<string, JsonValue | undefined>): JsonValue {
  return signed((body) => {
    for (const [name, value] of Object.entries(change)) {
      if (value === undefined) delete body[name];
      else body[name] = value;
    }
  });
}

function keysOf(edit: (keys: Record<string, JsonValue>[]) => void): JsonValue {
  return signed((body) => {
    const keys = (body['keys'] as JsonObject[]).map((key) => ({ ...key }));
    edit(keys);
    body['keys'] = keys.map((key) => jsonObject(key));
  });
}

const key = (at: number, change: Record<string, JsonValue | undefined>): JsonValue => keysOf((keys) => void keys.splice(at, 1, jsonObject({ ...keys[at], ...change }) as Record<string, JsonValue>));

function refusal(value: JsonValue, by: Parameters<typeof verifyKeyset>[1] = pin): [unknown, string] {
  try {
    verifyKeyset(value, by);
  } catch (error) {
    if (error instanceof CellError && error.code === 'signature.invalid') return [error.facts['reason'], error.message.replace('Cannot use the keyset: ', '')];
    throw error;
  }
  return ['accepted', ''];
}

describe('makeKeyset() and verifyKeyset()', () => {
  it('agree on everything that was said', () => {
    const retired: KeysetKey = { ...sampleKey('event', 9), state: 'retired', until: { kind: 'run', run: RUN, seq: 4 } };
    const lost: KeysetKey = { ...sampleKey('event', 10), state: 'compromised', until: { kind: 'time', time: '2026-01-01T00:00:00Z' } };
    const keys = [SAMPLE_ROOT, event, retired, lost].map(({ kid, algorithm, purpose, publicKey, state, until }) => ({ kid, algorithm, purpose, publicKey, state, ...(until === undefined ? {} : { until }) }));
    const content = { keysetId: 'k', epoch: 7, previous: digestOf(utf8('before')), producedAt: '2026-01-01T00:00:00.5Z', notAfter: '2027-01-01T00:00:00+00:00', threshold: 1, keys };
    const bytes = makeKeyset({ ...content, signers: [SAMPLE_ROOT] });
    const payload = fromBase64Url(envelopeOf(bytes)['payload'] as string) as Bytes;
    expect(verifyKeyset(parseJson(bytes), pin)).toEqual({ ...content, digest: digestOf(payload), signers: [SAMPLE_ROOT.kid] });
    expect(envelopeOf(bytes)).toMatchObject({ schemaVersion: '1.0.0', payloadType: PAYLOAD_TYPES.keyset, payloadDigest: digestOf(payload), producedAt: content.producedAt, replacesEnvelopeDigest: content.previous, requiredSignerCount: 1 });
    expect(payloadOf(envelopeOf(bytes))).toMatchObject({ schemaVersion: '2.0.0', payloadType: PAYLOAD_TYPES.keyset, epoch: 7, threshold: 1 });
  });

  it('have neither bound nor end where there is none', () => {
    const keyset = verifyKeyset(parseJson(sampleEnvelopes([[event]])[0] as Bytes), pin);
    expect(Object.keys(keyset).sort()).toEqual(['digest', 'epoch', 'keys', 'keysetId', 'producedAt', 'signers', 'threshold']);
    expect(keyset.keys.map((one) => Object.keys(one).sort())).toEqual(Array(2).fill(['algorithm', 'kid', 'publicKey', 'purpose', 'state']));
  });
});

describe('verifyKeyset() on one that is malformed', () => {
  const P = 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f';
  const nonCanonical = Uint8Array.from(Buffer.from(`ee${P.slice(2)}`, 'hex'));
  const cases: [string, JsonValue, string][] = [
    ['no object', 'x', 'the envelope is not an object'],
    ['a member more', outside({ extra: 1 }), 'the envelope has the unknown member extra'],
    ...['schemaVersion', 'payloadType', 'payload', 'payloadDigest', 'producedAt', 'requiredSignerCount', 'signatures'].map((name): [string, JsonValue, string] => [`no ${name}`, outside({ [name]: undefined }), `the envelope has no ${name}`]),
    ['another version', outside({ schemaVersion: '2.0.0' }), 'its schema version is not 1.0.0'],
    ['a number as text', outside({ schemaVersion: 1 }), 'schemaVersion is not a string'],
    ['another type', outside({ payloadType: PAYLOAD_TYPES.ceiling }), 'it is not a keyset'],
    ['no base64url', outside({ payload: '*' }), 'payload is not base64url'],
    ['another digest', outside({ payloadDigest: digestOf(utf8('x')) }), 'the payload is not what its digest says'],
    ['another time outside', outside({ producedAt: '2026-01-02T00:00:00Z' }), 'it says other things outside than inside'],
    ['a threshold outside', outside({ requiredSignerCount: 2 }), 'it says other things outside than inside'],
    ['a link outside', outside({ replacesEnvelopeDigest: digestOf(utf8('x')) }), 'it says other things outside than inside'],
    ['no signatures', outside({ signatures: [] }), 'it has no signatures'],
    ['signatures that are no list', outside({ signatures: 'x' }), 'it has no signatures'],
    ['a signature that is none', outside({ signatures: [1] }), 'a signature is not an object'],
    ['a signature without a name', outside({ signatures: [jsonObject({ algorithm: 'ed25519', signature: '' })] }), 'a signature has no signerKid'],
    ['a signature with a window', outside({ signatures: [jsonObject({ signerKid: 'a', algorithm: 'ed25519', signature: '', notAfter: '' })] }), 'a signature has the unknown member notAfter'],
    ['an HMAC', outside({ signatures: [jsonObject({ signerKid: 'a', algorithm: 'hmac-sha256', signature: '' })] }), 'a signature is not of Ed25519'],
    ['a signature that is no base64url', outside({ signatures: [jsonObject({ signerKid: 'a', algorithm: 'ed25519', signature: '*' })] }), 'signature is not base64url'],
    ['a signature twice', outside({ signatures: [...(envelopeOf(good)['signatures'] as JsonValue[]), ...(envelopeOf(good)['signatures'] as JsonValue[])] }), 'its signatures are not in the order of their key ids, each once'],
    ['a payload with spaces', signed(() => undefined, [SAMPLE_ROOT], (bytes) => utf8(`${new TextDecoder().decode(bytes)} `)), 'the payload is not in canonical form'],
    ['a list as payload', signed(() => undefined, [SAMPLE_ROOT], () => utf8('[]')), 'the payload is not an object'],
    ['a payload with a member more', inside({ extra: 1 }), 'the payload has the unknown member extra'],
    ...['schemaVersion', 'payloadType', 'keysetId', 'epoch', 'keys'].map((name): [string, JsonValue, string] => [`a payload without ${name}`, inside({ [name]: undefined }), `the payload has no ${name}`]),
    ['a payload of the first version', inside({ schemaVersion: '1.0.0' }), 'its payload is of version 1.0.0, not 2.0.0'],
    ['a payload of another type', inside({ payloadType: PAYLOAD_TYPES.revocation }), 'its payload is not a keyset'],
    ['epoch 0', inside({ epoch: 0 }), 'epoch is not a whole number from 1'],
    ['an epoch as text', inside({ epoch: '1' }), 'epoch is not a whole number from 1'],
    ['a huge epoch', inside({ epoch: 2n ** 60n }), 'epoch is not a whole number from 1'],
    ['epoch 2 after nothing', inside({ epoch: 2 }), 'epoch 2 does not say what it follows'],
    ['epoch 1 after another', inside({ previous: digestOf(utf8('x')) }), 'epoch 1 follows another'],
    ['no time', inside({ producedAt: 'now' }), 'producedAt is not a time in UTC'],
    ['no end', inside({ notAfter: '2026-01-01' }), 'notAfter is not a time in UTC'],
    ['threshold 0', inside({ threshold: 0 }), 'threshold is not a whole number from 1'],
    ['a threshold nobody reaches', inside({ threshold: 2 }), 'its threshold is above the number of its root keys'],
    ['an id that is no text', inside({ keysetId: 1 }), 'keysetId is not a string'],
    ['keys that are no list', inside({ keys: jsonObject({}) }), 'keys is not a list'],
    ['too many keys', inside({ keys: Array(LIMITS.keysetKeysMax + 1).fill(1) }), `it has more than ${LIMITS.keysetKeysMax} keys`],
    ['a key that is none', inside({ keys: [1] }), 'a key is not an object'],
    ['a key without a state', key(1, { state: undefined }), 'a key has no state'],
    ['a key with a member more', key(1, { window: '' }), 'a key has the unknown member window'],
    ['an unknown state', key(1, { state: 'fine' }), 'key event-1 has the unknown state fine'],
    ['an unknown purpose', key(1, { purpose: 'mail' }), 'key event-1 is ed25519 for mail'],
    ['a purpose of Object', key(1, { purpose: 'toString' }), 'key event-1 is ed25519 for toString'],
    ['an Ed25519 bundle key', key(1, { purpose: 'bundle' }), 'key event-1 is ed25519 for bundle'],
    ['a P-256 event key', key(3, { purpose: 'event' }), 'key bundle-3 is ecdsa-p256-sha256 for event'],
    ['a retired root', key(0, { state: 'retired', until: jsonObject({ time: '2026-01-01T00:00:00Z' }) }), 'root key root-201 is retired'],
    ['a root to come', key(0, { state: 'next' }), 'root key root-201 is next'],
    ['a retired key without a bound', key(1, { state: 'retired' }), 'key event-1 is retired from no position on'],
    ['an active key with a bound', key(1, { until: jsonObject({ time: '2026-01-01T00:00:00Z' }) }), 'key event-1 is active and has a bound'],
    ['a bound that is none', key(1, { state: 'retired', until: 1 }), 'until is not an object'],
    ['a bound of two kinds', key(1, { state: 'retired', until: jsonObject({ time: '2026-01-01T00:00:00Z', seq: 1 }) }), 'until has the unknown member seq'],
    ['a bound without a record', key(1, { state: 'retired', until: jsonObject({ run: RUN }) }), 'until has no seq'],
    ['a bound before the first record', key(1, { state: 'retired', until: jsonObject({ run: RUN, seq: -1 }) }), 'seq is not a whole number from 0'],
    ['a bound at no time', key(1, { state: 'retired', until: jsonObject({ time: '2026-13-01T00:00:00Z' }) }), 'time is not a time in UTC'],
    ['a bound in no run', key(1, { state: 'retired', until: jsonObject({ run: 'run', seq: 1 }) }), 'until names no run'],
    ['a key that is no base64url', key(1, { publicKey: '*' }), 'publicKey is not base64url'],
    ['a short key', key(1, { publicKey: toBase64Url(event.publicKey.subarray(1)) }), 'key event-1 is no usable ed25519 key'],
    ['a key of small order', key(1, { publicKey: toBase64Url(Uint8Array.of(1, ...new Uint8Array(31))) }), 'key event-1 is no usable ed25519 key'],
    ['a key that is not canonical', key(1, { publicKey: toBase64Url(nonCanonical) }), 'key event-1 is no usable ed25519 key'],
    ['a key off the curve', key(1, { publicKey: toBase64Url(Uint8Array.of(2, ...new Uint8Array(31))) }), 'key event-1 is no usable ed25519 key'],
    ['a bundle key that is none', key(3, { publicKey: toBase64Url(bundle.publicKey.subarray(1)) }), 'key bundle-3 is no usable ecdsa-p256-sha256 key'],
    ['an Ed25519 key as bundle key', key(3, { publicKey: toBase64Url(Uint8Array.from([...Buffer.from('302a300506032b6570032100', 'hex'), ...event.publicKey])) }), 'key bundle-3 is no usable ecdsa-p256-sha256 key'],
    ['one name for two keys', key(2, { kid: 'event-1' }), 'kid event-1 stands twice'],
    ['one key with two names', key(2, { publicKey: toBase64Url(event.publicKey) }), `key ${Buffer.from(event.publicKey).toString('hex')} stands twice`],
    ['the root as event key', key(1, { publicKey: toBase64Url(SAMPLE_ROOT.publicKey) }), `key ${Buffer.from(SAMPLE_ROOT.publicKey).toString('hex')} stands twice`],
    ['two active keys of one purpose', key(2, { purpose: 'event' }), 'an active key for event stands twice'],
    ['a signer that is no root of it', signed(() => undefined, [event]), 'it is signed by "event-1", which is no root key of it'],
  ];
  it.each(cases)('%s', (_, value, message) => {
    expect(refusal(value)).toEqual(['malformed', message]);
  });

  it('takes times in UTC alone, and real ones', () => {
    expect(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123+00:00'].map(isUtcTime)).toEqual([true, true]);
    expect(['2026-01-01T00:00:00', '2026-01-01 00:00:00Z', '2026-01-01T00:00:00+01:00', 'x2026-01-01T00:00:00Z', '2026-01-01T00:00:00Zx', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00.Z'].map(isUtcTime)).toEqual(Array(7).fill(false));
  });
});

describe('verifyKeyset() and its roots', () => {
  const roots = [211, 212, 213].map((n) => sampleKey('root', n)) as [SampleKey, SampleKey, SampleKey];
  const content = (signers: readonly SampleKey[], threshold = 2): JsonValue => parseJson(makeKeyset({ keysetId: 'k', epoch: 1, producedAt: '2026-01-01T00:00:00Z', threshold, keys: [...roots, event], signers }));

  it('want as many as the keyset says, or as the verifier does, whichever is more [Y4]', () => {
    expect(verifyKeyset(content([roots[2], roots[0]]), { roots: rootMap(roots), threshold: 1 }).signers).toEqual(['root-211', 'root-213']);
    expect(refusal(content([roots[0]]), { roots: rootMap(roots), threshold: 1 })).toEqual(['untrusted', 'it is signed by "root-211", and 1 of the trusted root keys; 2 are needed']);
    expect(refusal(content([roots[0]], 1), { roots: rootMap(roots), threshold: 2 })[0]).toBe('untrusted');
    expect(refusal(content([roots[0], roots[1]]), { roots: rootMap(roots), threshold: 3 })).toEqual(['untrusted', 'it is signed by "root-211", "root-212", and 2 of the trusted root keys; 3 are needed']);
    expect(verifyKeyset(content(roots), { roots: rootMap(roots), threshold: 3 }).signers).toHaveLength(3);
    expect(refusal(content(roots), { roots: new Map(), threshold: 0 })[0]).toBe('untrusted');
  });

  it('count those that are pinned, by their bytes and not by their names [Y4]', () => {
    expect(refusal(content(roots), { roots: rootMap([roots[0]]), threshold: 1 })[0]).toBe('untrusted');
    expect(verifyKeyset(content([roots[0]], 1), { roots: new Map([['mine', roots[0].publicKey]]), threshold: 1 }).signers).toEqual(['root-211']);
    expect(refusal(content([roots[0]], 1), { roots: new Map([['root-211', roots[1].publicKey]]), threshold: 1 })[0]).toBe('untrusted');
    // One key under two names is one key.
    expect(refusal(content([roots[0]]), { roots: new Map([['a', roots[0].publicKey], ['b', roots[0].publicKey]]), threshold: 2 })[0]).toBe('untrusted');
  });

  it('have no other role, whatever a keyset makes of one that is pinned [Y2]', () => {
    expect(refusal(parseJson(good), { roots: new Map([...rootMap(), ['mine', checkpoint.publicKey]]), threshold: 1 })).toEqual(['malformed', 'key checkpoint-2 is for checkpoint, and is pinned as a root']);
  });

  it('each have to fit, counted or not [Y5]', () => {
    const forged = { ...roots[1], sign: roots[2].sign };
    expect(refusal(content([roots[0], roots[2], forged]), { roots: rootMap([roots[0], roots[2]]), threshold: 2 })).toEqual(['bad-signature', 'the signature of "root-212" does not fit']);
  });
});

describe('every field of a keyset', () => {
  it('is under the signature: changed inside without a root, or outside alone, it is refused', () => {
    const bytes = makeKeyset({ keysetId: 'k', epoch: 2, previous: digestOf(utf8('x')), producedAt: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z', threshold: 1, keys: [SAMPLE_ROOT, event, bundle], signers: [SAMPLE_ROOT] });
    const other: JsonValue[] = ['x', 7, null, [], jsonObject({}), '2026-05-05T00:00:00Z', digestOf(utf8('other')), true];
    const envelope = envelopeOf(bytes);
    const body = payloadOf(envelope);
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.nat(), (inner, field, value) => {
        const target = inner ? body : envelope;
        const names = Object.keys(target);
        const name = names[field % names.length] as string;
        const replaced = jsonObject({ ...target, [name]: other[value % other.length] });
        if (Buffer.compare(canonicalBytes(replaced), canonicalBytes(jsonObject(target))) === 0) return;
        const payload = canonicalBytes(replaced);
        const edited = inner ? jsonObject({ ...envelope, payload: toBase64Url(payload), payloadDigest: digestOf(payload) }) : replaced;
        expect(['malformed', 'bad-signature', 'untrusted']).toContain(refusal(edited)[0]);
      }),
      { numRuns: 300 },
    );
  });
});
