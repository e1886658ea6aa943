import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENTS, type EventName } from '../events/catalogue.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { CellProjection } from './cell-projection.ts';
import { currentState, snapshotText } from './cell-state.ts';

let n = 0;
function event(name: EventName, data: Record<string, never | string | number | object> = {}): CloudEvent {
  n += 1;
  return { specversion: '1.0', id: String(n), source: 's', type: EVENTS[name].type, data: { cellId: 'c', specId: 's', runId: 'r', ...data } as never };
}

const RUN = [
  event('identityMaterialized'),
  event('started'),
  event('commandCompleted', { exitCode: 0 }),
  event('exportCompleted', { receipt: { targetKind: 's3', targetName: null as never, destination: 'd', bytesWritten: 5 } }),
  event('identityRevoked'),
  event('destroyed', {}),
];

const fold = (events: readonly CloudEvent[], mode?: 'reference'): CellProjection => {
  const projection = new CellProjection(mode);
  for (const one of events) projection.apply(one);
  return projection;
};

describe('CellProjection', () => {
  it('follows a real run, identity first, and reads its receipt', () => {
    const { state, held } = fold(RUN);
    expect(state).toMatchObject({ processedEvents: 6, lifecycleStage: 'destroyed', identityStage: 'revoked', exports: [{ targetKind: 's3', destination: 'd', bytesWritten: 5 }] });
    expect(held).toEqual([]);
    expect(fold(RUN, 'reference').state.processedEvents).toBe(5);
  });

  it('ends in the same state for any order of the events before the end [J2]', () => {
    const [before, end] = [RUN.slice(0, -1).filter(({ type }) => type !== EVENTS.identityRevoked.type), RUN.at(-1) as CloudEvent];
    const expected = snapshotText(fold([...before, end]).state);
    fc.assert(
      fc.property(fc.shuffledSubarray(before, { minLength: before.length }), (order) => {
        const projection = fold([...order, end]);
        expect(snapshotText(projection.state)).toBe(expected);
        expect(projection.held).toEqual([]);
      }),
    );
  });

  it('applies an event whole or not at all, and may see it again once it is right [J1]', () => {
    const broken = event('commandCompleted', { exitCode: 'x' });
    const projection = fold([RUN[1] as CloudEvent, event('exportFailed')]);
    const before = projection.state;
    expect(projection.apply(broken)).toMatchObject({ kind: 'refused', reason: 'field' });
    expect(projection.state).toBe(before);
    expect(projection.apply({ ...broken, data: { ...(broken.data as object), exitCode: 3 } as never })).toEqual({ kind: 'applied' });
    expect(projection.state.commandExitCode).toBe(3);
    expect(projection.refusedLate).toMatchObject([{ kind: 'refused', reason: 'field' }]); // the export that was held had no reason
    expect(currentState(projection.state)).toBe('commandFailed');
  });

  it('does not depend on what comes twice, in any order', () => {
    const stream = [...RUN, event('exportFailed', { reason: 'r' }), event('identityFailed', { operation: 'revoke', reason: 'q' })];
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length - 1), { maxLength: 24 }), (picks) => {
        const once = fold([...new Set(picks)].map((at) => stream[at] as CloudEvent));
        const again = fold(picks.map((at) => stream[at] as CloudEvent));
        expect(snapshotText(again.state)).toBe(snapshotText(once.state));
        expect(again.held.map(({ id }) => id)).toEqual(once.held.map(({ id }) => id));
      }),
    );
  });

  it('ignores what it has seen, what waits already, and what is about nothing', () => {
    const early = event('commandCompleted', { exitCode: 0 });
    const projection = new CellProjection();
    expect([projection.apply(early), projection.apply(early)].map(({ kind }) => kind)).toEqual(['held', 'ignored']);
    expect([projection.apply(RUN[1] as CloudEvent), projection.apply(RUN[1] as CloudEvent), projection.apply(early)].map(({ kind }) => kind)).toEqual(['applied', 'ignored', 'ignored']);
    expect(projection.apply({ ...event('started'), data: 'x' })).toEqual({ kind: 'ignored' });
    expect(projection.apply({ specversion: '1.0', id: 'no-data', source: 's', type: 't' })).toMatchObject({ kind: 'refused', reason: 'no-data' });
  });

  it('refuses another run, and holds back a bounded number of events', () => {
    const projection = fold([RUN[1] as CloudEvent]);
    expect(projection.apply(event('commandCompleted', { runId: 'other', exitCode: 0 }))).toMatchObject({ kind: 'refused', reason: 'mismatch' });
    const results = Array.from({ length: 300 }, () => projection.apply(event('exportFailed', { reason: 'r' })));
    expect(results.at(-1)).toMatchObject({ kind: 'refused', reason: 'overflow' });
    expect(projection.held.length).toBeLessThan(300);
  });
});
