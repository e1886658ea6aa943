/**
 * Folds the events of one cell (reference/02 §7).
 *
 *   J1  ours: an event is applied whole or not at all, and its id counts as seen only once it is;
 *   J2  ours: an event that came too early is held back and tried again after each one that is applied;
 *   J3  `reference` gives the reference's results instead: a refused event leaves what it had changed, and never comes again.
 */
import { LIMITS } from '../../base/limits.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { type CellState, EMPTY_CELL_STATE } from './cell-state.ts';
import { bind, change, type Draft, Refusal, type RefusalReason } from './transitions.ts';

export type Applied =
  | { readonly kind: 'applied' | 'ignored' | 'held' }
  /** `overflow`: too many events are held back already. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason | 'overflow'; readonly message: string };

export class CellProjection {
  readonly #mode: 'ours' | 'reference';
  readonly #seen = new Set<string>();
  #state: CellState = EMPTY_CELL_STATE;
  #held: CloudEvent[] = [];
  readonly #refusedLate: Applied[] = [];

  constructor(mode: 'ours' | 'reference' = 'ours') {
    this.#mode = mode;
  }

  get state(): CellState {
    return this.#state;
  }

  /** Events that wait for others, in the order they came. */
  get held(): readonly CloudEvent[] {
    return this.#held;
  }

  /** What became of held events that were refused when their turn came. */
  get refusedLate(): readonly Applied[] {
    return this.#refusedLate;
  }

  apply(event: CloudEvent): Applied {
    if (this.#seen.has(event.id) || this.#held.some(({ id }) => id === event.id)) return { kind: 'ignored' };
    return this.#mode === 'reference' ? this.#asReference(event) : this.#whole(event);
  }

  #whole(event: CloudEvent): Applied {
    const applied = this.#attempt(event);
    if (applied.kind === 'applied') this.#retryHeld();
    if (applied.kind !== 'refused' || applied.reason !== 'order' || this.#isOver()) return applied;
    if (this.#held.length >= LIMITS.heldEventsMax) return { ...applied, reason: 'overflow' };
    this.#held.push(event); // J2
    return { kind: 'held' };
  }

  #isOver(): boolean {
    return this.#state.lifecycleStage === 'destroyed';
  }

  #attempt(event: CloudEvent): Applied {
    if (event.data === undefined) return { kind: 'refused', reason: 'no-data', message: `${event.type} has no data` };
    const draft: Draft = { ...this.#state };
    try {
      if (!bind(draft, event) || !change(draft, event, 'observed')) return { kind: 'ignored' };
    } catch (error) {
      return refused(error);
    }
    this.#seen.add(event.id); // J1
    this.#state = { ...draft, processedEvents: draft.processedEvents + 1 };
    return { kind: 'applied' };
  }

  #retryHeld(): void {
    for (let progress = true; progress; ) {
      progress = false;
      const waiting = this.#held;
      this.#held = [];
      for (const event of waiting) {
        const applied = this.#attempt(event);
        if (applied.kind === 'applied') progress = true;
        else if (applied.kind === 'refused' && applied.reason === 'order') this.#held.push(event);
        else if (applied.kind === 'refused') this.#refusedLate.push(applied);
      }
    }
  }

  #asReference(event: CloudEvent): Applied {
    if (event.data === undefined) return { kind: 'refused', reason: 'no-data', message: `${event.type} has no data` };
    this.#seen.add(event.id);
    const draft: Draft = { ...this.#state };
    try {
      if (!bind(draft, event) || !change(draft, event, 'reference')) {
        this.#seen.delete(event.id);
        this.#state = draft;
        return { kind: 'ignored' };
      }
    } catch (error) {
      this.#state = draft; // J3
      return refused(error);
    }
    this.#state = { ...draft, processedEvents: draft.processedEvents + 1 };
    return { kind: 'applied' };
  }
}

function refused(error: unknown): Applied {
  if (error instanceof Refusal) return { kind: 'refused', reason: error.reason, message: error.message };
  throw error;
}
