/** The control catalogue as the OSCAL-like document the reference emits (reference/02 §12): byte for byte, catalogue order kept. */
import type { ControlEntry } from './control-rollup.ts';

const METADATA = {
  title: 'CellOS 800-53 Rev5 candidate control mapping',
  version: 'control-mapping-v1',
  remarks:
    'Candidate accreditation evidence assembled from the CellOS control-mapping catalog. Every implemented claim is candidate, not assessor-verified. This is not a self-attestation of control satisfaction.',
};

const DEGRADED = 'Enforcement is kernel-bound on Linux+nftables only; elsewhere it degrades to declared-audit.';

function remarksOf({ status, enforcementBinding, degradedBindingNote }: ControlEntry): string[] {
  const remarks = ['candidate, not assessor-verified'];
  if (status === 'algorithm-present-not-validated') remarks.push('crypto module NOT CMVP-validated');
  if (enforcementBinding === 'linux-nftables') remarks.push(`platform-scope: ${degradedBindingNote ?? DEGRADED}`);
  return remarks;
}

/** Pretty JSON, two spaces, newline at the end. */
export function oscalText(catalogue: readonly ControlEntry[]): string {
  const implementations = catalogue.map((entry) => ({
    'control-id': entry.controlId,
    status: entry.status,
    'enforcement-binding': entry.enforcementBinding,
    description: entry.narrative,
    props: { codeSeams: entry.codeSeams, provingEventTypes: entry.provingEventTypes, provingTests: entry.provingTests },
    remarks: remarksOf(entry),
  }));
  const requirements = catalogue.map((entry) => ({ 'control-id': entry.controlId, status: entry.status, description: entry.narrative, remarks: remarksOf(entry) }));
  const component = { uuid: 'cellos-substrate-component-v1', type: 'software', title: 'CellOS execution-cell substrate', 'control-implementations': implementations };
  const document = {
    'component-definition': { metadata: METADATA, components: [component] },
    'ssp-fragment': { metadata: METADATA, 'implemented-requirements': requirements },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
