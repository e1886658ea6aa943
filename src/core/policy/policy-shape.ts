/** Policy packs and authorization policies as tables (reference/01 §5.1, §6): members, defaults, order on the wire. What is checked of them is in `read-policy.ts`. */
import { PLACEMENT } from '../spec/document-shape.ts';
import { BOOLEAN, defaulted, list, map, nullable, optional, record, required, type Shape, STRING, type TypeOf, U32, UINT64 } from '../spec/shape.ts';

const STRINGS = list(STRING);

export const POLICY_RULES = record({
  maxLifetimeTtlSeconds: nullable(UINT64),
  maxMemoryMaxBytes: nullable(UINT64),
  maxRunTimeoutMs: nullable(UINT64),
  requireEgressDeclared: defaulted(BOOLEAN, false),
  forbidOutboundEgressRules: defaulted(BOOLEAN, false),
  allowedEgressHosts: defaulted(STRINGS, []),
  requireRuntimeSecretDelivery: defaulted(BOOLEAN, false),
  requireResourceLimits: defaulted(BOOLEAN, false),
  flagDnsEgressWithoutAcknowledgment: nullable(BOOLEAN),
  requireDnsEgressJustification: nullable(BOOLEAN),
  secretRefAllowlist: nullable(map(STRINGS)),
});

export const POLICY_PACK = record({ id: required(STRING), description: nullable(STRING), version: nullable(STRING), placement: optional(PLACEMENT), rules: required(POLICY_RULES) });

export const AUTHORIZATION_POLICY = record({ subjects: required(STRINGS), allowedPools: defaulted(STRINGS, []), allowedPolicyPacks: defaulted(STRINGS, []), maxCellsPerHour: optional(U32) });

/** The outer document both have. */
function documentOf<T>(spec: Shape<T>) {
  return record({ apiVersion: required(STRING), kind: required(STRING), spec: required(spec) });
}

export const POLICY_PACK_DOCUMENT = documentOf(POLICY_PACK);
export const AUTHORIZATION_POLICY_DOCUMENT = documentOf(AUTHORIZATION_POLICY);

export type PolicyRules = TypeOf<typeof POLICY_RULES>;
export type PolicyPack = TypeOf<typeof POLICY_PACK>;
export type PolicyPackDocument = TypeOf<typeof POLICY_PACK_DOCUMENT>;
export type AuthorizationPolicy = TypeOf<typeof AUTHORIZATION_POLICY>;
export type AuthorizationPolicyDocument = TypeOf<typeof AUTHORIZATION_POLICY_DOCUMENT>;
