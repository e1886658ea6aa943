/**
 * What admits a run by authority and policy, at the steps of the start where the reference asks (reference/03 §2, steps 12, 13, 17 to 20).
 *
 *   AD1  what is configured and cannot be decided here refuses: nothing is waved through.
 */
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import type { EventStream } from '../../runtime/stream/event-stream.ts';
import { startRefused } from './start-refused.ts';
import type { Transport } from './transport.ts';

export interface Derivation {
  readonly roleRoot: string;
  readonly parentRunId?: string;
}

export interface Admitted {
  readonly derivation: Derivation | undefined;
  /** Told before the run: what the start found of its keyset. */
  readonly announce: (stream: EventStream) => Promise<void>;
}

/** Steps 12 and 13. */
export function admitAtStart(config: SupervisorConfig, document: SpecDocument, _runId: string): Derivation | undefined {
  if (config.paths.authorityKeys !== undefined || document.document.spec.authority.authorityDerivation !== undefined) throw startRefused('feature-unavailable', 'Authority keys and derivation tokens are not verified by this program yet');
  return undefined;
}

export interface AdmitInput {
  readonly config: SupervisorConfig;
  readonly document: SpecDocument;
  readonly runId: string;
  readonly transport: Transport;
  readonly derivation: Derivation | undefined;
  readonly warn: (target: string, text: string) => void;
}

/** Steps 17 to 20. */
export async function admitRun({ config, derivation }: AdmitInput): Promise<Admitted> {
  const { ceiling, policyPack, authzPolicy, keyset, keysetChain } = config.paths;
  if ([ceiling, policyPack, authzPolicy, keyset, keysetChain].some((path) => path !== undefined) || config.require.ceiling) throw startRefused('feature-unavailable', 'Ceilings and policies are not decided by this program yet');
  return { derivation, announce: async () => undefined };
}
