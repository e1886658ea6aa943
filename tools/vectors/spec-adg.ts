/** Adapters of the vectors of derived authority in vectors/spec. */
import assert from 'node:assert/strict';
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import { isEmptySurface, DECLARED_SURFACE, surfaceRefusal } from '../../src/core/authority/declared-surface.ts';
import { classOfRule, DERIVATION_RULES, epistemicStatusOf, RULE_CLASSES, type RuleClass, TIER_CEILINGS } from '../../src/core/authority/tiers.ts';
import { DeclaredAuthority, ImposedAuthority, ObservedAuthority, ProvenAuthority } from '../../src/core/authority/typed-authority.ts';
import { type AuthorityRefusal, type Checked, readDerivation } from '../../src/core/authority/validate-graph.ts';
import { decode } from '../../src/core/spec/decode.ts';
import { AUTHORITY_CAPABILITY } from '../../src/core/spec/document-shape.ts';
import { quoted } from '../../src/core/spec/issues.ts';
import type { Shape } from '../../src/core/spec/shape.ts';
import { objectMember, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

function member<T extends string>(name: JsonValue | undefined, known: readonly T[]): T {
  const found = known.find((one) => one === name);
  assert.ok(found !== undefined, `unknown name ${String(name)}`);
  return found;
}

const tables: VectorAdapter = ({ input, expect }) => {
  switch (input['table']) {
    case 'rule_class':
      return assert.equal(classOfRule(member(input['rule'], DERIVATION_RULES)), expect['ok']);
    case 'class_ceiling':
      return assert.equal(TIER_CEILINGS[member(input['class'], RULE_CLASSES)], expect['ok']);
    case 'epistemic': {
      const classes = new Set<RuleClass>((input['classes'] as readonly JsonValue[]).map((name) => member(name, RULE_CLASSES)));
      return assert.equal(epistemicStatusOf(classes) ?? null, expect['ok']);
    }
    default:
      return assert.fail(`no table ${String(input['table'])}`);
  }
};

/** `RAW_SNI_OBSERVED` as the reference's messages name it. */
const pascal = (name: string): string => name.toLowerCase().replace(/(?:^|_)([a-z0-9])/g, (_all, first: string) => first.toUpperCase());

/** The same kind; and each name that ours found stands in the reference's text too. */
function sameRefusal(refusal: AuthorityRefusal, expect: JsonObject): void {
  const error = textMember(expect, 'error');
  if (error === 'reject') return;
  assert.equal(refusal.reason, error === 'parse' ? 'Shape' : textMember(expect, 'kind'), refusal.message);
  for (const fact of Object.values(refusal.facts)) {
    if (typeof fact === 'string' && /^[A-Z0-9_]+$/.test(fact)) assert.ok(error.includes(pascal(fact)), `${error} does not name ${pascal(fact)}`);
  }
}

function agrees<T>(checked: Checked<T>, expect: JsonObject, same: (value: T) => void): void {
  if (checked.kind === 'ok') {
    assert.equal(expect['error'], undefined, 'accepted');
    same(checked.value);
    return;
  }
  assert.ok(expect['error'] !== undefined, `refused: ${checked.refusal.message}`);
  sameRefusal(checked.refusal, expect);
}

const validate: VectorAdapter = ({ input, expect }) => agrees(readDerivation(objectMember(input, 'derivation')), expect, () => assert.equal(expect['ok'], true));

const READERS = { ObservedAuthority, ProvenAuthority, ImposedAuthority, DeclaredAuthority };

const typed: VectorAdapter = ({ input, expect }) => {
  const { type, ...document } = input;
  const reader: { read(value: JsonValue): Checked<{ toJson(): JsonValue }> } = READERS[member(type, Object.keys(READERS) as (keyof typeof READERS)[])];
  agrees(reader.read(document), expect, (value) => sameJson(value.toJson(), expect['ok']));
};

/** @returns undefined when it does not parse */
function read<T>(shape: Shape<T>, value: JsonObject): T | undefined {
  const { value: typedValue, errors } = decode(shape, value);
  return errors.count === 0 ? typedValue : undefined;
}

const surface: VectorAdapter = ({ input, expect }) => {
  const declared = read(DECLARED_SURFACE, objectMember(input, 'declared'));
  const authorized = read(AUTHORITY_CAPABILITY, objectMember(input, 'authorized'));
  if (declared === undefined || authorized === undefined) return assert.equal(expect['error'], 'parse');
  const refusal = surfaceRefusal(declared, authorized);
  if (refusal === undefined) return sameJson({ isEmpty: isEmptySurface(declared) }, expect['ok']);
  const { host, port, protocol, secretRef } = refusal.facts;
  const named = refusal.reason === 'egress' ? [`${String(host)}:${String(port)} `, typeof protocol === 'string' ? `=Some(${quoted(protocol)})` : '=None'] : [` ${quoted(String(secretRef))} `];
  for (const part of named) assert.ok(textMember(expect, 'error').includes(part), `${textMember(expect, 'error')} does not name ${part}`);
};

export const adgAdapters: Readonly<Record<string, VectorAdapter>> = {
  'spec/adg-tables': tables,
  'spec/adg-validate': validate,
  'spec/typed-authority': typed,
  'spec/declared-surface': surface,
};
