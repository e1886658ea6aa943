/** The broker a supervisor takes its secrets from, as its settings name it; and what it was asked, for the stream to tell. */
import { systemClock } from '../../adapters/os/clock.ts';
import { systemRandom } from '../../adapters/os/random.ts';
import { createHostBroker, variableFor } from '../../adapters/secret/host-broker.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import type { Environment } from '../../config/env.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import { secretRefsOf } from '../../core/plan/plan-cell.ts';
import type { ExecutionCellSpec } from '../../core/spec/document.ts';
import type { SecretBroker, SecretSource } from '../../ports/secret-broker.ts';
import { identityKey } from '../../runtime/secrets/secret-session.ts';

/** A broker that remembers how it was asked. */
export interface WatchedBroker extends SecretBroker {
  /** Leases given, in order. */
  readonly given: number;
  /** Why the first one failed that did. */
  readonly failure: string | undefined;
}

/** Where a key is to be had: the variable of that name, or the file that a variable of that name points to. */
function sourceOf(broker: 'env' | 'file', key: string, env: Environment): SecretSource {
  if (broker === 'env') return { broker, key: variableFor('CELLOS_SECRET_', key) };
  const variable = variableFor('CELLOS_SECRET_FILE_', key);
  const path = env[variable];
  // A variable that is not set is told as what it is; the value of one that is set is a path, never the secret.
  return path === undefined || path === '' ? { broker: 'env', key: variable } : { broker, path };
}

/** What the reference's in-memory broker gives, which it uses when none is set: for tries, nothing of it is a secret. */
const simulated = (cellId: string, key: string): string => `simulated:${cellId}:${key}`;

function brokerOf(config: SupervisorConfig, env: Environment, spec: ExecutionCellSpec): SecretBroker {
  const { broker } = config;
  const keys = [...secretRefsOf(spec), ...(spec.identity === undefined ? [] : [identityKey(spec.identity)])];
  const values = broker === 'memory' ? Object.fromEntries(keys.map((key) => [key, simulated(spec.id, key)])) : env;
  const sources = new Map(keys.map((key) => [key, broker === 'memory' ? ({ broker: 'env', key } as const) : sourceOf(broker, key, env)]));
  const host = createHostBroker({ env: values, sources, clock: systemClock, random: systemRandom });
  return { name: broker, lease: (ref, options) => host.lease(ref, options) };
}

export function supervisorBroker(config: SupervisorConfig, env: Environment, spec: ExecutionCellSpec): WatchedBroker {
  const broker = brokerOf(config, env, spec);
  const leased = spec.run?.secretDelivery === 'runtimeLeasedBroker';
  let given = 0;
  let failure: string | undefined;
  return {
    name: broker.name,
    get given() {
      return given;
    },
    get failure() {
      return failure;
    },
    async lease(ref, options) {
      try {
        if (leased) throw new CellError('secret.broker', `Cannot lease secret "${ref}": the broker ${broker.name} hands out values, not leases; set spec.run.secretDelivery to env or runtimeBroker`, { facts: { ref } });
        const lease = await broker.lease(ref, options);
        given += 1;
        return lease;
      } catch (error) {
        failure ??= messageOf(error);
        throw error;
      }
    },
  };
}
