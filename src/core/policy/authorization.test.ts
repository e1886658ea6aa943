import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import { isCellError } from '../../base/errors.ts';
import type { ExecutionCellSpec } from '../spec/document.ts';
import { authorize, authorizeFacts, parseAuthorizationPolicy } from './authorization.ts';

const whole = { apiVersion: 'cellos.io/v1', kind: 'AuthorizationPolicy', spec: { subjects: ['t'] } };
const policy = (spec: object) => parseAuthorizationPolicy(utf8(JSON.stringify({ ...whole, spec: { ...whole.spec, ...spec } }))).document;

function broken(value: object): unknown {
  try {
    parseAuthorizationPolicy(utf8(JSON.stringify(value)));
    return [];
  } catch (error) {
    if (!isCellError(error, 'document.invalid')) throw error;
    expect((error.facts['reasons'] as string[] | undefined)?.every((reason) => error.message.includes(reason) && reason !== '')).not.toBe(false);
    return error.facts['rules'] ?? error.facts['path'];
  }
}

describe('parseAuthorizationPolicy()', () => {
  it('reads a policy and fills in what is not said', () => {
    const bytes = utf8(JSON.stringify(whole));
    const read = parseAuthorizationPolicy(bytes);
    expect([read.document.spec, read.digest]).toEqual([{ subjects: ['t'], allowedPools: [], allowedPolicyPacks: [] }, digestOf(bytes)]);
    expect(policy({ maxCellsPerHour: 1 }).spec.maxCellsPerHour).toBe(1);
  });

  it.each([
    [{ ...whole, apiVersion: 'v' }, ['api-version']],
    [{ ...whole, kind: 'PolicyPack' }, ['kind']],
    [{ ...whole, spec: { subjects: [] } }, ['no-subjects']],
    [{ ...whole, spec: { subjects: ['t', '\u00a0 '] } }, ['blank-subject']],
    [{ ...whole, spec: { subjects: ['t'], allowedPools: ['p', ''] } }, ['blank-pool']],
    [{ ...whole, spec: { subjects: ['t'], allowedPolicyPacks: [' '] } }, ['blank-pack']],
    [{ ...whole, spec: { subjects: ['t'], maxCellsPerHour: 0 } }, ['rate']],
    [{ ...whole, spec: { subjects: ['t'], maxCellsPerHour: 4_294_967_296 } }, 'spec.maxCellsPerHour'],
    [{ ...whole, spec: {} }, 'spec.subjects'],
    [{ apiVersion: '', kind: '', spec: { subjects: [], allowedPools: [''], allowedPolicyPacks: [''], maxCellsPerHour: 0 } }, ['api-version', 'kind', 'no-subjects', 'blank-pool', 'blank-pack', 'rate']],
  ])('finds in %j: %j', (value, rules) => {
    expect(broken(value)).toEqual(rules);
  });
});

const spec = (more: Partial<ExecutionCellSpec>): ExecutionCellSpec => ({ id: 'a', authority: {}, lifetime: { ttlSeconds: 1 }, ...more });
const tenant = { correlation: { tenantId: 't' } };

describe('authorize()', () => {
  const strict = policy({ allowedPools: ['p'], allowedPolicyPacks: ['k'] });

  it('lets a subject through, and looks at pool and pack only where the policy does', () => {
    expect(authorize(spec(tenant), policy({}))).toBeUndefined();
    expect(authorize(spec({ ...tenant, placement: { poolId: 'p' }, policy: { packId: 'k' } }), strict)).toBeUndefined();
  });

  it.each([
    ['no tenant', spec({ placement: { poolId: 'p' } }), { reason: 'subject_not_authorized', message: expect.stringContaining('tenantId is missing') }],
    ['another tenant', spec({ correlation: { tenantId: 'T' } }), { reason: 'subject_not_authorized', message: expect.stringContaining('"T"') }],
    ['no pool', spec({ ...tenant, policy: { packId: 'k' } }), { reason: 'pool_not_allowed', message: expect.stringContaining('poolId is missing') }],
    ['another pool', spec({ ...tenant, placement: { poolId: 'q' } }), { reason: 'pool_not_allowed', deniedPoolId: 'q', message: expect.stringContaining('"q"') }],
    ['no pack', spec({ ...tenant, placement: { poolId: 'p' } }), { reason: 'policy_pack_not_allowed', message: expect.stringContaining('packId is missing') }],
    ['another pack', spec({ ...tenant, placement: { poolId: 'p' }, policy: { packId: 'l' } }), { reason: 'policy_pack_not_allowed', deniedPolicyPackId: 'l', message: expect.stringContaining('"l"') }],
  ])('refuses %s', (_what, document, refusal) => {
    expect(authorize(document, strict)).toEqual(refusal);
  });
});

describe('authorizeFacts()', () => {
  it('holds what the document claims against what the runner knows [AZ2]', () => {
    const strict = policy({ allowedPolicyPacks: ['k'] });
    expect(authorizeFacts(spec(tenant), policy({}), {})).toBeUndefined();
    expect(authorizeFacts(spec(tenant), strict, { caller: 't', packId: 'k' })).toBeUndefined();
    expect(authorizeFacts(spec(tenant), policy({}), { caller: 'u' })).toEqual({ reason: 'caller_not_tenant', message: expect.stringMatching(/"u".*"t"/) });
    expect(authorizeFacts(spec({}), policy({}), { caller: 'u' })).toMatchObject({ reason: 'caller_not_tenant', message: expect.stringContaining('""') });
    expect(authorizeFacts(spec(tenant), strict, { packId: 'l' })).toEqual({ reason: 'pack_in_force_not_allowed', message: expect.stringContaining('"l"'), deniedPolicyPackId: 'l' });
    expect(authorizeFacts(spec(tenant), strict, {})).toEqual({ reason: 'pack_in_force_not_allowed', message: expect.stringContaining('none') });
  });
});
