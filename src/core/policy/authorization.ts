/**
 * An authorization policy against a document (reference/01 §6): which tenant may run what, where, under which pack.
 *
 *   Z1  `authorizationRefusal` is the reference's evaluation: it stops at the first reason;
 *   Z2  it believes the tenant and the pack a document names itself. `strictAuthorizationRefusal` does not: the tenant has to be who asks, the
 *       pack has to be the one in force, and the rate is kept.
 */
import { quoted } from '../spec/issues.ts';
import type { PolicyInput } from './policy-input.ts';
import type { AuthorizationPolicy } from './policy-shape.ts';

export type AuthorizationReason = 'subject_not_authorized' | 'pool_not_allowed' | 'policy_pack_not_allowed' | 'rate_limited';

export interface AuthorizationRefusal {
  readonly rule: AuthorizationReason;
  readonly path: string;
  readonly message: string;
}

/** What is known beside the document. */
export interface AuthorizationFacts {
  /** Id of the pack in force; undefined: none. */
  readonly packId: string | undefined;
  /** Cells of this caller admitted in the hour before; undefined: nobody counts them, and a rate cannot be kept. */
  readonly admittedLastHour: number | undefined;
}

type Asked = Pick<PolicyInput, 'tenantId' | 'placement' | 'namedPackId' | 'caller'>;

function notListed(rule: AuthorizationReason, path: string, value: string | undefined, list: { name: string; values: readonly string[] }): AuthorizationRefusal | undefined {
  if (value === undefined) return { rule, path, message: `is missing: the authorization policy asks for it (${list.name})` };
  return list.values.includes(value) ? undefined : { rule, path, message: `is ${quoted(value)}, which ${list.name} of the authorization policy does not list` };
}

/** The reference's evaluation [Z1]. @returns undefined when the document may run */
export function authorizationRefusal(policy: AuthorizationPolicy, { tenantId, placement, namedPackId }: Omit<Asked, 'caller'>): AuthorizationRefusal | undefined {
  const { subjects, allowedPools, allowedPolicyPacks } = policy;
  const subject = notListed('subject_not_authorized', 'spec.correlation.tenantId', tenantId, { name: 'subjects', values: subjects });
  if (subject !== undefined) return subject;
  const pool = allowedPools.length === 0 ? undefined : notListed('pool_not_allowed', 'spec.placement.poolId', placement?.poolId, { name: 'allowedPools', values: allowedPools });
  if (pool !== undefined || allowedPolicyPacks.length === 0) return pool;
  return notListed('policy_pack_not_allowed', 'spec.policy.packId', namedPackId, { name: 'allowedPolicyPacks', values: allowedPolicyPacks });
}

/** The same, and what the document cannot say of itself [Z2]. @returns undefined when the document may run */
export function strictAuthorizationRefusal(policy: AuthorizationPolicy, asked: Asked, { packId, admittedLastHour }: AuthorizationFacts): AuthorizationRefusal | undefined {
  const refusal = authorizationRefusal(policy, asked);
  if (refusal !== undefined) return refusal;
  if (asked.tenantId !== asked.caller) return { rule: 'subject_not_authorized', path: 'spec.correlation.tenantId', message: `is ${quoted(asked.tenantId ?? '')}, and the caller is ${quoted(asked.caller)}: nobody asks in another's name` };
  if (policy.allowedPolicyPacks.length > 0 && packId !== asked.namedPackId) return { rule: 'policy_pack_not_allowed', path: 'spec.policy.packId', message: `is ${quoted(asked.namedPackId ?? '')}, and ${packId === undefined ? 'no pack is in force' : `the pack in force is ${quoted(packId)}`}` };
  const { maxCellsPerHour: max } = policy;
  if (max === undefined || (admittedLastHour !== undefined && admittedLastHour < max)) return undefined;
  return { rule: 'rate_limited', path: 'caller', message: admittedLastHour === undefined ? `may start ${max} cells an hour, and nobody counts them here` : `has started ${admittedLastHour} cells within the hour: the authorization policy allows ${max}` };
}
