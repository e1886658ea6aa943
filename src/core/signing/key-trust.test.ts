import { describe, expect, it } from 'vitest';
import { ulid } from '../../base/ids.ts';
import { rootMap, sampleHistory, sampleKey } from '../../testing/sample-keys.ts';
import type { KeyBound, KeyState } from './key-validity.ts';
import { bareSigners, KeyTrust, usableKeys } from './key-trust.ts';

const day = Date.parse('2026-03-01T00:00:00Z');
const runAt = (ms: number): string => ulid(day + ms, new Uint8Array(10)).toLowerCase();
const bound: KeyBound = { kind: 'run', run: runAt(5), seq: 2 };
const event = (n: number, state: KeyState = 'active') => sampleKey('event', n, state, state === 'retired' || state === 'compromised' ? bound : undefined);
const lists = [[event(1)], [event(1), event(2, 'next')], [event(1), event(2, 'accepted')], [event(1, 'retiring'), event(2)], [event(1, 'retired'), event(2)]];
const upTo = (epoch: number) => sampleHistory(lists.slice(0, epoch));
const at = (run: string, seq = 0) => ({ run, seq, time: undefined });

describe('KeyTrust', () => {
  it('judges a run by its own keyset [J1]', () => {
    const judge = (epoch: number, kid: string) => new KeyTrust(upTo(epoch), {}).refusalOf(kid, at(runAt(0)));
    expect([1, 2, 3, 4].map((epoch) => judge(epoch, 'event-1'))).toEqual(Array(4).fill(undefined));
    expect([2, 3, 4, 5].map((epoch) => judge(epoch, 'event-2'))).toEqual(['key "event-2" was announced only when the run began', undefined, undefined, undefined]);
    expect(judge(1, 'event-2')).toBe('key "event-2" is in no keyset');
    expect(judge(5, 'event-1')).toBe('key "event-1" was retired when the run began');
  });

  it('lets a later bound cut what stands at it and after it, and nothing before [J2]', () => {
    const trust = new KeyTrust(upTo(1), { known: upTo(5) });
    expect([at(runAt(0), 99), at(runAt(5), 1)].map((position) => trust.refusalOf('event-1', position))).toEqual([undefined, undefined]);
    const cut = `key "event-1" is retired: from record 2 of run ${runAt(5)} on, nothing it signed counts`;
    expect([at(runAt(5), 2), at(runAt(6), 0), at('nowhere')].map((position) => trust.refusalOf('event-1', position))).toEqual([cut, cut, cut]);
  });

  it('knows the longer one of two histories of one root, and refuses two that differ', () => {
    expect(new KeyTrust(upTo(1), { known: upTo(5) }).newest.head.epoch).toBe(5);
    expect(new KeyTrust(upTo(5), { known: upTo(1) }).newest.head.epoch).toBe(5);
    const same = upTo(3);
    expect(new KeyTrust(upTo(3), { known: same }).newest).toBe(same);
    expect(new KeyTrust(upTo(3), { known: same, epochSeen: 7 })).toMatchObject({ epochSeen: 7, own: { head: { epoch: 3 } } });
    const forked = sampleHistory([[event(1)], [event(1), event(3, 'next')]]);
    expect(() => new KeyTrust(forked, { known: upTo(2) })).toThrow(expect.objectContaining({ code: 'signature.invalid', facts: { reason: 'fork' }, message: expect.stringContaining('signed two') as string }));
  });

  it('has the keys of one purpose, those that do not count among them', () => {
    const history = sampleHistory([[event(1), sampleKey('bundle', 9)], [event(1, 'retired'), event(2), sampleKey('bundle', 9)]]);
    expect([...new KeyTrust(history, {}).keysFor('event').keys()]).toEqual(['event-1', 'event-2']);
    expect(new KeyTrust(history, {}).keysFor('bundle').get('bundle-9')).toEqual(sampleKey('bundle', 9).publicKey);
  });
});

describe('signers of bare events', () => {
  it('are the event keys that count today, and roots that were pinned alone', () => {
    const roots = rootMap();
    expect([...bareSigners([{ roots, threshold: 1, known: upTo(4) }]).keys()]).toEqual(['event-1', 'event-2']);
    expect([...bareSigners([{ roots, threshold: 1, known: upTo(5) }]).keys()]).toEqual(['event-2']);
    expect([...bareSigners([{ roots, threshold: 1 }])]).toEqual([...roots]);
    expect(usableKeys(upTo(2), 'event')).toEqual([['event-1', event(1).publicKey]]);
  });
});
