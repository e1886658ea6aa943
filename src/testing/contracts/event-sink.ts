import assert from 'node:assert/strict';
import type { CloudEvent } from '../../core/events/envelope.ts';
import type { DeadLetters, EventSink } from '../../ports/event-sink.ts';
import { type ContractCase, rejects } from './contract.ts';

export interface EventSinkHarness {
  readonly sink: EventSink;
  /** Another sink for the same place, as the next run opens it. */
  reopen(): EventSink | Promise<EventSink>;
  /** Ids of the events that are there, in order. */
  delivered(): Promise<readonly string[]>;
  /** From now on the place cannot be written to. */
  break(): void | Promise<void>;
}

export function sampleEvent(id: string, data: CloudEvent['data'] = { n: 1 }): CloudEvent {
  return { specversion: '1.0', id, source: 'test', type: 'dev.example', datacontenttype: 'application/json', data, time: '2026-01-01T00:00:00+00:00' };
}

/** What every `EventSink` keeps. */
export function eventSinkContract(make: () => EventSinkHarness | Promise<EventSinkHarness>): ContractCase[] {
  return [
    {
      name: 'an event is there when emit settles, in the order of the calls',
      async run() {
        const harness = await make();
        for (const id of ['a', 'b', 'c']) {
          await harness.sink.emit(sampleEvent(id));
          assert.equal((await harness.delivered()).at(-1), id);
        }
        assert.deepEqual(await harness.delivered(), ['a', 'b', 'c']);
      },
    },
    {
      name: 'goes on where the run before it stopped',
      async run() {
        const harness = await make();
        await harness.sink.emit(sampleEvent('a'));
        await harness.sink.close();
        await harness.sink.close();
        const next = await harness.reopen();
        await next.emit(sampleEvent('b'));
        await next.close();
        assert.deepEqual(await harness.delivered(), ['a', 'b']);
      },
    },
    {
      name: 'says when it cannot',
      async run() {
        const harness = await make();
        await harness.break();
        await rejects(harness.sink.emit(sampleEvent('a')), 'evidence.unwritable');
      },
    },
  ];
}

/** What every `DeadLetters` keeps: one letter an event, also of two with one id. */
export function deadLettersContract(make: () => { letters: DeadLetters; kept(): readonly { id: string; error: string }[] }): ContractCase[] {
  return [
    {
      name: 'keeps every event with the error, also two of one id',
      async run() {
        const { letters, kept } = make();
        letters.keep(sampleEvent('../a b'), 'no');
        letters.keep(sampleEvent('../a b'), 'still no');
        assert.deepEqual(kept().map(({ id, error }) => `${id} ${error}`).sort(), ['../a b no', '../a b still no']);
      },
    },
  ];
}
