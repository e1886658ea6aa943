import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { decidePolicy, decisionData, fitsRecord, type PolicyGate, redecide } from './decision.ts';
import { effectiveRules } from './effective.ts';
import type { PolicyInput } from './policy-input.ts';
import type { PolicyRules } from './policy-shape.ts';
import { parseAuthorizationPolicy, parsePolicyPack } from './read-policy.ts';

const packOf = (rules: object, spec: object = {}, allowDowngrade = false) => parsePolicyPack(utf8(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p', rules, ...spec } })), { allowDowngrade });
const gateOf = (rules: Partial<PolicyRules>, more: Partial<PolicyGate> = {}): PolicyGate & { pack: NonNullable<PolicyGate['pack']> } => ({ pack: packOf(rules), caller: 'ci', ...more });
const input = (members: Partial<PolicyInput> = {}): PolicyInput => ({ ttlSeconds: 600, egressRules: [], secretDelivery: 'runtimeBroker', limitsDeclared: true, secretRefs: [], caller: 'ci', ...members });
const authorization = parseAuthorizationPolicy(utf8('{"apiVersion":"cellos.io/v1","kind":"AuthorizationPolicy","spec":{"subjects":["t"],"maxCellsPerHour":2}}'));

const HASH = 'sha256:00';

/** The record as it comes out of a bundle: through its bytes. */
const travelled = (data: JsonObject): JsonObject => {
  const read = parseJson(canonicalText(data));
  if (!isJsonObject(read)) throw new Error('no object');
  return read;
};

/** The record of a decision, with the member at `path` replaced, or removed. */
function changed(data: JsonObject, path: readonly string[], value: JsonValue | undefined): JsonObject {
  const [key = '', ...rest] = path;
  const inner = data[key];
  return jsonObject({ ...data, [key]: rest.length === 0 ? value : changed(isJsonObject(inner) ? inner : jsonObject({}), rest, value) });
}

describe('decidePolicy()', () => {
  it('permits what nothing forbids, and says whether the pack applied', () => {
    expect(decidePolicy({ caller: 'ci' }, input(), HASH)).toMatchObject({ verdict: 'admitted', applied: false, violations: [], specHash: HASH });
    expect(decidePolicy(gateOf({}), input(), HASH)).toMatchObject({ verdict: 'admitted', applied: true });
    const scoped = { caller: 'ci', pack: packOf({}, { placement: { poolId: 'p' } }) };
    expect(decidePolicy(scoped, input({ placement: { poolId: 'q' } }), HASH)).toMatchObject({ verdict: 'admitted', applied: false });
    expect(decidePolicy(scoped, input(), HASH)).toMatchObject({ verdict: 'refused', applied: false });
  });

  it('authorization first, then the pack, then what it says of nothing, then secrets', () => {
    const gate = gateOf({ maxLifetimeTtlSeconds: 1, maxMemoryMaxBytes: 1, secretRefAllowlist: { ci: [] } }, { authorization });
    expect(decidePolicy(gate, input({ secretRefs: ['X'] }), HASH).violations.map(({ rule }) => rule)).toEqual(['subject_not_authorized', 'maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'secret_ref_denied']);
  });

  it('gives the authorization the pack in force and the count', () => {
    const asked = input({ tenantId: 't', caller: 't' });
    const rules = (gate: Omit<PolicyGate, 'caller'>) => decidePolicy({ ...gate, caller: 't' }, asked, HASH).violations.map(({ rule }) => rule);
    expect(rules({ authorization, admittedLastHour: 1 })).toEqual([]);
    expect(rules({ authorization, admittedLastHour: 2 })).toEqual(['rate_limited']);
    expect(rules({ authorization })).toEqual(['rate_limited']);
    const packs = { ...authorization, spec: { subjects: ['t'], allowedPools: [], allowedPolicyPacks: ['p'] } };
    const named = { ...asked, namedPackId: 'p' };
    expect(decidePolicy({ authorization: packs, pack: packOf({}), caller: 't' }, named, HASH).verdict).toBe('admitted');
    expect(decidePolicy({ authorization: packs, caller: 't' }, named, HASH).verdict).toBe('refused');
  });

  it('knows what fits into a record [D3]', () => {
    const sized = (count: number) => decidePolicy(gateOf({}), input({ secretRefs: ['x'.repeat(count)] }), HASH);
    const room = LIMITS.policyRecordBytesMax - utf8(canonicalText(decisionData(sized(0)))).byteLength;
    expect(fitsRecord(sized(room))).toBe(true);
    expect(fitsRecord(sized(room + 1))).toBe(false);
  });
});

describe('redecide()', () => {
  const gate = gateOf({ maxLifetimeTtlSeconds: 700, allowedEgressHosts: ['*.a'], secretRefAllowlist: { ci: ['X'] } }, { authorization, admittedLastHour: 0 });
  const refused = decidePolicy(gate, input({ ttlSeconds: 2n ** 60n, egressRules: [{ host: 'b', port: 1 }], tenantId: 't' }), HASH);
  const admittedBy = gateOf({ maxLifetimeTtlSeconds: 700 });
  const admitted = decidePolicy(admittedBy, input(), HASH);

  it('comes to the same, from the bytes of the record alone [D1]', () => {
    for (const decision of [refused, admitted, decidePolicy({ caller: 'ci' }, input(), HASH), decidePolicy({ caller: 'ci', pack: packOf({}, { version: '0.1.0' }, true) }, input(), HASH)]) {
      const again = redecide(travelled(decisionData(decision)));
      expect(again.kind === 'same' ? decisionData(again.decision) : again).toEqual(decisionData(decision));
    }
    const again = redecide(decisionData(refused));
    expect(again.kind === 'same' && again.decision.violations).toEqual(refused.violations); // D2
  });

  it('keeps how many were admitted in the hour, and decides by it', () => {
    const asked = input({ tenantId: 't', caller: 't' });
    for (const admittedLastHour of [0, 1, 2, 3]) {
      const data = decisionData(decidePolicy({ authorization, admittedLastHour, caller: 't' }, asked, HASH));
      expect([data['admittedLastHour'], data['allowDowngrade'], redecide(travelled(data)).kind]).toEqual([admittedLastHour, false, 'same']);
      expect(redecide(changed(data, ['admittedLastHour'], admittedLastHour < 2 ? 2 : 1)).kind).toBe('different');
    }
  });

  it('for any pack and input', () => {
    const egress = fc.array(fc.record({ host: fc.string(), port: fc.integer({ min: 0, max: 65535 }) }), { maxLength: 3 });
    const rules = fc.record({ maxLifetimeTtlSeconds: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((n) => (n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n)), requireResourceLimits: fc.boolean(), allowedEgressHosts: fc.array(fc.string({ minLength: 1 }), { maxLength: 3 }) });
    fc.assert(
      fc.property(rules, egress, fc.nat(), fc.boolean(), (given, egressRules, ttlSeconds, limitsDeclared) => {
        const text = canonicalText(jsonObject({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: jsonObject({ id: 'p', rules: jsonObject(given) }) }));
        const decision = decidePolicy({ pack: parsePolicyPack(utf8(text)), caller: 'ci' }, input({ egressRules, ttlSeconds, limitsDeclared }), HASH);
        expect(redecide(travelled(decisionData(decision)))).toMatchObject({ kind: 'same', decision: { verdict: decision.verdict } });
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, JsonValue | undefined, string]>([
    ['verdict', 'admitted', 'it says admitted, and its own pack and inputs give refused'],
    ['violations', [], 'the violations it lists are not those its own pack and inputs give'],
    ['applied', false, 'it says that the pack does not cover the document, and the opposite is so'],
    ['input.ttlSeconds', 5, 'the violations it lists are not those its own pack and inputs give'],
    ['input.caller', 'other', 'the violations it lists are not those its own pack and inputs give'],
    ['packDigest', 'sha256:11', 'the pack it holds is not the one it names'],
    ['packDigest', undefined, 'it does not hold the pack it names'],
    ['packFileHash', undefined, 'it does not hold the pack it names'],
    ['pack', undefined, 'it does not hold the pack it names'],
    ['pack.spec.rules.maxLifetimeTtlSeconds', 701, 'the pack it holds is not the one it names'],
    ['authorization.spec.subjects', [], 'no such authorization policy can be in force: spec.subjects is empty, which would refuse every document; to have no authorization policy, name none'],
    ['input', undefined, 'its input is missing: an object is required'],
    ['extra', 1, 'its extra is an unknown key; known here: v, specHash, packDigest, packFileHash, allowDowngrade, pack, authorization, admittedLastHour, input, applied, verdict, violations'],
    ['v', undefined, 'it does not say by which rules it was made'],
    ['v', '1', 'it does not say by which rules it was made'],
  ])('a refusal whose %s is %j is a lie', (path, value, reason) => {
    expect(redecide(changed(decisionData(refused), path.split('.'), value))).toEqual({ kind: 'different', reason });
  });

  it('finds a refusal made up, and violations reordered or renamed', () => {
    expect(redecide(changed(decisionData(admitted), ['verdict'], 'refused'))).toEqual({ kind: 'different', reason: 'it says refused, and its own pack and inputs give admitted' });
    const { violations } = decisionData(refused);
    const list = violations as readonly JsonValue[];
    for (const other of [[...list].reverse(), list.slice(1), [...list, jsonObject({ rule: 'x', path: 'y' })], list.map((one, i) => (i === 0 ? jsonObject({ rule: 'maxMemoryMaxBytes', path: isJsonObject(one) ? (one['path'] ?? '') : '' }) : one))]) {
      expect(redecide(changed(decisionData(refused), ['violations'], other)).kind).toBe('different');
    }
    const scoped = decidePolicy({ caller: 'ci', pack: packOf({}, { placement: { poolId: 'p' } }) }, input({ placement: { poolId: 'q' } }), HASH);
    expect(redecide(changed(decisionData(scoped), ['applied'], true))).toEqual({ kind: 'different', reason: 'it says that the pack covers the document, and the opposite is so' });
  });

  it('a pack that could never have been in force is a lie, too', () => {
    const old = decisionData(decidePolicy({ caller: 'ci', pack: packOf({}, { version: '0.1.0' }, true) }, input(), HASH));
    expect(redecide(changed(old, ['allowDowngrade'], false))).toMatchObject({ kind: 'different', reason: expect.stringMatching(/^no such pack can be in force: spec\.version is "0\.1\.0", older than/) });
  });

  it('does not judge what later rules decided', () => {
    expect(redecide(changed(decisionData(admitted), ['v'], 2))).toEqual({ kind: 'unsupported', reason: 'it was made by version 2 of the rules' });
  });

  it('takes no other value for a decision', () => {
    for (const value of [undefined, null, [], 'x']) expect(redecide(value)).toEqual({ kind: 'different', reason: 'it holds no decision' });
  });
});

describe('effectiveRules()', () => {
  it('has a row for each rule, and says whose it is', () => {
    const rows = effectiveRules(gateOf({ maxLifetimeTtlSeconds: 5 }));
    expect(rows.map(({ rule }) => rule)).toEqual(['placement', 'maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'maxRunTimeoutMs', 'requireEgressDeclared', 'forbidOutboundEgressRules', 'allowedEgressHosts', 'requireRuntimeSecretDelivery', 'requireResourceLimits', 'flagDnsEgressWithoutAcknowledgment', 'requireDnsEgressJustification', 'secretRefAllowlist']);
    expect(rows[0]).toEqual({ rule: 'placement', source: 'default', says: 'all documents' });
    expect(rows[1]).toEqual({ rule: 'maxLifetimeTtlSeconds', source: 'pack', says: 'a cell lives at most 5 s' });
    expect(rows.slice(2).map(({ says }) => says)).toEqual(['any memory limit', 'any time', 'egress need not be declared', 'egress may be declared', 'egress to any host', 'secrets by any delivery', 'limits need not be declared', 'egress to port 53 like any other', 'no reason for egress to port 53', 'any secret for any caller']);
  });

  it('says what each rule that is set demands', () => {
    const pack = packOf(
      { maxMemoryMaxBytes: 5, maxRunTimeoutMs: 6, requireEgressDeclared: true, allowedEgressHosts: Array.from({ length: 9 }, (_, i) => `h${i}`), requireRuntimeSecretDelivery: true, requireResourceLimits: true, flagDnsEgressWithoutAcknowledgment: true, requireDnsEgressJustification: true, secretRefAllowlist: { ci: [], 'a b': [] } },
      { placement: { poolId: 'p', queueName: 'q' } },
    );
    expect(effectiveRules({ pack, caller: 'ci' }).filter(({ source }) => source === 'pack').map(({ says }) => says)).toEqual([
      'only documents of poolId p, queueName q; one that names none is refused',
      'at most 5 bytes of memory, and it has to be given',
      'a command takes at most 6 ms, by its timeout or its lifetime',
      'egress has to be declared',
      'egress only to h0, h1, h2, h3, h4, h5, h6, h7 and 1 more',
      'secrets by runtimeBroker or runtimeLeasedBroker',
      'limits have to be declared',
      'egress to port 53 only as dns-acknowledged',
      'acknowledged egress to port 53 with a reason',
      'secrets by caller; known callers: ci, a b',
    ]);
    expect(effectiveRules(gateOf({ forbidOutboundEgressRules: true, secretRefAllowlist: {} })).filter(({ source }) => source === 'pack').map(({ says }) => says)).toEqual(['no egress', 'secrets by caller; known callers: none']);
  });

  it('decides each rule of a document', () => {
    const gate = gateOf({ maxLifetimeTtlSeconds: 5, requireResourceLimits: true, secretRefAllowlist: { ci: [] } });
    const decisions = (of: PolicyInput, by = gate) => Object.fromEntries(effectiveRules(by, of).map(({ rule, decision }) => [rule, decision]));
    expect(decisions(input({ secretRefs: ['X'] }))).toMatchObject({ maxLifetimeTtlSeconds: 'broken', requireResourceLimits: 'kept', secretRefAllowlist: 'broken', placement: 'silent', maxRunTimeoutMs: 'silent' });
    expect(decisions(input({ caller: 'other' }), { ...gate, caller: 'other' })).toMatchObject({ secretRefAllowlist: 'broken' });
    expect(decisions(input(), { pack: packOf({}, { placement: { poolId: 'p' } }), caller: 'ci' })).toMatchObject({ placement: 'broken' });
  });
});
