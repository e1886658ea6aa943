/**
 * The authority ceiling: the most that an organisation lets any document claim (reference/01 §2.4, the gate of reference/03 §2).
 *
 *   CE1  a document is admitted when all it claims lies within one ceiling of the manifest; ceilings are not added up, and none admits nothing;
 *   CE2  opaque claims, `filesystem` and `network`, cannot be compared with a ceiling: strict refuses them, advisory passes over them;
 *   CE3  without a manifest a document is admitted, and the verdict says that nothing was compared.
 */
import type { AuthorityBundle, AuthorityCapability } from '../spec/document.ts';
import type { ADMISSION_REASONS } from '../spec/wire-types.ts';
import type { CeilingManifest } from '../signing/ceiling-manifest.ts';
import { beyond } from './capability.ts';

export type AdmissionReason = (typeof ADMISSION_REASONS)[number];

/** The reference's AdmissionVerdict. */
export interface CeilingVerdict {
  readonly admitted: boolean;
  readonly reason: AdmissionReason;
  /** What lies beyond the ceiling that comes closest; empty when admitted. */
  readonly exceeded: AuthorityCapability;
  readonly ceilingId?: string;
  readonly manifestDigest?: string;
  readonly enforcementBinding: 'linux-nftables' | 'declared-audit';
}

export interface CeilingInput {
  readonly authority: AuthorityBundle;
  /** undefined: none is configured. */
  readonly manifest: { readonly ceiling: CeilingManifest; /** `sha256:` + hex of the signed payload. */ readonly digest: string } | undefined;
  /** What becomes of claims that cannot be compared [CE2]. */
  readonly uncomparable: 'refuse' | 'pass';
  readonly enforcementBinding: CeilingVerdict['enforcementBinding'];
}

const NOTHING: AuthorityCapability = { egressRules: [], secretRefs: [] };
const sizeOf = ({ egressRules, secretRefs }: AuthorityCapability): number => egressRules.length + secretRefs.length;

/** The name of the comparison, as the reference's admission events tell it. */
export const CEILING_PREDICATE = 'ceiling.is_superset_of(spec.authority)';

/** What of the claim lies beyond the ceiling that leaves least [CE1]. */
function leastBeyond(ceilings: CeilingManifest['ceilings'], authority: AuthorityBundle): AuthorityCapability {
  let least: AuthorityCapability | undefined;
  for (const { ceiling } of ceilings) {
    const left = beyond(ceiling, authority);
    if (least === undefined || sizeOf(left) < sizeOf(least)) least = left;
  }
  return least ?? beyond(NOTHING, authority);
}

export function judgeCeiling({ authority, manifest, uncomparable, enforcementBinding }: CeilingInput): CeilingVerdict {
  if (manifest === undefined) return { admitted: true, reason: 'ceiling_degraded_unconfigured', exceeded: NOTHING, enforcementBinding }; // CE3
  const about = { ceilingId: manifest.ceiling.ceilingId, manifestDigest: manifest.digest, enforcementBinding };
  const opaque = authority.filesystem !== undefined || authority.network !== undefined;
  if (opaque && uncomparable === 'refuse') return { admitted: false, reason: 'ceiling_dimension_uncomparable', exceeded: NOTHING, ...about }; // CE2
  const { ceilings } = manifest.ceiling;
  const exceeded = leastBeyond(ceilings, authority);
  const admitted = ceilings.length > 0 && sizeOf(exceeded) === 0; // CE1
  return { admitted, reason: admitted ? 'admitted_within_ceiling' : 'authority_exceeds_ceiling', exceeded, ...about };
}
