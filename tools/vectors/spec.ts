/** Adapters of vectors/spec. */
import assert from 'node:assert/strict';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import { canonicalBytes, canonicalText, compactText } from '../../src/base/canonical-json.ts';
import { isCellError } from '../../src/base/errors.ts';
import { isJsonArray, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { DeclaredAuthority, ImposedAuthority, ObservedAuthority, ProvenAuthority } from '../../src/core/authority/typed-authority.ts';
import { matchesAllowlist, queryTypeOf } from '../../src/core/egress/names.ts';
import { decode } from '../../src/core/spec/decode.ts';
import { EXECUTION_CELL_SPEC } from '../../src/core/spec/document-shape.ts';
import { encodeText } from '../../src/core/spec/encode.ts';
import { canonicalSpecHash, canonicalSpecText } from '../../src/core/spec/hash.ts';
import type { ReferenceRule, ShapeRule, SpecRule } from '../../src/core/spec/issues.ts';
import { cgroupLeafName } from '../../src/core/spec/names.ts';
import { checkSpec } from '../../src/core/spec/parse.ts';
import type { AnyShape } from '../../src/core/spec/shape.ts';
import { readJsonSource } from '../../src/core/spec/source.ts';
import { authorityEfficiency, WIRE_SHAPES } from '../../src/core/spec/wire-types.ts';
import { objectMember, refuses, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const PORTABLE = ' must match \\[A-Za-z0-9\\]';

/** The reference's texts, once, and the rule of ours that says the same. */
const RULES: readonly (readonly [RegExp, ReferenceRule])[] = [
  [/^unsupported apiVersion: /, 'document.api-version'],
  [/^unsupported kind: /, 'document.kind'],
  [new RegExp(`^spec\\.id${PORTABLE}`), 'id.portable'],
  [/^spec\.correlation\.tenantId must be non-empty/, 'tenant.empty'],
  [/^spec\.correlation\.tenantId contains NATS-reserved/, 'tenant.reserved'],
  [new RegExp(`^authority\\.secretRefs\\[\\]${PORTABLE}`), 'secret-ref.portable'],
  [new RegExp(`^spec\\.identity\\.secretRef${PORTABLE}`), 'identity.secret-ref.portable'],
  [/^identity_field_irrelevant_for_kind: /, 'identity.irrelevant-field'],
  [/^spec\.identity\.ttlSeconds must be <=/, 'identity.ttl'],
  [/^spec\.identity\.secretRef ".*" must also appear/s, 'identity.secret-ref.undeclared'],
  [/^spec\.environment\.imageReference must/, 'environment.image'],
  [/^spec\.environment\.imageDigest must/, 'environment.digest'],
  [new RegExp(`^spec\\.environment\\.templateId${PORTABLE}`), 'environment.template'],
  [/^spec\.placement must set/, 'placement.empty'],
  [new RegExp(`^spec\\.placement\\.poolId${PORTABLE}`), 'placement.pool'],
  [/^spec\.placement\.kubernetesNamespace must/, 'placement.namespace'],
  [new RegExp(`^spec\\.placement\\.queueName${PORTABLE}`), 'placement.queue'],
  [new RegExp(`^spec\\.ingress\\.git\\.secretRef${PORTABLE}`), 'ingress.git.secret-ref'],
  [new RegExp(`^spec\\.ingress\\.ociImage\\.secretRef${PORTABLE}`), 'ingress.image.secret-ref'],
  [/^spec\.run\.argv must be non-empty/, 'run.argv.empty'],
  [/^spec\.run\.argv\[\d+\] contains NUL/, 'run.argv.nul'],
  [/^spec\.run\.argv encoded as base64/, 'run.argv.size'],
  [/^spec\.run\.timeoutMs must/, 'run.timeout'],
  [/^spec\.run\.limits\.memoryMaxBytes must/, 'run.memory'],
  [/^spec\.run\.limits\.cpuMax\.quotaMicros must/, 'run.cpu.quota'],
  [/^spec\.run\.limits\.cpuMax\.periodMicros must/, 'run.cpu.period'],
  [/^authority\.egressRules\[\]\.host must be non-empty/, 'egress.host.empty'],
  [/^authority\.egressRules\[\]\.host contains/, 'egress.host.characters'],
  [/^authority\.egressRules\[\]\.protocol contains/, 'egress.protocol.characters'],
  [new RegExp(`^authority\\.dnsAuthority\\.resolvers\\[\\]\\.resolverId${PORTABLE}`), 'dns.resolver.id'],
  [/^authority\.dnsAuthority\.resolvers\[\]\.resolverId duplicates/, 'dns.resolver.duplicate'],
  [/^authority\.dnsAuthority\.resolvers\[\]\.endpoint must/, 'dns.resolver.endpoint'],
  [new RegExp(`^authority\\.dnsAuthority\\.resolvers\\[\\]\\.trustKid${PORTABLE}`), 'dns.resolver.trust-kid'],
  [/^authority\.dnsAuthority\.hostnameAllowlist entry/, 'dns.allowlist'],
  [/^authority\.dnsAuthority\.refreshPolicy\.minTtlSeconds/, 'dns.refresh'],
  [new RegExp(`^authority\\.cdnAuthority\\.providers\\[\\]\\.providerId${PORTABLE}`), 'cdn.provider.id'],
  [/^authority\.cdnAuthority\.providers\[\]\.providerId duplicates/, 'cdn.provider.duplicate'],
  [/^authority\.cdnAuthority\.providers\[\]\.hostnamePattern/, 'cdn.pattern'],
  [/^spec\.authorityDerivation\.leafCapability exceeds/, 'derivation.leaf'],
  [new RegExp(`^spec\\.export\\.targets\\[\\]\\.name${PORTABLE}`), 'target.name'],
  [/^duplicate export target name/, 'target.duplicate'],
  [/^export target ".*" secretRef ".*" must appear/s, 'target.secret-ref'],
  [/^spec\.export\.targets\[\]\.baseUrl must use http or https/, 'target.url.scheme'],
  [/^http export target ".*" host .* must appear/s, 'target.egress'],
  [new RegExp(`^spec\\.export\\.artifacts\\[\\]\\.name${PORTABLE}`), 'artifact.name'],
  [new RegExp(`^spec\\.export\\.artifacts\\[\\]\\.target${PORTABLE}`), 'artifact.target.name'],
  [/^export artifact ".*" references unknown target/s, 'artifact.target.unknown'],
  [/^export artifact ".*" must set target/s, 'artifact.target.ambiguous'],
  [/^spec\.telemetry\.events must be non-empty/, 'telemetry.events'],
  [/^spec\.telemetry\.agentVersion must/, 'telemetry.agent-version'],
  [/^spec\.telemetry\.events\[\] entries must/, 'telemetry.event.empty'],
  [/^telemetry_without_egress: /, 'telemetry.event.egress'],
];

const SHAPE_RULES: ReadonlySet<SpecRule> = new Set<ShapeRule>(['syntax', 'wrong-type', 'out-of-range', 'unknown-value', 'missing-key', 'duplicate-key', 'list-length', 'too-deep']);
/** One text of the reference stands for two rules of ours: no URL at all, and a URL with a query. */
const URL_TEXT = 'spec.export.targets[].baseUrl must be an absolute http(s) base URL';

/** Is `rule` of ours the one that refuses with this text of the reference? */
export function sameRule(rule: SpecRule | undefined, error: string): void {
  if (error === 'reject') {
    assert.ok(rule !== undefined, 'accepted');
    return;
  }
  if (error === 'parse') {
    assert.ok(rule !== undefined && SHAPE_RULES.has(rule), `refused by ${rule}, not while reading`);
    return;
  }
  const text = error.replace(/^invalid cell specification: /, '');
  if (text.startsWith(URL_TEXT)) {
    assert.ok(rule === 'target.url' || rule === 'target.url.query', `refused by ${rule}`);
    return;
  }
  const expected = RULES.find(([pattern]) => pattern.test(text))?.[1];
  assert.ok(expected !== undefined, `no rule of ours is known for: ${text}`);
  assert.equal(rule, expected);
}

/** The first rule that refuses the document in compatible mode, or undefined. */
function firstRefusal(text: string): SpecRule | undefined {
  const checked = checkSpec(utf8(text), { mode: 'compatible', format: 'json' });
  return checked.kind === 'ok' ? undefined : checked.issues[0]?.rule;
}

function validates(text: string, expect: JsonObject): void {
  const rule = firstRefusal(text);
  if (expect['error'] === undefined) assert.equal(rule, undefined, `refused by ${rule}`);
  else sameRule(rule, textMember(expect, 'error'));
}

/** The value as its type, in compatible mode. @returns undefined when it is refused */
function decoded(shape: AnyShape, text: string): unknown {
  try {
    const source = readJsonSource(utf8(text));
    const repeated = (object: JsonObject, key: string): boolean => source.repeated.some((one) => one.object === object && one.key === key);
    const { value, errors } = decode<unknown>(shape, source.value, { tooDeep: source.tooDeep, isRepeated: repeated });
    return errors.count === 0 ? value : undefined;
  } catch (error) {
    if (isCellError(error, 'json.invalid')) return undefined;
    throw error;
  }
}

const specValidate: VectorAdapter = ({ input, expect }) => {
  const text = input['document_text'];
  validates(typeof text === 'string' ? text : compactText(input['document'] ?? null), expect);
};

const specHash: VectorAdapter = ({ input, expect }) => {
  const spec = decoded(EXECUTION_CELL_SPEC, textMember(input, 'spec_text'));
  if (expect['error'] !== undefined) return assert.equal(spec, undefined);
  const ok = objectMember(expect, 'ok');
  const typed = spec as Parameters<typeof canonicalSpecText>[0];
  assert.equal(canonicalSpecText(typed), textMember(ok, 'preimage'));
  assert.equal(canonicalSpecHash(typed), textMember(ok, 'hash'));
};

/** A typed authority is read by its type, which asks of its derivation what making one asks. */
const AUTHORITY_READERS: Readonly<Record<string, (document: JsonValue) => { readonly kind: 'ok' | 'refused' }>> = {
  ObservedAuthority: ObservedAuthority.read,
  ProvenAuthority: ProvenAuthority.read,
  ImposedAuthority: ImposedAuthority.read,
  DeclaredAuthority: DeclaredAuthority.read,
};

const wireRoundtrip: VectorAdapter = ({ input, expect }) => {
  const type = textMember(input, 'type');
  const shape = WIRE_SHAPES[type];
  assert.ok(shape !== undefined, `no shape for ${type}`);
  const text = textMember(input, 'text');
  const read = decoded(shape, text);
  const stands = read === undefined || AUTHORITY_READERS[type] === undefined || AUTHORITY_READERS[type](parseJson(text, { duplicates: 'last' })).kind === 'ok';
  const value = stands ? read : undefined;
  if (expect['error'] !== undefined) return assert.equal(value, undefined);
  assert.ok(value !== undefined, 'refused');
  assert.equal(encodeText(shape, value), textMember(expect, 'ok'));
};

const canonicalJson: VectorAdapter = ({ input, expect }) => {
  const read = (): JsonValue => parseJson(textMember(input, 'text'), { duplicates: 'last' });
  if (expect['error'] !== undefined) return void refuses(read, ['json.invalid']);
  const ok = objectMember(expect, 'ok');
  assert.equal(canonicalText(read()), textMember(ok, 'text'));
  assert.equal(toHex(canonicalBytes(read())), textMember(ok, 'bytes_hex'));
};

const names: VectorAdapter = ({ input, expect, raw }) => {
  switch (raw['op']) {
    case 'cgroup_segment':
      return assert.equal(cgroupLeafName(textMember(input, 'id')), expect['ok']);
    case 'tenant_id': {
      const document = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'a', authority: {}, lifetime: { ttlSeconds: 1 }, correlation: { tenantId: textMember(input, 'tenantId') } } };
      return validates(JSON.stringify(document), expect);
    }
    case 'qtype':
      return assert.equal(queryTypeOf(Number(input['qtype'])) ?? null, expect['ok']);
    case 'efficiency': {
      const exercised = input['exercised'];
      return sameJson(authorityEfficiency(Number(input['declared']), exercised === null ? undefined : Number(exercised)), expect['ok']);
    }
    default:
      return assert.fail(`no operation ${String(raw['op'])}`);
  }
};

const hostnameAllowlist: VectorAdapter = ({ input, expect }) => {
  const { allowlist } = input;
  assert.ok(isJsonArray(allowlist) && allowlist.every((entry) => typeof entry === 'string'));
  assert.equal(matchesAllowlist(textMember(input, 'host'), allowlist), expect['ok']);
};

export const specAdapters: Readonly<Record<string, VectorAdapter>> = {
  'spec/spec-validate': specValidate,
  'spec/spec-hash': specHash,
  'spec/wire-roundtrip': wireRoundtrip,
  'spec/canonical-json': canonicalJson,
  'spec/names': names,
  'spec/hostname-allowlist': hostnameAllowlist,
};
