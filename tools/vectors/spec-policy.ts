/** Adapters of vectors/spec about policy packs, authorization policies and principals. */
import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { compactText } from '../../src/base/canonical-json.ts';
import { isCellError } from '../../src/base/errors.ts';
import { isJsonArray, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { matchesPlacement, packViolations, secretViolations } from '../../src/core/policy/evaluate.ts';
import { policyInputOf } from '../../src/core/policy/policy-input.ts';
import { POLICY_PACK, POLICY_RULES } from '../../src/core/policy/policy-shape.ts';
import { type VersionRule, versionFault } from '../../src/core/policy/policy-version.ts';
import { delegateTo, effectiveScope, parsePrincipal, type PrincipalReason, principalText, rootOperator } from '../../src/core/policy/principal.ts';
import { PRINCIPAL, type Principal, type ToolCapability } from '../../src/core/policy/principal-shape.ts';
import { parsePrincipalUri, principalUri } from '../../src/core/policy/principal-uri.ts';
import type { PolicyDocumentCheck } from '../../src/core/policy/read-document.ts';
import { type AuthorizationRule, checkAuthorizationPolicy, checkPolicyPack, type PackRule } from '../../src/core/policy/read-policy.ts';
import { decode } from '../../src/core/spec/decode.ts';
import { EXECUTION_CELL_SPEC, PLACEMENT } from '../../src/core/spec/document-shape.ts';
import { encode } from '../../src/core/spec/encode.ts';
import type { Shape } from '../../src/core/spec/shape.ts';
import { objectMember, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const PREFIX = 'invalid cell specification: ';

const VERSION_TEXTS: readonly (readonly [RegExp, VersionRule])[] = [
  [/^policy pack spec\.version ".*" has malformed pre-release suffix$/s, 'version.pre-release'],
  [/^policy pack spec\.version ".*" must be a MAJOR\.MINOR\.PATCH semver string$/s, 'version.parts'],
  [/^policy pack spec\.version ".*" component ".*" is not a non-negative integer$/s, 'version.digits'],
  [/^policy pack spec\.version ".*" component ".*" has a leading zero$/s, 'version.leading-zero'],
  [/^policy pack spec\.version ".*" component ".*" overflows u64$/s, 'version.overflow'],
  [/^policy pack spec\.version .* is older than runtime-supported floor 1\.0\.0 /s, 'version.floor'],
];

const DOCUMENT_TEXTS: readonly (readonly [RegExp, PackRule | AuthorizationRule])[] = [
  [/^policy pack apiVersion must be/, 'pack.api-version'],
  [/^policy pack kind must be/, 'pack.kind'],
  [/^policy pack spec\.id ".*" is not a valid portable identifier$/s, 'pack.id'],
  ...VERSION_TEXTS,
  [/^policy pack rules\.maxLifetimeTtlSeconds must be > 0$/, 'pack.maxLifetimeTtlSeconds'],
  [/^policy pack rules\.maxMemoryMaxBytes must be > 0$/, 'pack.maxMemoryMaxBytes'],
  [/^policy pack rules\.maxRunTimeoutMs must be > 0$/, 'pack.maxRunTimeoutMs'],
  [/mutually exclusive$/, 'pack.egress-contradiction'],
  [/^policy pack rules\.allowedEgressHosts contains an empty pattern$/, 'pack.empty-host-pattern'],
  [/^authorization policy apiVersion must be/, 'authorization.api-version'],
  [/^authorization policy kind must be/, 'authorization.kind'],
  [/^authorization policy spec\.subjects must be non-empty/, 'authorization.no-subjects'],
  [/^authorization policy spec\.subjects contains an empty/, 'authorization.blank-subject'],
  [/^authorization policy spec\.allowedPools contains an empty entry$/, 'authorization.blank-pool'],
  [/^authorization policy spec\.allowedPolicyPacks contains an empty entry$/, 'authorization.blank-pack'],
  [/^authorization policy spec\.maxCellsPerHour must be > 0 when set$/, 'authorization.rate'],
];

function ruleFor(error: string, table: readonly (readonly [RegExp, string])[]): string {
  const rule = table.find(([pattern]) => pattern.test(error.replace(PREFIX, '')))?.[1];
  assert.ok(rule !== undefined, `no rule of ours is known for: ${error}`);
  return rule;
}

const STRUCTURAL: ReadonlySet<string> = new Set(DOCUMENT_TEXTS.map(([, rule]) => rule));

function documentAdapter(key: string, check: (text: string) => PolicyDocumentCheck<unknown>): VectorAdapter {
  return ({ input, expect }) => {
    const text = input[`${key}_text`];
    const checked = check(typeof text === 'string' ? text : compactText(input[key] ?? null));
    const first = checked.kind === 'ok' ? undefined : checked.issues[0]?.rule;
    if (expect['error'] === undefined) return assert.equal(first, undefined);
    const error = textMember(expect, 'error');
    if (error === 'reject') return assert.notEqual(first, undefined);
    if (error === 'parse') return assert.ok(first !== undefined && !STRUCTURAL.has(first), `refused by ${first}, not while reading`);
    assert.equal(first, ruleFor(error, DOCUMENT_TEXTS));
  };
}

function read<T>(shape: Shape<T>, value: JsonValue | undefined): T {
  const { value: typed, errors } = decode(shape, value ?? null);
  assert.ok(typed !== undefined && errors.count === 0, errors.list.map(({ message }) => message).join());
  return typed;
}

const policyEval: VectorAdapter = ({ input, expect }) => {
  const expected = expect['ok'];
  assert.ok(isJsonArray(expected));
  const found = packViolations(read(POLICY_PACK, input['pack']), policyInputOf(read(EXECUTION_CELL_SPEC, input['spec'])));
  assert.deepEqual(
    found.map(({ rule }) => rule),
    expected.map((one) => textMember(one as JsonObject, 'rule')),
  );
};

const policyVersion: VectorAdapter = ({ input, expect }) => {
  const { declared } = input;
  const fault = versionFault(typeof declared === 'string' ? declared : undefined, input['allowDowngrade'] === true);
  if (expect['error'] === undefined) assert.equal(fault, undefined);
  else assert.equal(fault?.rule, ruleFor(textMember(expect, 'error'), VERSION_TEXTS));
};

const placementScope: VectorAdapter = ({ input, expect }) => {
  const placement = input['placement'] === null || input['placement'] === undefined ? undefined : read(PLACEMENT, input['placement']);
  assert.equal(matchesPlacement(placement, read(PLACEMENT, input['scope'])), expect['ok']);
};

const secretAllowlist: VectorAdapter = ({ input, expect }) => {
  const { secretRefs } = policyInputOf(read(EXECUTION_CELL_SPEC, input['spec']));
  const [first] = secretViolations(read(POLICY_RULES, input['rules']), { secretRefs, caller: textMember(input, 'callerIdentity') });
  if (expect['error'] === undefined) assert.equal(first, undefined);
  else assert.equal(first?.rule, textMember(expect, 'error').replace(PREFIX, '').split(':')[0]);
};

const KINDS: Readonly<Record<string, PrincipalReason>> = {
  MissingScheme: 'missing-scheme',
  EmptyPath: 'empty-path',
  UnknownKind: 'unknown-kind',
  UnknownTrustRoot: 'unknown-trust-root',
  UnknownCapability: 'unknown-capability',
  BadPercentEncoding: 'percent-encoding',
  Malformed: 'malformed',
};

function principalRefused(work: () => unknown, expect: JsonObject): void {
  try {
    work();
  } catch (error) {
    if (!isCellError(error, 'document.invalid')) throw error;
    const { reason, missing } = error.facts;
    if (expect['missing'] !== undefined) assert.deepEqual({ reason, missing }, { reason: 'not-narrowing', missing: expect['missing'] });
    else if (typeof expect['kind'] === 'string') assert.equal(reason, KINDS[expect['kind']]);
    else assert.ok(expect['error'] === 'reject' || (expect['error'] === 'parse' && reason === 'shape'), `refused for ${String(reason)}`);
    return;
  }
  assert.fail('accepted');
}

function principalResult(principal: Principal, ok: JsonObject): void {
  assert.equal(principalUri(principal), textMember(ok, 'uri'));
  if (ok['principal'] !== undefined) sameJson(encode(PRINCIPAL, principal), ok['principal']);
  if (ok['json'] !== undefined) assert.equal(principalText(principal), ok['json']);
  if (ok['effectiveScope'] !== undefined) assert.deepEqual(effectiveScope(principal), ok['effectiveScope']);
  if (ok['rootOperator'] !== undefined) assert.equal(rootOperator(principal) ?? null, ok['rootOperator']);
}

const principals: VectorAdapter = ({ input, expect, raw }) => {
  const work = (): Principal => {
    switch (raw['op']) {
      case 'principal_to_uri':
        return parsePrincipal(input['principal'] ?? null);
      case 'principal_from_uri':
        return parsePrincipalUri(textMember(input, 'uri'));
      case 'principal_compose':
        return delegateTo(parsePrincipal(input['authorizing'] ?? null), textMember(input, 'delegate'), input['scope'] as readonly ToolCapability[]);
      default:
        return assert.fail(`no operation ${String(raw['op'])}`);
    }
  };
  if (expect['error'] === undefined) principalResult(work(), objectMember(expect, 'ok'));
  else principalRefused(work, expect);
};

export const policyAdapters: Readonly<Record<string, VectorAdapter>> = {
  'spec/policy-document': documentAdapter('pack', (text) => checkPolicyPack(utf8(text), { mode: 'compatible' })),
  'spec/authz-document': documentAdapter('policy', (text) => checkAuthorizationPolicy(utf8(text), { mode: 'compatible' })),
  'spec/policy-eval': policyEval,
  'spec/policy-version': policyVersion,
  'spec/placement-scope': placementScope,
  'spec/secret-allowlist': secretAllowlist,
  'spec/principals': principals,
};
