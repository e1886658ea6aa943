/** The gates of a start that look at the document alone (reference/03 §2, step 10). Pure. */
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { ExecutionCellSpec } from '../../core/spec/document.ts';
import { startRefused } from './start-refused.ts';

/** @throws CellError with one of the rules `derivation-required`, `telemetry-required`, `namespace-mismatch` */
export function passDocumentGates(config: SupervisorConfig, spec: ExecutionCellSpec): void {
  const { authority, placement } = spec;
  const asksAuthority = (authority.egressRules?.length ?? 0) > 0 || (authority.secretRefs?.length ?? 0) > 0;
  const because = config.profile === 'hardened' ? ' (the profile hardened demands it)' : '';
  if (config.require.derivation && asksAuthority && authority.authorityDerivation === undefined) {
    throw startRefused('derivation-required', `Cannot admit ${spec.id}: it asks for egress or secrets, and CELLOS_REQUIRE_AUTHORITY_DERIVATION demands a token for them${because}; add spec.authority.authorityDerivation`, { code: 'policy.refused' });
  }
  if (config.require.telemetry && spec.telemetry === undefined) {
    throw startRefused('telemetry-required', `Cannot admit ${spec.id}: CELLOS_REQUIRE_TELEMETRY_DECLARED demands spec.telemetry${because}; declare which events the cell may tell of itself`, { code: 'policy.refused' });
  }
  const { namespace } = config;
  const asked = placement?.kubernetesNamespace;
  if (namespace !== undefined && asked !== undefined && asked !== namespace) {
    throw startRefused('namespace-mismatch', `Cannot admit ${spec.id}: it is for the namespace ${asked}, and CELLOS_K8S_NAMESPACE is ${namespace}`, { code: 'policy.refused' });
  }
}
