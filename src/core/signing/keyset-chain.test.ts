import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, toBase64Url, utf8 } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import type { JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { payloadDigestOf, rootMap, SAMPLE_ROOT, sampleEnvelopes, sampleFile, sampleHistory, sampleKey, type SampleKey, sampleValue } from '../../testing/sample-keys.ts';
import type { KeyBound, KeyState } from './key-validity.ts';
import { makeKeyset } from './keyset.ts';
import { advanceHistory, compareHistories, envelopesOf, keysetFile, type TrustPin, verifyHistory, verifyKeysetFile } from './keyset-chain.ts';
import { parseKeysetEnvelopeText, verifyKeysetChain } from './keyset-envelope.ts';

const pin = { roots: rootMap(), threshold: 1 };
const bound: KeyBound = { kind: 'run', run: '01kjk0000000000000000000zz', seq: 0 };
const event = (n: number, state: KeyState = 'active'): SampleKey => sampleKey('event', n, state, state === 'retired' || state === 'compromised' ? bound : undefined);
/** A whole rotation: announce, accept, switch, retire, and on. */
const rotation = [[event(1)], [event(1), event(2, 'next')], [event(1), event(2, 'accepted')], [event(1, 'retiring'), event(2)], [event(1, 'retired'), event(2)], [event(2)]];

function refusal(act: () => unknown): [unknown, string] {
  try {
    act();
  } catch (error) {
    if (error instanceof CellError && error.code === 'signature.invalid') return [error.facts['reason'], error.message.replace('Cannot use the keyset: ', '')];
    throw error;
  }
  return ['accepted', ''];
}

describe('verifyHistory()', () => {
  it('follows a key through its life, and remembers it when it is not named any more [H2]', () => {
    const history = sampleHistory(rotation);
    expect(history.keysets.map((keyset) => keyset.epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(history.head).toBe(history.keysets[5]);
    expect([...history.keys.values()].map((key) => [key.kid, key.state])).toEqual([['root-201', 'active'], ['event-1', 'retired'], ['event-2', 'active']]);
    expect(history.keys.get('event-1')?.until).toEqual(bound);
    expect(history.head.keys.map((key) => key.kid)).toEqual(['root-201', 'event-2']);
  });

  it('is a chain that the reference accepts too', () => {
    const envelopes = sampleEnvelopes(rotation).map((bytes) => parseKeysetEnvelopeText(bytes));
    expect(verifyKeysetChain(envelopes, { keys: rootMap(), nowNs: 0n }).digest).toBe(sampleHistory(rotation).head.digest);
  });

  const bytesOf = (lists: readonly (readonly SampleKey[])[]): JsonValue => sampleValue(lists);
  const chain = sampleEnvelopes(rotation);
  const json = (envelopes: readonly (Bytes | undefined)[]): JsonValue => parseJson(keysetFile(envelopes as Bytes[]));
  const made = (change: Partial<Parameters<typeof makeKeyset>[0]>, before = chain[0] as Bytes): JsonValue =>
    json([before, makeKeyset({ keysetId: 'sample', epoch: 2, previous: payloadDigestOf(before), producedAt: '2026-01-02T00:00:00Z', threshold: 1, keys: [SAMPLE_ROOT, event(1)], signers: [SAMPLE_ROOT], ...change })]);
  const roots = [SAMPLE_ROOT, sampleKey('root', 202)] as const;
  const broken: [string, JsonValue, string][] = [
    ['begins in the middle', json(chain.slice(1)), 'epoch 2 stands where epoch 1 belongs'],
    ['leaves one out', json([chain[0], chain[2]]), 'epoch 3 stands where epoch 2 belongs'],
    ['has one twice', json([chain[0], chain[0]]), 'epoch 1 stands where epoch 2 belongs'],
    ['is turned round', json([chain[1], chain[0]]), 'epoch 2 stands where epoch 1 belongs'],
    ['follows another one', made({ previous: digestOf(utf8('x')) }), 'epoch 2 does not follow the epoch before it'],
    ['changes its id', made({ keysetId: 'other' }), 'epoch 2 is of another keyset'],
    ['changes its threshold', made({ threshold: 2, keys: [...roots, event(1)], signers: roots }, sampleEnvelopes([[event(1)]], { roots })[0]), 'epoch 2 has another threshold'],
    ['goes back in time', made({ producedAt: '2025-12-31T23:59:59Z' }), 'epoch 2 is older than the epoch before it'],
    ['gets another root', made({ keys: [...roots, event(1)] }), 'epoch 2 has the new root key root-202'],
    ['loses a root', made({ keys: [SAMPLE_ROOT, event(1)] }, sampleEnvelopes([[event(1)]], { roots })[0]), 'epoch 2 does not name key root-202'],
    ['loses a key', made({ keys: [SAMPLE_ROOT] }), 'epoch 2 does not name key event-1'],
    ['begins with a key in the middle of its life', bytesOf([[event(1, 'accepted')]]), 'epoch 1 names key event-1 for the first time, as accepted'],
    ['begins with a key that is over', bytesOf([[event(1), event(2, 'retired')]]), 'epoch 1 names key event-2 for the first time, as retired'],
    ['brings a key to life again', bytesOf([[event(1)], [event(1, 'retired')], [event(1)]]), 'epoch 3 makes key event-1 active, and it was retired'],
    ['jumps', bytesOf([[event(1)], [event(1, 'accepted')]]), 'epoch 2 makes key event-1 accepted, and it was active'],
    ['has another key under a name', bytesOf([[event(1)], [{ ...event(9), kid: 'event-1' }]]), 'epoch 2 has another key as event-1'],
    ['has a key of another purpose under a name', bytesOf([[event(1)], [{ ...sampleKey('checkpoint', 1), kid: 'event-1' }]]), 'epoch 2 has another key as event-1'],
    ['renames a key', bytesOf([[event(1)], [event(1, 'retired'), event(2)], [{ ...event(1), kid: 'new', state: 'next' }, event(2)]]), 'epoch 3 gives key event-1 the second name new'],
  ];
  it.each(broken)('refuses one that %s', (_, value, message) => {
    expect(refusal(() => verifyHistory(value, { roots: rootMap(roots), threshold: 1 }))).toEqual(['broken-chain', message]);
  });

  it('lets time stand still to the second, and a key be retired twice with an earlier bound', () => {
    expect(verifyHistory(made({ producedAt: '2026-01-01T00:00:00.000Z' }), pin).head.epoch).toBe(2);
    const until = (seq: number): SampleKey => sampleKey('event', 1, 'compromised', { ...bound, seq } as KeyBound);
    expect(sampleHistory([[event(1)], [until(5), event(2)], [until(4), event(2)]]).keys.get('event-1')?.until).toEqual({ ...bound, seq: 4 });
    expect(refusal(() => sampleHistory([[event(1)], [until(5), event(2)], [until(6), event(2)]]))[0]).toBe('broken-chain');
  });

  it('refuses what is no list, an empty one, and one that is too long', () => {
    for (const value of [null, 'x', []] as JsonValue[]) expect(refusal(() => verifyHistory(value, pin))).toEqual(['malformed', 'it is not a list of keysets, oldest first']);
    expect(refusal(() => verifyHistory(Array(LIMITS.keysetEpochsMax + 1).fill(null), pin))).toEqual(['malformed', `it has more than ${LIMITS.keysetEpochsMax} keysets`]);
    expect(refusal(() => verifyHistory(Array(LIMITS.keysetEpochsMax).fill(null), pin))[1]).toBe('the envelope is not an object');
  });

  it('admits a key once, but a bad one never', () => {
    const bad: SampleKey = { ...event(2, 'next'), publicKey: Uint8Array.of(1, ...new Uint8Array(31)) };
    expect(refusal(() => sampleHistory([[event(1)], [event(1), bad]]))).toEqual(['malformed', 'key event-2 is no usable ed25519 key']);
  });
});

describe('keysetFile() and envelopesOf()', () => {
  it('put envelopes together and take them apart', () => {
    expect(envelopesOf(sampleFile(rotation))).toEqual(sampleEnvelopes(rotation).map((bytes) => Uint8Array.from(bytes)));
    expect(new TextDecoder().decode(keysetFile([utf8('{}'), utf8('1')]))).toBe('[{},1]');
    expect(refusal(() => envelopesOf(utf8('{}')))[0]).toBe('malformed');
  });
});

describe('verifyKeysetFile()', () => {
  it('takes the one spelling of a chain [Y3]', () => {
    const file = sampleFile(rotation);
    expect(verifyKeysetFile(file, [pin]).history.head.epoch).toBe(6);
    expect(refusal(() => verifyKeysetFile(utf8(`${new TextDecoder().decode(file)}\n`), [pin]))).toEqual(['malformed', 'it is not in canonical form']);
  });

  it('picks the pin that is about its roots, the strictest and best informed of several', () => {
    const file = sampleFile(rotation);
    const known = sampleHistory(rotation.slice(0, 3));
    const longer = sampleHistory(rotation.slice(0, 4));
    const other: TrustPin = { roots: rootMap([sampleKey('root', 220)]), threshold: 1 };
    expect(verifyKeysetFile(file, [other, pin]).pin).toBe(pin);
    const [a, b] = [{ ...pin, known }, { ...pin, known: longer }];
    expect([verifyKeysetFile(file, [pin, a, b]).pin, verifyKeysetFile(file, [b, a, pin]).pin]).toEqual([b, b]);
    const strict: TrustPin = { roots: rootMap([SAMPLE_ROOT, sampleKey('root', 220)]), threshold: 2 };
    expect(refusal(() => verifyKeysetFile(file, [b, strict]))[0]).toBe('untrusted');
    expect(refusal(() => verifyKeysetFile(file, [other]))[0]).toBe('untrusted');
    expect(refusal(() => verifyKeysetFile(file, []))[0]).toBe('untrusted');
    // By its bytes: a verifier may have a name of its own for it, and the name alone is none.
    const named: TrustPin = { roots: new Map([['mine', SAMPLE_ROOT.publicKey]]), threshold: 1 };
    expect(verifyKeysetFile(file, [other, named]).pin).toBe(named);
    expect(refusal(() => verifyKeysetFile(file, [{ roots: new Map([[SAMPLE_ROOT.kid, event(5).publicKey]]), threshold: 1 }]))[0]).toBe('untrusted');
  });

  it('says of the shape what is wrong before it looks for a pin', () => {
    for (const text of ['{}', '[]', '1']) expect(refusal(() => verifyKeysetFile(utf8(text), [pin]))[0]).toBe('malformed');
    const payload = (text: string) => `[{"payload":"${toBase64Url(utf8(text))}"}]`;
    for (const text of ['[1]', '[{"payload":1}]', '[{"payload":"*"}]', payload('x'), payload('1'), payload('{}'), payload('{"keys":[1,{"purpose":"root"},{"purpose":"root","publicKey":"*"}]}')]) expect(refusal(() => verifyKeysetFile(utf8(text), [pin]))[0]).toBe('malformed');
  });
});

describe('what was seen', () => {
  const full = sampleHistory(rotation);
  const prefix = (length: number) => sampleHistory(rotation.slice(0, length));
  const forked = sampleHistory([...rotation.slice(0, 2), [event(1), event(2, 'next'), sampleKey('checkpoint', 7)]]);

  it('stands to what is offered in one of four ways [H4]', () => {
    expect([compareHistories(full, sampleHistory(rotation)), compareHistories(prefix(2), full), compareHistories(full, prefix(2)), compareHistories(full, forked), compareHistories(forked, full)]).toEqual(['same', 'newer', 'older', 'forked', 'forked']);
  });

  it('goes forward only [H4]', () => {
    expect(advanceHistory(undefined, prefix(1)).head.epoch).toBe(1);
    expect(advanceHistory(prefix(1), full)).toBe(full);
    expect(advanceHistory(full, full)).toBe(full);
    expect(refusal(() => advanceHistory(full, prefix(5)))).toEqual(['rollback', 'it ends with epoch 5, and epoch 6 was seen']);
    expect(refusal(() => advanceHistory(full, forked))).toEqual(['fork', 'its history is not the one that was seen: its roots have signed two']);
  });

  it('is never followed by a proper prefix, whatever was seen and offered before', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: rotation.length }), { minLength: 1, maxLength: 12 }), (offers) => {
        let seen = prefix(1);
        let highest = 1;
        for (const length of offers) {
          const offered = prefix(length);
          if (length < highest) expect(refusal(() => advanceHistory(seen, offered))[0]).toBe('rollback');
          else seen = advanceHistory(seen, offered);
          highest = Math.max(highest, length);
          expect(seen.head.epoch).toBe(highest);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a chain that is changed', () => {
  it('in any byte is refused, or is the same history', () => {
    const file = sampleFile(rotation.slice(0, 3));
    const { head } = sampleHistory(rotation.slice(0, 3));
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const edited = Uint8Array.from(file);
        edited[at % edited.length] = (edited[at % edited.length] ?? 0) ^ change;
        try {
          expect(verifyKeysetFile(edited, [pin]).history.head.digest).toBe(head.digest);
        } catch (error) {
          expect(error).toBeInstanceOf(CellError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never counts one key twice for its threshold', () => {
    const roots = [231, 232, 233].map((n) => sampleKey('root', n));
    fc.assert(
      fc.property(fc.subarray(roots, { minLength: 1 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), (signers, declared, pinned) => {
        const envelope = makeKeyset({ keysetId: 'k', epoch: 1, producedAt: '2026-01-01T00:00:00Z', threshold: declared, keys: [...roots, event(1)], signers });
        // Pinned under names of the verifier's own, each key twice.
        const names = new Map(roots.flatMap((root) => [[root.kid, root.publicKey], [`${root.kid} again`, root.publicKey]] as const));
        const [reason] = refusal(() => verifyHistory(parseJson(keysetFile([envelope])), { roots: names, threshold: pinned }));
        expect(reason).toBe(signers.length >= Math.max(declared, pinned) ? 'accepted' : 'untrusted');
      }),
      { numRuns: 100 },
    );
  });
});
