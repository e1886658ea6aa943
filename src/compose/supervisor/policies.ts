/**
 * What admits a run by policy: the authorization policy, then the policy pack (reference/03 §2, steps 18 and 20).
 *
 *   PO1  what is configured and cannot be decided refuses: nothing is waved through.
 */
import type { SupervisorConfig } from '../../config/supervisor.ts';
import { startRefused } from './start-refused.ts';

/** @throws CellError with the rule `feature-unavailable` */
export function loadPolicies(config: SupervisorConfig): void {
  if (config.paths.policyPack !== undefined || config.paths.authzPolicy !== undefined) throw startRefused('feature-unavailable', 'Policies are not decided by this program yet');
}
