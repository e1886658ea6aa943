/** Data of the events about a cell's life, identity, command and exports (reference/02 §3.1). */
import { aboutCell, type CellContext, identity, type Members, ofFields, placement, placementBlock, provenance } from './blocks.ts';
import { flag, i32, type Kind, listOf, nullable, objectOf, oneOf, optional, text, u64 } from './shape.ts';
import { subjectUrn } from './subject.ts';

const LIFETIME = { ttlSeconds: u64, tenantId: optional(text) };
const lifetime = ({ spec }: CellContext): Members => ({ ttlSeconds: u64.read(spec.lifetime.ttlSeconds, 'spec.lifetime.ttlSeconds'), tenantId: spec.correlation?.tenantId });

export const lifecycleStartedData = aboutCell(
  {
    derivationVerified: optional(flag),
    roleRoot: optional(text),
    parentRunId: optional(text),
    specHash: optional(text),
    kernelDigestSha256: optional(text),
    rootfsDigestSha256: optional(text),
    firecrackerDigestSha256: optional(text),
  },
  { fields: { ...LIFETIME, placement }, of: (context) => ({ ...lifetime(context), placement: placementBlock(context.spec) }) },
);

/** Why a cell ended, where the reference has a word for it; any other text is passed on. */
export type LifecycleReason = 'oom' | 'ttl_exceeded' | 'vmm_crashed' | 'boot_failed' | 'signal_killed' | 'init_crashed' | 'kernel_cannot_mount_root' | (string & {});

export const lifecycleDestroyedData = aboutCell(
  {
    outcome: oneOf('succeeded', 'failed'),
    reason: optional(text as Kind<LifecycleReason>),
    terminalState: optional(oneOf('clean', 'forced')),
    evidenceBundleRef: optional(subjectUrn),
    residueClass: optional(oneOf('none', 'documented_exception')),
  },
  { fields: LIFETIME, of: lifetime },
);

/** A boot image whose digest is not the one of its manifest. */
export const manifestFailedData = ofFields({ role: text, expectedSha256: text, actualSha256: text, manifestPath: text });

export const identityMaterializedData = aboutCell({
  identity,
  provisionedRoleArn: optional(text),
  sessionPolicyDigest: optional(text),
  azureObjectId: optional(text),
  credentialJti: optional(text),
});

export const identityRevokedData = aboutCell({ identity, reason: optional(text), provenance: optional(provenance) });

export const identityFailedData = aboutCell({ identity, operation: oneOf('materialize', 'revoke'), reason: text });

/** The reference's texts are fixed; ours say the same. */
export const universalTokenAcceptedData = ofFields({
  cellId: text,
  runId: text,
  specId: text,
  specHash: nullable(text),
  roleRoot: nullable(text),
  reason: text,
  remediation: text,
});

export const commandCompletedData = aboutCell({ argv: listOf(text), exitCode: i32, durationMs: u64, spawnError: optional(text) });

/** Nobody emits this type any more; older streams hold it. */
export const exportCompletedV1Data = aboutCell({ artifactName: text, bytesWritten: u64, destinationRelative: text });

const targetKind = oneOf('local', 's3', 'http');
const receipt = objectOf({ bytesWritten: u64, destination: text, targetKind, targetName: nullable(text) });

export const exportCompletedData = aboutCell({ artifactName: text, receipt, provenance: optional(provenance) });

export const exportFailedData = aboutCell({
  artifactName: text,
  targetKind,
  reason: text,
  targetName: optional(text),
  destination: optional(text),
  provenance: optional(provenance),
});
