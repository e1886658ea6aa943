import assert from 'node:assert/strict';
import type { Clock } from '../../ports/clock.ts';
import type { ContractCase } from './contract.ts';

export interface ClockHarness {
  readonly clock: Clock;
  /** Makes `ms` pass, or has them pass. */
  pass(ms: number): Promise<void>;
}

/** What every `Clock` keeps. */
export function clockContract(make: () => ClockHarness): ContractCase[] {
  return [
    {
      name: 'after() calls back once, not before its time, in the order of the times',
      async run() {
        const { clock, pass } = make();
        const calls: [string, number][] = [];
        const from = clock.monotonicMs();
        const done = Promise.withResolvers<void>();
        clock.after(30, () => {
          calls.push(['late', clock.monotonicMs() - from]);
          done.resolve();
        });
        clock.after(5, () => void calls.push(['early', clock.monotonicMs() - from]));
        await Promise.all([done.promise, pass(30)]);
        assert.deepEqual(calls.map(([name]) => name), ['early', 'late']);
        // Timers of the host count whole milliseconds.
        assert.ok((calls[0]?.[1] ?? 0) >= 4 && (calls[1]?.[1] ?? 0) >= 29, `not before their time: ${JSON.stringify(calls)}`);
      },
    },
    {
      name: 'after() calls back at once for a time that is over, but never before it returns',
      async run() {
        const { clock, pass } = make();
        const done = Promise.withResolvers<string>();
        let returned = 'before';
        clock.after(-5, () => done.resolve(returned));
        returned = 'after';
        await pass(1);
        assert.equal(await done.promise, 'after');
      },
    },
    {
      name: 'a disposed timer never calls back, and disposing twice is fine',
      async run() {
        const { clock, pass } = make();
        let called = false;
        const timer = clock.after(1, () => {
          called = true;
        });
        timer[Symbol.dispose]();
        timer[Symbol.dispose]();
        const later = Promise.withResolvers<void>();
        clock.after(5, () => later.resolve());
        await Promise.all([later.promise, pass(5)]);
        assert.equal(called, false);
      },
    },
    {
      name: 'monotonicMs() never goes back, and nowRfc3339() says the wall clock in UTC',
      async run() {
        const { clock } = make();
        for (let last = clock.monotonicMs(), i = 0; i < 1000; i += 1) {
          const now = clock.monotonicMs();
          assert.ok(now >= last);
          last = now;
        }
        const before = clock.nowMs();
        const text = clock.nowRfc3339();
        assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3}){0,2})?\+00:00$/);
        // A wall clock may be set while we look; a minute is no clock's rounding.
        assert.ok(Math.abs(Date.parse(text) - before) < 60_000);
      },
    },
  ];
}
