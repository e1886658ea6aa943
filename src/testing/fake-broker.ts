/** Secrets from a map. */
import { utf8 } from '../base/bytes.ts';
import { CellError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { SecretBroker, SecretLease } from '../ports/secret-broker.ts';
import { Faults } from './faults.ts';

export interface FakeBroker extends SecretBroker {
  readonly faults: Faults<'lease' | 'read' | 'revoke'>;
  /** Leases that have not ended. */
  readonly open: ReadonlySet<string>;
}

export function fakeBroker(values: Readonly<Record<string, string>>, clock: Clock): FakeBroker {
  const faults = new Faults<'lease' | 'read' | 'revoke'>();
  const open = new Set<string>();
  let leases = 0;
  const make = (ref: string, value: string, ttlMs: number): SecretLease => {
    leases += 1;
    const leaseId = `lease-${leases}`;
    const deadlineMs = clock.monotonicMs() + ttlMs;
    let ended: 'revoked' | 'expired' | undefined;
    const end = (how: 'revoked' | 'expired'): void => {
      ended ??= how;
      open.delete(leaseId);
    };
    open.add(leaseId);
    const lease: SecretLease = {
      leaseId,
      ref,
      read: ({ signal }) =>
        faults.runAsync('read', async () => {
          signal.throwIfAborted();
          if (clock.monotonicMs() >= deadlineMs) end('expired');
          if (ended !== undefined) throw new CellError('secret.broker', `Cannot read secret "${ref}": its lease is ${ended}`);
          return new Secret(utf8(value));
        }),
      revoke: () =>
        faults.runAsync('revoke', async () => {
          end('revoked');
          return ended ?? 'revoked';
        }),
      [Symbol.asyncDispose]: async () => void (await lease.revoke()),
    };
    return lease;
  };
  return {
    name: 'env',
    faults,
    open,
    lease: (ref, { ttlMs, signal }) =>
      faults.runAsync('lease', async () => {
        signal.throwIfAborted();
        const value = values[ref];
        if (value === undefined || value === '') throw new CellError('secret.missing', `Cannot get secret "${ref}": there is none of that name`);
        return make(ref, value, ttlMs);
      }),
  };
}
