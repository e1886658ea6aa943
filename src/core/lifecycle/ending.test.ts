import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideEnding, type EndingInput, type EndingState } from './ending.ts';

const ttl = { kind: 'ttl' } as const;
const cancelled = { kind: 'cancelled', signal: 'SIGINT' } as const;

describe('decideEnding()', () => {
  it('asks first and arms the grace time [L2]', () => {
    const step = decideEnding({ phase: 'running' }, { kind: 'stop', reason: ttl });
    expect(step.state).toEqual({ phase: 'stopping', reason: ttl });
    expect(step.effects.map((effect) => effect.kind)).toEqual(['terminate', 'arm-grace']);
  });

  it('kills when the grace time is over, and keeps the first reason [L1]', () => {
    const stopping = decideEnding({ phase: 'running' }, { kind: 'stop', reason: ttl }).state;
    const again = decideEnding(stopping, { kind: 'stop', reason: cancelled });
    expect(again).toEqual({ state: stopping, effects: [] });
    const killing = decideEnding(stopping, { kind: 'grace-over' });
    expect(killing.state).toEqual({ phase: 'killing', reason: ttl });
    expect(killing.effects).toEqual([{ kind: 'kill' }]);
    expect(decideEnding(killing.state, { kind: 'ended' }).state).toEqual({ phase: 'ended', reason: ttl });
  });

  it('a second, urgent request skips what is left of the grace time', () => {
    const stopping = decideEnding({ phase: 'running' }, { kind: 'stop', reason: cancelled }).state;
    expect(decideEnding(stopping, { kind: 'kill-now', reason: ttl })).toEqual({ state: { phase: 'killing', reason: cancelled }, effects: [{ kind: 'kill' }] });
  });

  it('an ending by itself has no reason of ours', () => {
    expect(decideEnding({ phase: 'running' }, { kind: 'ended' }).state).toEqual({ phase: 'ended' });
  });

  it('for any inputs: at most one ask and one kill, the first reason wins, nothing after the end [L1, L2, L3]', () => {
    const reason = fc.constantFrom(ttl, cancelled, { kind: 'timeout' } as const, { kind: 'evidence' } as const);
    const input: fc.Arbitrary<EndingInput> = fc.oneof(
      fc.record({ kind: fc.constant('stop' as const), reason }),
      fc.record({ kind: fc.constant('kill-now' as const), reason }),
      fc.constant({ kind: 'grace-over' } as const),
      fc.constant({ kind: 'ended' } as const),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 20 }), (inputs) => {
        let state: EndingState = { phase: 'running' };
        const effects: string[] = [];
        let ended = false;
        for (const next of inputs) {
          const step = decideEnding(state, next);
          if (ended) expect(step).toEqual({ state, effects: [] });
          effects.push(...step.effects.map((effect) => effect.kind));
          state = step.state;
          ended = state.phase === 'ended';
        }
        expect(effects.filter((kind) => kind === 'terminate').length).toBeLessThanOrEqual(1);
        expect(effects.filter((kind) => kind === 'kill').length).toBeLessThanOrEqual(1);
        const first = inputs.find((next) => next.kind === 'stop' || next.kind === 'kill-now' || next.kind === 'ended');
        if (ended && first !== undefined && first.kind !== 'ended') expect(state).toEqual({ phase: 'ended', reason: first.reason });
      }),
    );
  });
});
