/** The records of a run folded into the state of its cell: the fold every consumer of the reference's events makes. */
import { CellProjection } from './cell-projection.ts';
import type { CellState } from './cell-state.ts';
import type { ViewedRecord } from './viewed-record.ts';

/** Takes the records of one run in any order, some of them or all. */
export class RunCell {
  readonly #projection = new CellProjection();

  apply({ type, id, time, data }: ViewedRecord): void {
    if (id !== '') this.#projection.apply({ specversion: '1.0', id, source: 'record', type, time, data });
  }

  get state(): CellState {
    return this.#projection.state;
  }
}
