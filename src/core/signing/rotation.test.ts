import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SAMPLE_ROOT, sampleHistory, sampleKey } from '../../testing/sample-keys.ts';
import type { KeyBound, KeyState } from './key-validity.ts';
import type { KeysetKey } from './keyset.ts';
import { activeKey, livingKeys, nextStep, ONLINE_PURPOSES, type OnlinePurpose, revokedKeys, ROTATION_STEPS, rotatedKeys } from './rotation.ts';

const until: KeyBound = { kind: 'run', run: '01kjk0000000000000000000zz', seq: 3 };
let made = 10;
const fresh = (purpose: OnlinePurpose, state: KeyState): KeysetKey => {
  made += 1;
  const { kid, algorithm, publicKey } = sampleKey(purpose, made % 150 + 10);
  return { kid: `${kid}-${made}`, algorithm, purpose, publicKey, state };
};
const first = ONLINE_PURPOSES.map((purpose, at) => sampleKey(purpose, at + 1));
const historyOf = (keys: readonly KeysetKey[]) => ({ keys: new Map(keys.map((key) => [key.kid, key])) });
const states = (keys: readonly KeysetKey[], purpose = 'event') => keys.filter((key) => key.purpose === purpose).map((key) => key.state);
const refused = (message: string) => expect.objectContaining({ code: 'usage.invalid', message, facts: { kid: expect.any(String) as string } });

describe('a rotation', () => {
  it('is announce, accept, switch, retire, and then nothing is left of it [R1] [R2]', () => {
    let history = historyOf([SAMPLE_ROOT, ...first]);
    const seen: unknown[] = [];
    for (const step of ROTATION_STEPS) {
      expect(nextStep(history)).toBe(step);
      const keys = rotatedKeys(history, step, { fresh, until });
      seen.push(ONLINE_PURPOSES.map((purpose) => states(keys, purpose).join(' ')));
      expect(keys.filter((key) => key.purpose === 'root')).toHaveLength(1);
      history = historyOf(keys);
    }
    expect(seen).toEqual([Array(3).fill('active next'), Array(3).fill('active accepted'), Array(3).fill('retiring active'), Array(3).fill('retired active')]);
    expect(nextStep(history)).toBe('announce');
    expect([...history.keys.values()].filter((key) => key.state === 'retired').map((key) => key.until)).toEqual(Array(3).fill(until));
    expect(livingKeys(history).map((key) => key.purpose)).toEqual(['root', ...ONLINE_PURPOSES]);
  });

  it('signs with the one active key of each purpose, and with the next one from the switch on', () => {
    let history = historyOf([SAMPLE_ROOT, ...first]);
    expect(ONLINE_PURPOSES.map((purpose) => activeKey(history, purpose)?.kid)).toEqual(first.map((key) => key.kid));
    expect(activeKey(history, 'root')?.kid).toBe(SAMPLE_ROOT.kid);
    expect(activeKey(historyOf([first[0] as KeysetKey]), 'bundle')).toBeUndefined();
    for (const step of ['announce', 'accept', 'switch'] as const) {
      const before = ONLINE_PURPOSES.map((purpose) => activeKey(history, purpose)?.kid);
      history = historyOf(rotatedKeys(history, step, { fresh, until }));
      const now = ONLINE_PURPOSES.map((purpose) => activeKey(history, purpose));
      expect(now.map((key) => [key?.purpose, key?.state])).toEqual(ONLINE_PURPOSES.map((purpose) => [purpose, 'active']));
      expect(now.every((key, at) => (key?.kid === before[at]) === (step !== 'switch'))).toBe(true);
    }
  });

  it('carries bounds for retired keys alone', () => {
    const keys = rotatedKeys(historyOf([SAMPLE_ROOT, ...first]), 'announce', { fresh, until });
    for (const step of ['accept', 'switch'] as const) expect(rotatedKeys(historyOf(keys), step, { fresh, until }).every((key) => key.until === undefined)).toBe(true);
  });

  it('of one purpose alone leaves the others as they are', () => {
    const history = historyOf([SAMPLE_ROOT, ...first, sampleKey('event', 4, 'accepted')]);
    const keys = rotatedKeys(history, 'switch', { fresh, until });
    expect([states(keys), states(keys, 'checkpoint'), states(keys, 'bundle')]).toEqual([['retiring', 'active'], ['active'], ['active']]);
  });

  it('makes chains that verify, and never leaves a purpose without its one active key [R3]', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('rotate' as const), fc.tuple(fc.constantFrom('retired' as const, 'compromised' as const), fc.nat())), { minLength: 1, maxLength: 8 }), (actions) => {
        made = 10;
        const lists: KeysetKey[][] = [first.map(({ kid, algorithm, purpose, publicKey, state }) => ({ kid, algorithm, purpose, publicKey, state }))];
        for (const action of actions) {
          const history = sampleHistory(lists);
          let keys: KeysetKey[];
          if (action === 'rotate') keys = rotatedKeys(history, nextStep(history), { fresh, until });
          else {
            const candidates = livingKeys(history).filter((key) => key.purpose !== 'root');
            keys = revokedKeys(history, [candidates[action[1] % candidates.length]?.kid ?? ''], { state: action[0], until }, fresh);
          }
          lists.push(keys.filter((key) => key.purpose !== 'root'));
          const now = sampleHistory(lists);
          for (const purpose of ONLINE_PURPOSES) expect(activeKey(now, purpose)?.state).toBe('active');
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('revokedKeys()', () => {
  const [event] = first;
  const kid = event?.kid ?? '';
  const history = historyOf([SAMPLE_ROOT, ...first]);

  it('puts a fresh key in the place of the active one, or the one that waits [R3]', () => {
    const keys = revokedKeys(history, [kid], { state: 'compromised', until }, fresh);
    expect(keys.at(-1)).toEqual({ kid, algorithm: 'ed25519', purpose: 'event', publicKey: event?.publicKey, state: 'compromised', until });
    expect(states(keys)).toEqual(['active', 'compromised']);
    for (const waiting of ['next', 'accepted'] as const) {
      const next = sampleKey('event', 5, waiting);
      expect(states(revokedKeys(historyOf([...history.keys.values(), next]), [kid], { state: 'retired', until }, fresh))).toEqual(['active', 'retired']);
    }
    // One of another purpose that waits does not help.
    const keysToo = revokedKeys(historyOf([...history.keys.values(), sampleKey('checkpoint', 5, 'next')]), [kid], { state: 'retired', until }, fresh);
    expect([states(keysToo), states(keysToo, 'checkpoint')]).toEqual([['active', 'retired'], ['active', 'next']]);
  });

  it('ends several in one keyset, each with another one in its place', () => {
    const keys = revokedKeys(history, first.map((key) => key.kid), { state: 'compromised', until }, fresh);
    expect(ONLINE_PURPOSES.map((purpose) => states(keys, purpose))).toEqual(Array(3).fill(['active', 'compromised']));
    expect(sampleHistory([first, keys.filter((key) => key.purpose !== 'root')]).head.epoch).toBe(2);
    expect(() => revokedKeys(history, [kid, kid], { state: 'retired', until }, fresh)).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
    expect(revokedKeys(history, [], { state: 'retired', until }, fresh).map((key) => key.kid)).toEqual([...history.keys.keys()]);
  });

  it('makes none where the key did not sign', () => {
    const next = sampleKey('event', 5, 'next');
    expect(states(revokedKeys(historyOf([...history.keys.values(), next]), [next.kid], { state: 'compromised', until }, fresh))).toEqual(['active', 'compromised']);
    const retired = sampleKey('event', 6, 'retired', until);
    expect(states(revokedKeys(historyOf([...history.keys.values(), retired]), [retired.kid], { state: 'compromised', until }, fresh))).toEqual(['active', 'compromised']);
  });

  it('refuses what cannot be', () => {
    const act = (name: string, state: 'retired' | 'compromised', keys: readonly KeysetKey[] = [], at = until) => () => revokedKeys(historyOf([...history.keys.values(), ...keys]), [name], { state, until: at }, fresh);
    expect(act('x', 'retired')).toThrow(refused('Cannot revoke "x": there is no key of that name; cellos keys list --all shows them'));
    expect(act(SAMPLE_ROOT.kid, 'compromised')).toThrow(refused('Cannot revoke "root-201": it is a root key, which no keyset can revoke: make new keys, and give out the new root'));
    const [retired, lost] = [sampleKey('event', 6, 'retired', until), sampleKey('event', 7, 'compromised', until)];
    expect(act(retired.kid, 'retired', [retired])).toThrow(refused('Cannot revoke "event-6": it is retired already, from an earlier position or from one of another kind'));
    expect(act(lost.kid, 'retired', [lost])).toThrow(refused('Cannot revoke "event-7": it is compromised already'));
    expect(act(lost.kid, 'compromised', [lost], { ...until, seq: 4 })).toThrow(refused('Cannot revoke "event-7": it is compromised already, from an earlier position or from one of another kind'));
    expect(act(lost.kid, 'compromised', [lost], { ...until, seq: 2 })).not.toThrow();
  });
});
