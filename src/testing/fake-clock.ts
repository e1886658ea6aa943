/** A clock that goes only when told to, and randomness that repeats. */
import type { EpochMs } from '../base/ids.ts';
import type { Clock, Random } from '../ports/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  readonly #epochMs: number;
  readonly #timers = new Set<Timer>();
  #nowMs = 0;

  constructor(epochMs = 1_700_000_000_000) {
    this.#epochMs = epochMs;
  }

  nowMs(): EpochMs {
    return (this.#epochMs + Math.floor(this.#nowMs)) as EpochMs;
  }

  nowRfc3339(): string {
    const [seconds, milliseconds] = new Date(this.nowMs()).toISOString().slice(0, -1).split('.');
    return milliseconds === '000' ? `${seconds}+00:00` : `${seconds}.${milliseconds}+00:00`;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): Disposable {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Moves time on; each timer fires at its own time, in order, and what it starts is given the chance to go on. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settled();
    }
    this.#nowMs = end;
    await settled();
  }
}

/** Lets everything that can go on without time or input go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** xorshift32: the same seed gives the same bytes. Not for keys. */
export function fakeRandom(seed = 1): Random {
  let state = seed >>> 0 || 1;
  return {
    bytes: (count) =>
      Uint8Array.from({ length: count }, () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state & 0xff;
      }),
  };
}
