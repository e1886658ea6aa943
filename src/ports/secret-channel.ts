/** The socket a workload fetches its secrets from (reference/03 §9.3). */
import type { Secret } from '../base/secret.ts';
import type { TeardownLine } from './cell-backend.ts';

export interface SecretListener {
  knows(key: string): boolean;
  /** Life of this key from the opening of the channel, ms, when it is shorter than the channel's. */
  ttlMs?(key: string): number;
  /** @throws when the lease is over; the text is told to the workload */
  read(key: string): Promise<Secret>;
  /** A request that was turned down. */
  refused(key: string, reason: 'unauthorized' | 'unknown' | 'expired' | 'malformed' | 'failed'): void;
}

export interface SecretChannel {
  /** Host folder with the socket. */
  readonly directory: string;
  /** Environment of the workload: delivery, socket path in the cell, token. */
  readonly variables: ReadonlyMap<string, Secret>;
  /** Idempotent. */
  close(): Promise<TeardownLine>;
}
