/**
 * `cellos/core`: the pure parts. Values in, values out: no file, no clock, no network, no key but those handed in.
 */
export { canonicalBytes, jcsBytes as canonicalize } from '../base/canonical-json.ts';
export { type Digest, digestOf, verifyEd25519, verifyP256 } from '../base/crypto.ts';
export { CellError, ERROR_CODES, type ErrorCode, isCellError } from '../base/errors.ts';
export { JsonFloat, type JsonObject, type JsonValue } from '../base/json.ts';
export { jsonLocator, type JsonParseOptions, parseJson as parseJsonStrict } from '../base/json-parse.ts';
export { type Admission, type AdmissionVerdict, admit, type Violation } from './admission/admit.ts';
export { isSuperset } from './authority/capability.ts';
export { judgeCeiling } from './authority/ceiling.ts';
export { bindingRefusals, scopeRefusal, signDerivation, verifyDerivation } from './authority/derivation.ts';
export { DeclaredAuthority, ImposedAuthority, ObservedAuthority, ProvenAuthority } from './authority/typed-authority.ts';
export { eventSchema } from './events/schemas.ts';
export { type EventName, EVENTS, type EventTypeInfo } from './events/catalogue.ts';
export type { CloudEvent, EvidenceTier, SignedEventEnvelope } from './events/envelope.ts';
export { canonicalEventText, parseCloudEvent } from './events/envelope-codec.ts';
export { parseRedaction, redactData } from './events/redact.ts';
export { type AuditReport, auditBundle, auditEnvelopes, type BundleSource, type Verdict, VERDICT_EXIT } from './evidence/audit.ts';
export { decideEnding, type EndingInput, type EndingState, type EndingStep, type StopReason } from './lifecycle/ending.ts';
export { NO_ASKS, type RunAsks } from './plan/asks.ts';
export type { CellPlan, HostFacts, PlanItem, PlanStatus } from './plan/plan.ts';
export { planCell, planDigest, type Planned, type PlanInput } from './plan/plan-cell.ts';
export { callerOf, type PolicyInput, policyInputOf } from './policy/policy-input.ts';
export { decidePolicy, type PolicyDecision, type PolicyGate, redecide } from './policy/decision.ts';
export { delegateTo, parsePrincipal } from './policy/principal.ts';
export { parsePrincipalUri, principalUri } from './policy/principal-uri.ts';
export { type LoadedPack, parseAuthorizationPolicy, parsePolicyPack } from './policy/read-policy.ts';
export { type EnvelopeKeys, parseEnvelope, verifyEnvelope } from './signing/envelope.ts';
export type { Keyset, KeysetKey, RootPin } from './signing/keyset.ts';
export { advanceHistory, type KeysetHistory, type TrustPin, verifyHistory, verifyKeysetFile } from './signing/keyset-chain.ts';
export { mergePins, parseTrustDocument, trustDocument } from './signing/trust-document.ts';
export { CellProjection } from './projection/cell-projection.ts';
export { type CellState, currentState, snapshotText } from './projection/cell-state.ts';
export type { ExecutionCellDocument, ExecutionCellSpec, SpecDocument } from './spec/document.ts';
export { checkSpec, parseSpec } from './spec/parse.ts';
export type { SpecIssue } from './spec/issues.ts';
export { canonicalSpecHash } from './spec/hash.ts';
