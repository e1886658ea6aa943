/**
 * Authorization policies: which tenant may run what, where (reference/01 §6).
 *
 *   AZ1  `authorize` gives the reference's verdict, its steps in their order; the tenant is the one the document claims;
 *   AZ2  ours beside it: a caller that is known has to be the tenant, and the pack in force has to be one of those allowed.
 *
 * LIMIT: `maxCellsPerHour` is read and told, and enforced where cells are counted: a single command counts none.
 */
import type { Bytes } from '../../base/bytes.ts';
import { type Digest, digestOf } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import type { ExecutionCellSpec } from '../spec/document.ts';
import { quoted } from '../spec/issues.ts';
import { trimWhiteSpace } from '../spec/predicates.ts';
import { readTyped } from '../spec/read-typed.ts';
import type { TypeOf } from '../spec/shape.ts';
import { AUTHORIZATION_POLICY_DOCUMENT } from '../spec/wire-types.ts';

export type AuthorizationDocument = TypeOf<typeof AUTHORIZATION_POLICY_DOCUMENT>;

export interface AuthorizationPolicy {
  readonly document: AuthorizationDocument;
  readonly digest: Digest;
}

export type AuthorizationRule = 'api-version' | 'kind' | 'no-subjects' | 'blank-subject' | 'blank-pool' | 'blank-pack' | 'rate';

export interface AuthorizationMistake {
  readonly rule: AuthorizationRule;
  readonly message: string;
}

const holdsBlank = (texts: readonly string[]): boolean => texts.some((text) => trimWhiteSpace(text) === '');

/** Every mistake, in the order of the reference. */
export function authorizationMistakes({ apiVersion, kind, spec }: AuthorizationDocument): readonly AuthorizationMistake[] {
  const found: AuthorizationMistake[] = [];
  const unless = (right: boolean, rule: AuthorizationRule, message: string): void => {
    if (!right) found.push({ rule, message });
  };
  unless(apiVersion === 'cellos.io/v1', 'api-version', `apiVersion has to be cellos.io/v1, not ${quoted(apiVersion)}`);
  unless(kind === 'AuthorizationPolicy', 'kind', `kind has to be AuthorizationPolicy, not ${quoted(kind)}`);
  unless(spec.subjects.length > 0, 'no-subjects', 'spec.subjects is empty, which would let nobody run anything; leave the policy out instead');
  unless(!holdsBlank(spec.subjects), 'blank-subject', 'spec.subjects holds a blank entry');
  unless(!holdsBlank(spec.allowedPools), 'blank-pool', 'spec.allowedPools holds a blank entry');
  unless(!holdsBlank(spec.allowedPolicyPacks), 'blank-pack', 'spec.allowedPolicyPacks holds a blank entry');
  unless(spec.maxCellsPerHour !== 0, 'rate', 'spec.maxCellsPerHour is 0, which would let nobody run anything; give a larger one or leave it out');
  return found;
}

/** @throws CellError `json.invalid` | `document.invalid`; of the latter the fact `rules` names what is broken, the reference's first finding first */
export function parseAuthorizationPolicy(bytes: Bytes): AuthorizationPolicy {
  const document = readTyped(AUTHORIZATION_POLICY_DOCUMENT, bytes, 'the authorization policy');
  const mistakes = authorizationMistakes(document);
  if (mistakes.length > 0) throw new CellError('document.invalid', `Cannot use the authorization policy: ${mistakes.map(({ message }) => message).join('; ')}`, { facts: { rules: mistakes.map(({ rule }) => rule), reasons: mistakes.map(({ message }) => message) } });
  return { document, digest: digestOf(bytes) };
}

export interface AuthorizationRefusal {
  /** As in the reference's event; the last two are ours. */
  readonly reason: 'subject_not_authorized' | 'pool_not_allowed' | 'policy_pack_not_allowed' | 'caller_not_tenant' | 'pack_in_force_not_allowed';
  readonly message: string;
  readonly deniedPoolId?: string;
  readonly deniedPolicyPackId?: string;
}

/** @returns the first refusal; undefined: the document may be run */
export function authorize(spec: ExecutionCellSpec, { spec: policy }: AuthorizationDocument): AuthorizationRefusal | undefined {
  const tenant = spec.correlation?.tenantId;
  if (tenant === undefined) return { reason: 'subject_not_authorized', message: 'spec.correlation.tenantId is missing, and the authorization policy decides by it' };
  if (!policy.subjects.includes(tenant)) return { reason: 'subject_not_authorized', message: `the tenant ${quoted(tenant)} is none of the subjects of the authorization policy` };
  const pool = spec.placement?.poolId;
  if (policy.allowedPools.length > 0 && (pool === undefined || !policy.allowedPools.includes(pool))) {
    return pool === undefined
      ? { reason: 'pool_not_allowed', message: 'spec.placement.poolId is missing, and the authorization policy allows certain pools only' }
      : { reason: 'pool_not_allowed', message: `the pool ${quoted(pool)} is none that the authorization policy allows`, deniedPoolId: pool };
  }
  const pack = spec.policy?.packId;
  if (policy.allowedPolicyPacks.length > 0 && (pack === undefined || !policy.allowedPolicyPacks.includes(pack))) {
    return pack === undefined
      ? { reason: 'policy_pack_not_allowed', message: 'spec.policy.packId is missing, and the authorization policy allows certain packs only' }
      : { reason: 'policy_pack_not_allowed', message: `the policy pack ${quoted(pack)} is none that the authorization policy allows`, deniedPolicyPackId: pack };
  }
  return undefined;
}

/** [AZ2] @param facts what the runner knows by itself, not by what the document claims */
export function authorizeFacts(spec: ExecutionCellSpec, { spec: policy }: AuthorizationDocument, facts: { readonly caller?: string; readonly packId?: string }): AuthorizationRefusal | undefined {
  const tenant = spec.correlation?.tenantId;
  if (facts.caller !== undefined && facts.caller !== tenant) return { reason: 'caller_not_tenant', message: `the caller ${quoted(facts.caller)} is not the tenant ${quoted(tenant ?? '')} that the document claims` };
  if (policy.allowedPolicyPacks.length > 0 && (facts.packId === undefined || !policy.allowedPolicyPacks.includes(facts.packId))) {
    return { reason: 'pack_in_force_not_allowed', message: `the policy pack in force, ${facts.packId === undefined ? 'none' : quoted(facts.packId)}, is none that the authorization policy allows`, ...(facts.packId === undefined ? {} : { deniedPolicyPackId: facts.packId }) };
  }
  return undefined;
}
