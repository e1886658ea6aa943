/**
 * The commands that run in one cell now, and what they have counted.
 *
 *   V1  as soon as no command runs, the cell is cleared: nothing that a command started outlives it in an idle cell;
 *   V2  no command starts while the cell is being cleared: it would be killed with the rest;
 *   V3  while others run, only the session of a command ends with it (ports/cell-backend.ts). LIMIT: a process that left its session lives on
 *       until the cell is idle or gone, so it can outlive its command next to others, never the cell.
 */
import { ignore } from '../../base/errors.ts';
import type { CellUsage, LiveCell } from '../../ports/cell-backend.ts';

/** How long the cell's processes may take to die before the cell itself is ended, ms. */
const CLEAR_TIMEOUT_MS = 10_000;

export class RunningCommands {
  readonly #cell: LiveCell;
  #count = 0;
  #clearing: Promise<void> | undefined;
  #numbers = 0;
  /** Counters of the cell as last read: what is beyond them has not been reported yet. */
  counted: CellUsage = {};

  constructor(cell: LiveCell) {
    this.#cell = cell;
  }

  get count(): number {
    return this.#count;
  }

  /** @returns which command of the cell this is, from 1 */
  async enter(): Promise<number> {
    while (this.#clearing !== undefined) await this.#clearing; // V2
    this.#count += 1;
    this.#numbers += 1;
    return this.#numbers;
  }

  async leave(): Promise<void> {
    this.#count -= 1;
    if (this.#count > 0) return; // V3
    this.#clearing = this.kill().finally(() => {
      this.#clearing = undefined;
    });
    await this.#clearing;
  }

  /** Kills everything in the cell; a cell that cannot be cleared is ended. Never throws. */
  async kill(): Promise<void> {
    try {
      await this.#cell.killAll({ signal: AbortSignal.timeout(CLEAR_TIMEOUT_MS) });
    } catch (error) {
      ignore(error, 'what is left shows in the certificate of the teardown');
      await this.#cell.destroy();
    }
  }
}
