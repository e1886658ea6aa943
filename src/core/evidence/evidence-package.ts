/**
 * The signed manifest of the evidence of one period (reference/02 §12).
 *
 *   P1  `verifyEvidencePackage` gives the reference's verdict: any signed event with an equal list of artifacts passes;
 *   P2  ours adds, when asked: type, period and the root key the manifest names.
 */
import type { Bytes } from '../../base/bytes.ts';
import { canonicalText, compareCodePoints } from '../../base/canonical-json.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonValue } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import type { SignedEventEnvelope } from '../events/envelope.ts';
import { type EventSigner, signEvent, verifyEnvelope } from '../signing/envelope.ts';

export interface PackageArtifact {
  readonly name: string;
  readonly bytes: Bytes;
}

export type EvidencePackageRefusal = 'missing-data' | 'missing-artifacts' | 'artifacts-differ' | 'other-type' | 'other-period' | 'other-root';

function refuse(reason: EvidencePackageRefusal, message: string): never {
  throw new CellError('evidence.invalid', `Cannot accept an evidence package: ${message}`, { facts: { reason } });
}

/** By the bytes of their names; equal names stay in their order. */
function digests(artifacts: readonly PackageArtifact[]): JsonValue {
  return artifacts.toSorted((a, b) => compareCodePoints(a.name, b.name)).map(({ name, bytes }) => jsonObject({ name, digest: sha256Hex(bytes) }));
}

export function signEvidencePackage(input: { period: string; artifacts: readonly PackageArtifact[]; signer: EventSigner }): SignedEventEnvelope {
  const { period, artifacts, signer } = input;
  const data = jsonObject({ period, orgRootKid: signer.kid, artifacts: digests(artifacts) });
  return signEvent({ specversion: '1.0', id: `evidence-${period}`, source: 'cellos-evidence', type: EVENTS.evidencePackage.type, datacontenttype: 'application/json', data }, signer);
}

/** @param options.period the period it has to be about [P2]. @throws CellError `signature.invalid` | `evidence.invalid` with the fact `reason` */
export function verifyEvidencePackage(envelope: SignedEventEnvelope, artifacts: readonly PackageArtifact[], keys: ReadonlyMap<string, Bytes>, options: { period?: string } = {}): void {
  const event = verifyEnvelope(envelope, { ed25519: keys });
  if (event.data === undefined) refuse('missing-data', 'it has no data');
  const data = isJsonObject(event.data) ? event.data : jsonObject({});
  if (!isJsonArray(data['artifacts'])) refuse('missing-artifacts', 'it has no list of artifacts');
  if (canonicalText(data['artifacts']) !== canonicalText(digests(artifacts))) refuse('artifacts-differ', 'the artifacts are not those of the signed manifest');
  if (options.period === undefined) return;
  if (event.type !== EVENTS.evidencePackage.type) refuse('other-type', `the event is of the type ${event.type}`);
  if (data['period'] !== options.period) refuse('other-period', `it is about another period than ${options.period}`);
  if (data['orgRootKid'] !== envelope.signerKid) refuse('other-root', 'it names another root key than the one that signed it');
}
