import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonObject } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import { currentState } from './cell-state.ts';
import { RunCell } from './run-cell.ts';
import { applyToDetail, EMPTY_DETAIL } from './run-detail.ts';
import { applyRecord, EMPTY_VIEW } from './run-view.ts';
import { type ViewedRecord, viewRecord } from './viewed-record.ts';

const record = (seq: number, type: string, data: Record<string, unknown>): ViewedRecord => ({ seq, tier: 'host', type, id: String(seq), time: `2026-01-01T00:00:0${seq % 10}Z`, data: jsonObject(data as never) });

describe('applyRecord()', () => {
  it('knows a run from its first and last records alone', () => {
    const ends = [record(0, EVENTS.genesis.type, { specId: 'x' }), record(1, EVENTS.planEffective.type, { argv: ['make'] }), record(900, EVENTS.commandCompleted.type, { argv: ['make'], exitCode: 2 }), record(901, EVENTS.sealed.type, { outcome: 'exited', exitCode: 2 })];
    expect(ends.reduce(applyRecord, EMPTY_VIEW)).toMatchObject({ records: 902, argv: ['make'], ending: 'exited', exitCode: 2, startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:01Z' });
  });

  it('takes the program of a run that has no argv on record yet', () => {
    expect(applyRecord(EMPTY_VIEW, record(3, EVENTS.processSpawned.type, { program: 'sh', argc: 3 })).argv).toEqual(['sh']);
  });

  it('takes whatever stands in the data of a known type', () => {
    const types = Object.values(EVENTS).map(({ type }) => type);
    const data = fc.dictionary(fc.constantFrom('argv', 'exitCode', 'ending', 'outcome', 'limit', 'items', 'lines', 'streams', 'ref', 'state', 'uses', 'reason'), fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.oneof(fc.string(), fc.integer()))));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...types), data)), (events) => {
        let detail = EMPTY_DETAIL;
        for (const [seq, [type, members]] of events.entries()) detail = applyToDetail(detail, record(seq, type, members), 5);
        expect(detail.timeline.items.length + detail.timeline.more).toBe(events.length);
        expect(detail.timeline.items.length).toBeLessThanOrEqual(5); // RD1
        expect(detail.view.records).toBe(events.length);
      }),
    );
  });
});

describe('viewRecord() [V1]', () => {
  it('never throws for what stands in a line', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void viewRecord(bytes)));
    expect(viewRecord(new TextEncoder().encode('{"seq":"1"}'))).toBeUndefined();
  });

  it('shows a withheld event as one, and keeps the bytes of the others', () => {
    const line = (envelope: string): Uint8Array => new TextEncoder().encode(`{"seq":4,"tier":"kernel"${envelope}}`);
    expect(viewRecord(line(''))).toMatchObject({ seq: 4, tier: 'kernel', type: '' });
    const event = '{"data":{"big":18446744073709551615,"float":1.0},"type":"x"}';
    expect(viewRecord(line(`,"envelope":{"event":${event}}`))?.eventText).toBe(event);
  });
});

describe('RunCell', () => {
  const stream = [record(0, EVENTS.started.type, { cellId: 'c', specId: 's' }), record(1, EVENTS.commandCompleted.type, { cellId: 'c', specId: 's', exitCode: 7 }), record(2, EVENTS.destroyed.type, { cellId: 'c', specId: 's', reason: 'it failed' })];

  it('shows the state of the cell, whatever comes twice, too early, or withheld', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...stream.slice(0, 2), ...stream.slice(0, 2), { ...record(9, '', {}), id: '' }], { minLength: 5 }), (order) => {
        const cell = new RunCell();
        for (const one of order) cell.apply(one);
        expect(currentState(cell.state)).toBe('commandFailed');
        cell.apply(stream[2] as ViewedRecord);
        expect(cell.state).toMatchObject({ commandExitCode: 7, destroyReason: 'it failed', processedEvents: 3 });
      }),
    );
  });
});
