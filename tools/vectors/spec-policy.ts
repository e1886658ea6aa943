/** Adapters of vectors/spec about policy packs, authorization policies and principals. */
import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { compactText } from '../../src/base/canonical-json.ts';
import { isCellError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import { parseAuthorizationPolicy } from '../../src/core/policy/authorization.ts';
import { evaluatePack, secretRefusal } from '../../src/core/policy/evaluate.ts';
import { parsePolicyPack } from '../../src/core/policy/pack.ts';
import { matchesScope } from '../../src/core/policy/placement.ts';
import { delegateTo, effectiveScope, parsePrincipal, parsePrincipalUri, principalText, principalUri, rootOperator } from '../../src/core/policy/principal.ts';
import { versionRefusal } from '../../src/core/policy/version.ts';
import { decode } from '../../src/core/spec/decode.ts';
import type { PlacementSpec } from '../../src/core/spec/document.ts';
import { EXECUTION_CELL_SPEC } from '../../src/core/spec/document-shape.ts';
import type { Shape } from '../../src/core/spec/shape.ts';
import { POLICY_PACK, POLICY_RULES, type ToolCapability } from '../../src/core/spec/wire-types.ts';
import { objectMember, optionalText, refuses, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

function read<T>(shape: Shape<T>, value: JsonValue | undefined): T {
  const { value: decoded, errors } = decode(shape, value ?? null);
  assert.equal(errors.count, 0, JSON.stringify(errors.list));
  return decoded as T;
}

const SHAPE = [/^parse$/, 'shape'] as const;

/** The reference's texts, once, and our rule. */
const VERSION_RULES = [
  [/malformed pre-release suffix/, 'version-suffix'],
  [/must be a MAJOR\.MINOR\.PATCH/, 'version-parts'],
  [/is not a non-negative integer/, 'version-component'],
  [/has a leading zero/, 'version-zero'],
  [/overflows u64/, 'version-overflow'],
  [/is older than runtime-supported floor/, 'version-floor'],
] as const;

const PACK_RULES = [
  SHAPE,
  [/pack apiVersion must/, 'api-version'],
  [/pack kind must/, 'kind'],
  [/spec\.id .* is not a valid portable/s, 'id'],
  ...VERSION_RULES,
  [/rules\.maxLifetimeTtlSeconds must/, 'max-lifetime'],
  [/rules\.maxMemoryMaxBytes must/, 'max-memory'],
  [/rules\.maxRunTimeoutMs must/, 'max-timeout'],
  [/are mutually exclusive/, 'egress-contradiction'],
  [/contains an empty pattern/, 'empty-pattern'],
] as const;

const AUTHZ_RULES = [
  SHAPE,
  [/policy apiVersion must/, 'api-version'],
  [/policy kind must/, 'kind'],
  [/subjects must be non-empty/, 'no-subjects'],
  [/subjects contains/, 'blank-subject'],
  [/allowedPools contains/, 'blank-pool'],
  [/allowedPolicyPacks contains/, 'blank-pack'],
  [/maxCellsPerHour must/, 'rate'],
] as const;

const PRINCIPAL_RULES = [
  [/must start with/, 'scheme'],
  [/no variant segment/, 'no-variant'],
  [/clause .* missing/, 'query-clause'],
  [/unknown query parameter/, 'query-parameter'],
  [/unknown capability token/, 'capability'],
  [/unknown principal kind/, 'kind'],
  [/`(?:operator|platform)` .*missing id segment/, 'missing-id'],
  [/invalid percent-encoding/, 'percent'],
  [/unexpected segment/, 'after-id'],
  [/malformed `federated`/, 'federated-form'],
  [/unknown trust root/, 'trust-root'],
  [/missing delegate id/, 'delegate-id'],
  [/malformed `delegate`/, 'delegate-form'],
  [/not narrowing/, 'not-narrowing'],
] as const;

function ruleOf(table: readonly (readonly [RegExp, string])[], expected: string): string {
  return table.find(([pattern]) => pattern.test(expected))?.[1] ?? assert.fail(`no rule is known for: ${expected}`);
}

/** The first rule broken has to be the reference's; a document of another shape breaks none. */
function structure(parse: () => unknown, expect: JsonObject, table: readonly (readonly [RegExp, string])[]): void {
  const expected = optionalText(expect['error']);
  if (expected === undefined) {
    parse();
    return;
  }
  const { facts } = refuses(parse, ['document.invalid']);
  assert.equal((facts['rules'] as string[] | undefined)?.[0] ?? 'shape', ruleOf(table, expected));
}

/** Which rule each message is about, and what it names, is compared; its wording is ours. */
const rulesOf = (violations: readonly { rule: string }[]): string[] => violations.map(({ rule }) => rule);

function principal(work: () => JsonObject, expect: JsonObject): void {
  const expected = optionalText(expect['error']);
  if (expected === undefined) {
    sameJson(work(), expect['ok']);
    return;
  }
  try {
    work();
  } catch (error) {
    assert.ok(isCellError(error, 'document.invalid'), String(error));
    if (expected !== 'reject') assert.equal(error.facts['reason'], ruleOf(PRINCIPAL_RULES, expected));
    if (expect['missing'] !== undefined) assert.equal(error.facts['missing'], expect['missing']);
    return;
  }
  assert.fail('it was accepted');
}

const PRINCIPAL_OPS: Readonly<Record<string, (input: JsonObject) => JsonObject>> = {
  principal_to_uri: (input) => {
    const given = parsePrincipal(input['principal'] ?? null);
    return { effectiveScope: [...effectiveScope(given)], json: principalText(given), rootOperator: rootOperator(given) ?? null, uri: principalUri(given) };
  },
  principal_from_uri: (input) => {
    const given = parsePrincipalUri(textMember(input, 'uri'));
    return { principal: given as unknown as JsonValue, uri: principalUri(given) };
  },
  principal_compose: (input) => {
    const made = delegateTo(parsePrincipal(input['authorizing'] ?? null), textMember(input, 'delegate'), (input['scope'] ?? []) as unknown as ToolCapability[]);
    return { principal: made as unknown as JsonValue, uri: principalUri(made) };
  },
  principal_json: (input) => {
    const given = parsePrincipal(input['principal'] ?? null);
    return { principal: given as unknown as JsonValue, uri: principalUri(given) };
  },
};

export const policyAdapters: Readonly<Record<string, VectorAdapter>> = {
  'spec/policy-document': ({ input, expect }) => structure(() => parsePolicyPack(utf8(compactText(input['pack'] ?? null))), expect, PACK_RULES),

  'spec/authz-document': ({ input, expect }) => structure(() => parseAuthorizationPolicy(utf8(compactText(input['policy'] ?? null))), expect, AUTHZ_RULES),

  'spec/policy-version': ({ input, expect }) => {
    const refused = versionRefusal(optionalText(input['declared']), { allowDowngrade: input['allowDowngrade'] === true });
    const expected = optionalText(expect['error']);
    assert.equal(refused?.reason, expected === undefined ? undefined : ruleOf(VERSION_RULES, expected));
  },

  'spec/placement-scope': ({ input, expect }) => assert.equal(matchesScope((input['placement'] ?? undefined) as PlacementSpec | undefined, input['scope'] as PlacementSpec), expect['ok']),

  'spec/policy-eval': ({ input, expect }) => {
    const violations = evaluatePack(read(EXECUTION_CELL_SPEC, input['spec']), read(POLICY_PACK, input['pack']));
    assert.deepEqual(rulesOf(violations), rulesOf(expect['ok'] as unknown as { rule: string }[]));
  },

  'spec/secret-allowlist': ({ input, expect }) => {
    const refused = secretRefusal(read(EXECUTION_CELL_SPEC, input['spec']), read(POLICY_RULES, input['rules']), textMember(input, 'callerIdentity'));
    const expected = optionalText(expect['error']);
    const reason = expected === undefined ? undefined : ruleOf([[/caller_unmapped:/, 'caller-unmapped'], [/secret_ref_denied:/, 'secret-ref-denied']], expected);
    assert.equal(refused?.reason, reason);
    const named = expected === undefined ? undefined : /secretRef ("[^"]*")/.exec(expected)?.[1];
    if (named !== undefined) assert.ok(refused?.message.includes(named), `${refused?.message} does not name ${named}`);
  },

  'spec/principals': ({ input, expect, raw }) => {
    const op = PRINCIPAL_OPS[textMember(raw, 'op')];
    assert.ok(op !== undefined, `no operation ${textMember(raw, 'op')}`);
    principal(() => op(input), objectMember({ expect }, 'expect'));
  },
};
