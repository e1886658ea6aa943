/** Contract of `ports/clock.ts`. `pass` makes at least `ms` of the clock's own time pass. */
import assert from 'node:assert/strict';
import type { Clock, Random } from '../../ports/clock.ts';
import type { ContractCase } from './contract.ts';

export interface ClockHarness {
  readonly clock: Clock;
  pass(ms: number): Promise<void>;
}

export function clockContract(make: () => ClockHarness): ContractCase[] {
  return [
    {
      name: 'monotonicMs() never runs backwards',
      run: async () => {
        const { clock, pass } = make();
        const before = clock.monotonicMs();
        await pass(3);
        assert.ok(clock.monotonicMs() >= before + 3);
      },
    },
    {
      name: 'nowRfc3339() is UTC with +00:00 and the time of nowMs()',
      run: async () => {
        const { clock } = make();
        const text = clock.nowRfc3339();
        assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?:\d{3}){1,3})?\+00:00$/);
        assert.ok(Math.abs(Date.parse(text) - clock.nowMs()) < 60_000);
      },
    },
    {
      name: 'after() calls back once, and not before its time',
      run: async () => {
        const { clock, pass } = make();
        const called: number[] = [];
        const start = clock.monotonicMs();
        clock.after(5, () => void called.push(clock.monotonicMs()));
        while (called.length === 0) await pass(2);
        await pass(10);
        assert.equal(called.length, 1);
        assert.ok((called[0] ?? 0) - start >= 4, 'a timer may be rounded by one millisecond, not more');
      },
    },
    {
      name: 'after() that is disposed never calls back',
      run: async () => {
        const { clock, pass } = make();
        let called = false;
        clock.after(2, () => (called = true))[Symbol.dispose]();
        await pass(10);
        assert.equal(called, false);
      },
    },
  ];
}

export function randomContract(make: () => Random): ContractCase[] {
  return [
    {
      name: 'bytes() gives as many bytes as asked for, fresh each time',
      run: async () => {
        const random = make();
        for (const count of [0, 1, 16, 4096]) assert.equal(random.bytes(count).byteLength, count);
        assert.notDeepEqual(random.bytes(16), random.bytes(16));
      },
    },
    {
      name: 'bytes() gives memory of its own',
      run: async () => {
        const random = make();
        const first = random.bytes(32);
        const copy = Uint8Array.from(first);
        random.bytes(32).fill(0);
        assert.deepEqual(first, copy);
      },
    },
  ];
}
