import { describe, expect, it } from 'vitest';
import { authorizationRefusal, strictAuthorizationRefusal } from './authorization.ts';
import type { AuthorizationPolicy } from './policy-shape.ts';

const policy = (members: Partial<AuthorizationPolicy> = {}): AuthorizationPolicy => ({ subjects: ['t', 'u'], allowedPools: [], allowedPolicyPacks: [], ...members });
type Asked = Parameters<typeof strictAuthorizationRefusal>[1];
const line = (refusal: ReturnType<typeof authorizationRefusal>): string | undefined => (refusal === undefined ? undefined : `${refusal.rule} | ${refusal.path} ${refusal.message}`);

describe('authorizationRefusal()', () => {
  const pools = { allowedPools: ['p'] };
  const packs = { allowedPolicyPacks: ['k'] };
  it.each<[Partial<AuthorizationPolicy>, Omit<Asked, 'caller'>, string | undefined]>([
    [{}, { tenantId: 't' }, undefined],
    [{}, { tenantId: 'u' }, undefined],
    [{}, {}, 'subject_not_authorized | spec.correlation.tenantId is missing: the authorization policy asks for it (subjects)'],
    [{}, { tenantId: 'T' }, 'subject_not_authorized | spec.correlation.tenantId is "T", which subjects of the authorization policy does not list'],
    [pools, { tenantId: 't' }, 'pool_not_allowed | spec.placement.poolId is missing: the authorization policy asks for it (allowedPools)'],
    [pools, { tenantId: 't', placement: {} }, 'pool_not_allowed | spec.placement.poolId is missing: the authorization policy asks for it (allowedPools)'],
    [pools, { tenantId: 't', placement: { poolId: 'q' } }, 'pool_not_allowed | spec.placement.poolId is "q", which allowedPools of the authorization policy does not list'],
    [pools, { tenantId: 't', placement: { poolId: 'p' } }, undefined],
    [packs, { tenantId: 't' }, 'policy_pack_not_allowed | spec.policy.packId is missing: the authorization policy asks for it (allowedPolicyPacks)'],
    [packs, { tenantId: 't', namedPackId: 'l' }, 'policy_pack_not_allowed | spec.policy.packId is "l", which allowedPolicyPacks of the authorization policy does not list'],
    [packs, { tenantId: 't', namedPackId: 'k' }, undefined],
    [{ ...pools, ...packs }, { tenantId: 'x' }, 'subject_not_authorized | spec.correlation.tenantId is "x", which subjects of the authorization policy does not list'],
    [{ ...pools, ...packs }, { tenantId: 't', placement: { poolId: 'p' } }, 'policy_pack_not_allowed | spec.policy.packId is missing: the authorization policy asks for it (allowedPolicyPacks)'],
    [{ ...pools, ...packs }, { tenantId: 't', namedPackId: 'l' }, 'pool_not_allowed | spec.placement.poolId is missing: the authorization policy asks for it (allowedPools)'],
  ])('%j, asked %j: %s [Z1]', (members, asked, expected) => {
    expect(line(authorizationRefusal(policy(members), asked))).toBe(expected);
    expect(line(strictAuthorizationRefusal(policy(members), { ...asked, caller: asked.tenantId ?? '' }, { packId: asked.namedPackId, admittedLastHour: 0 }))).toBe(expected);
  });
});

describe('strictAuthorizationRefusal()', () => {
  const packs = { allowedPolicyPacks: ['k'] };
  it.each<[Partial<AuthorizationPolicy>, Asked, { packId?: string; admittedLastHour?: number }, string | undefined]>([
    [{}, { tenantId: 't', caller: 'u' }, {}, 'subject_not_authorized | spec.correlation.tenantId is "t", and the caller is "u": nobody asks in another\'s name'],
    [{}, { tenantId: 't', namedPackId: 'k', caller: 't' }, {}, undefined],
    [packs, { tenantId: 't', namedPackId: 'k', caller: 't' }, {}, 'policy_pack_not_allowed | spec.policy.packId is "k", and no pack is in force'],
    [packs, { tenantId: 't', namedPackId: 'k', caller: 't' }, { packId: 'l' }, 'policy_pack_not_allowed | spec.policy.packId is "k", and the pack in force is "l"'],
    [packs, { tenantId: 't', namedPackId: 'k', caller: 't' }, { packId: 'k' }, undefined],
    [{ maxCellsPerHour: 2 }, { tenantId: 't', caller: 't' }, { admittedLastHour: 1 }, undefined],
    [{ maxCellsPerHour: 2 }, { tenantId: 't', caller: 't' }, { admittedLastHour: 2 }, 'rate_limited | caller has started 2 cells within the hour: the authorization policy allows 2'],
    [{ maxCellsPerHour: 2 }, { tenantId: 't', caller: 't' }, {}, 'rate_limited | caller may start 2 cells an hour, and nobody counts them here'],
    [{}, { tenantId: 't', caller: 't' }, { admittedLastHour: 1e9 }, undefined],
  ])('%j, asked %j, known %j: %s [Z2]', (members, asked, facts, expected) => {
    expect(line(strictAuthorizationRefusal(policy(members), asked, { packId: facts.packId, admittedLastHour: facts.admittedLastHour }))).toBe(expected);
  });
});
