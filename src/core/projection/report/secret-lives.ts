/**
 * The lives of the secrets of a run, from the records of their leases. A value is in no record, and so in nothing here.
 *
 *   SL1  the number of uses is the largest that any record of the lease tells: requests beyond a bound are recorded as a count only.
 */
import type { ViewedRecord } from '../viewed-record.ts';
import { numberOf, textOf } from './read-data.ts';

const LEASES_MAX = 1_000;
const STEPS_MAX = 200;

export interface LeaseStep {
  readonly state: string;
  readonly seq: number;
  /** RFC 3339. */
  readonly time: string;
  readonly reason?: string;
}

export interface SecretLife {
  readonly ref: string;
  readonly leaseId: string;
  readonly broker: string;
  readonly steps: readonly LeaseStep[];
  /** Steps beyond those kept. */
  readonly more: number;
  /** Times that the value was handed over. */
  readonly uses: number;
  /** Requests that were refused. */
  readonly refused: number;
  /** How it ended; undefined: nothing says that it did. */
  readonly end?: 'revoked' | 'expired' | 'revocation-failed';
}

const ENDS = ['revoked', 'expired', 'revocation-failed'] as const;

export class SecretLives {
  readonly #leases = new Map<string, SecretLife>();
  #more = 0;

  apply({ data, seq, time }: ViewedRecord): void {
    const ref = textOf(data['ref']) ?? '?';
    const leaseId = textOf(data['leaseId']) ?? '';
    const key = JSON.stringify([ref, leaseId]);
    const known = this.#leases.get(key);
    if (known === undefined && this.#leases.size >= LEASES_MAX) {
      this.#more += 1;
      return;
    }
    const life = known ?? { ref, leaseId, broker: textOf(data['broker']) ?? '?', steps: [], more: 0, uses: 0, refused: 0 };
    const state = textOf(data['state']) ?? '?';
    const reason = textOf(data['reason']);
    const end = ENDS.find((one) => one === state);
    const kept = life.steps.length < STEPS_MAX || end !== undefined;
    // Ends are kept whatever went before; there is one of a lease, and a hostile bundle gets no more than twice the bound.
    const room = kept && life.steps.length < 2 * STEPS_MAX;
    const step: LeaseStep = { state, seq, time, ...(reason === undefined ? {} : { reason }) };
    this.#leases.set(key, {
      ...life,
      steps: room ? [...life.steps, step] : life.steps,
      more: room ? life.more : life.more + 1,
      uses: Math.max(life.uses, numberOf(data['uses']) ?? 0), // SL1
      refused: life.refused + (state === 'refused' ? (Number(/^(\d{1,15}) more,/.exec(reason ?? '')?.[1] ?? 1) || 1) : 0),
      ...(end === undefined ? {} : { end }),
    });
  }

  get list(): readonly SecretLife[] {
    return [...this.#leases.values()];
  }

  /** Records of leases beyond those kept. */
  get more(): number {
    return this.#more;
  }
}
