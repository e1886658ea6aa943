/**
 * `cellos/core`: the pure part, values in and values out. What an auditor, a planner or a viewer needs without running anything.
 * Nothing here reads a clock, a file or the network.
 */
export { fromBase64Url, toBase64Url } from '../base/bytes.ts';
export { canonicalBytes, canonicalText, jcsBytes } from '../base/canonical-json.ts';
export { CellError, ERROR_CODES, type ErrorCode, isCellError } from '../base/errors.ts';
export type { JsonObject, JsonValue } from '../base/json.ts';
export { parseJson } from '../base/json-parse.ts';
export { admit } from './admission/admit.ts';
export { EVENTS } from './events/catalogue.ts';
export type { CloudEvent, SignedEventEnvelope } from './events/envelope.ts';
export { type AuditReport, auditBundle, auditEnvelopes, type BundleSource, type Verdict, VERDICT_EXIT } from './evidence/audit.ts';
export { type Attestation, makeAttestation, verifyAttestation } from './evidence/bundle.ts';
export { ChainWriter, envelopeDigest, firstPrev } from './evidence/chain.ts';
export type { RunAsks } from './plan/asks.ts';
export type { CellPlan, HostFacts } from './plan/plan.ts';
export { planCell, type Planned } from './plan/plan-cell.ts';
export { parseEnvelope, signEvent, verifyEnvelope } from './signing/envelope.ts';
export { type Keyset, makeKeyset, parseTrustFile, trustFileBytes, verifyKeyset } from './signing/keyset.ts';
export type { ExecutionCellSpec, SpecDocument } from './spec/document.ts';
export { canonicalSpecHash } from './spec/hash.ts';
