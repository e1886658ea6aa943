import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ulid } from '../../base/ids.ts';
import { boundText, FIRST_STATES, isBefore, isKeyState, isLegalMove, isOver, isRunId, isUsable, KEY_STATES, type KeyBound, type KeyState } from './key-validity.ts';

const runAt = (ms: number, low = 0): string => ulid(ms, new Uint8Array(10).fill(low)).toLowerCase();
const day = Date.parse('2026-03-01T00:00:00Z');
const run = (id: string, seq = 0): KeyBound => ({ kind: 'run', run: id, seq });
const time = (text: string): KeyBound => ({ kind: 'time', time: text });

describe('states of a key', () => {
  it('go forward only, compromised from any and back from none [L1]', () => {
    const moves = Object.fromEntries(KEY_STATES.map((from) => [from, KEY_STATES.filter((to) => isLegalMove({ state: from }, { state: to }))]));
    expect(moves).toEqual({
      next: ['next', 'accepted', 'active', 'retired', 'compromised'],
      accepted: ['accepted', 'active', 'retired', 'compromised'],
      active: ['active', 'retiring', 'retired', 'compromised'],
      retiring: ['retiring', 'retired', 'compromised'],
      retired: ['retired', 'compromised'],
      compromised: ['compromised'],
    });
  });

  it('count, or are over, or neither', () => {
    const by = (is: (state: KeyState) => boolean): KeyState[] => KEY_STATES.filter(is);
    expect(by(isUsable)).toEqual(['accepted', 'active', 'retiring']);
    expect(by(isOver)).toEqual(['retired', 'compromised']);
    expect(FIRST_STATES).toEqual(['next', 'active']);
    expect(['next', 'Next', '', 'toString'].map(isKeyState)).toEqual([true, false, false, false]);
  });

  it('let the bound of a key that is over move back alone, in its own kind [L1]', () => {
    const move = (from: KeyBound, to: KeyBound, states: [KeyState, KeyState] = ['compromised', 'compromised']): boolean => isLegalMove({ state: states[0], until: from }, { state: states[1], until: to });
    const [a, b] = [runAt(day), runAt(day + 1)];
    expect([move(run(b), run(a)), move(run(a), run(a)), move(run(a, 3), run(a, 3)), move(run(a, 3), run(a, 2)), move(run(b, 0), run(a, 9))]).toEqual([true, true, true, true, true]);
    expect([move(run(a), run(b)), move(run(a, 2), run(a, 3)), move(run(a, 9), run(b, 0))]).toEqual([false, false, false]);
    expect([move(time('2026-03-01T00:00:00Z'), time('2026-02-01T00:00:00Z')), move(time('2026-03-01T00:00:00Z'), time('2026-03-01T00:00:00.0Z'))]).toEqual([true, true]);
    expect([move(time('2026-03-01T00:00:00Z'), time('2026-03-01T00:00:00.1Z')), move(time('x'), time('2026-03-01T00:00:00Z')), move(time('2026-03-01T00:00:00Z'), time('x'))]).toEqual([false, false, false]);
    expect([move(run(a), time('2026-02-01T00:00:00Z')), move(time('2026-03-01T00:00:00Z'), run(a))]).toEqual([false, false]);
    expect(move(run(a), run(b), ['retired', 'compromised'])).toBe(true);
    expect(isLegalMove({ state: 'active' }, { state: 'retired', until: run(b) })).toBe(true);
  });
});

describe('isBefore()', () => {
  it('goes by run first, then by the number of the record [L2]', () => {
    const [a, b, c] = [runAt(day), runAt(day, 1), runAt(day + 1)];
    const at = (id: string, seq: number) => isBefore({ run: id, seq, time: undefined }, run(b, 5));
    expect([at(a, 99), at(b, 4), at(b, 5), at(b, 6), at(c, 0)]).toEqual([true, true, false, false, false]);
  });

  it('goes by the time of the event and by that of its run, both [L2]', () => {
    const counts = (id: string, eventTime: string | undefined) => isBefore({ run: id, seq: 0, time: eventTime }, time('2026-03-01T00:00:00Z'));
    expect(counts(runAt(day - 1), '2026-02-28T23:59:59.999Z')).toBe(true);
    expect(counts(runAt(day - 1), '2026-03-01T00:00:00Z')).toBe(false);
    expect(counts(runAt(day), '2026-02-28T00:00:00Z')).toBe(false);
    expect(counts(runAt(day - 1), '2026-03-01T01:00:00+02:00')).toBe(true);
  });

  it('holds for nothing that cannot be placed [L3]', () => {
    const id = runAt(day - 1000);
    for (const position of [{ run: 'run', seq: 0, time: '2020-01-01T00:00:00Z' }, { run: id.toUpperCase(), seq: 0, time: '2020-01-01T00:00:00Z' }, { run: '', seq: 0, time: '2020-01-01T00:00:00Z' }]) {
      expect(isBefore(position, run('7zzzzzzzzzzzzzzzzzzzzzzzzz'))).toBe(false);
      expect(isBefore(position, time('2026-03-01T00:00:00Z'))).toBe(false);
    }
    for (const none of [undefined, '', 'yesterday', '2026-01-01']) expect(isBefore({ run: id, seq: 0, time: none }, time('2026-03-01T00:00:00Z'))).toBe(false);
    expect(isBefore({ run: id, seq: 0, time: '2026-01-01T00:00:00Z' }, time('never'))).toBe(false);
  });

  it('never holds again once it did not, along the records of a host', () => {
    const position = fc.record({ run: fc.nat(50).map((ms) => runAt(day + ms)), seq: fc.nat(5) });
    fc.assert(
      fc.property(position, position, position, (bound, one, other) => {
        const order = one.run < other.run || (one.run === other.run && one.seq <= other.seq);
        const [first, second] = order ? [one, other] : [other, one];
        const holds = (at: typeof one): boolean => isBefore({ ...at, time: undefined }, { kind: 'run', ...bound });
        if (holds(second)) expect(holds(first)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('boundText() and isRunId()', () => {
  it('say a bound in words, and know a run id', () => {
    expect(boundText(run('r', 3))).toBe('record 3 of run r');
    expect(boundText(time('T'))).toBe('T');
    expect([runAt(day), runAt(day).toUpperCase(), 'run', '8zzzzzzzzzzzzzzzzzzzzzzzzz', `${runAt(day)}0`, 'u'.repeat(26)].map(isRunId)).toEqual([true, false, false, false, false, false]);
  });
});
