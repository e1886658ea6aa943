import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../base/canonical-json.ts';
import { emptyObject, isJsonArray, isJsonObject, JsonFloat, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { decode } from './decode.ts';
import { EXECUTION_CELL_SPEC } from './document-shape.ts';
import { encode, encodeText } from './encode.ts';
import { canonicalSpecHash } from './hash.ts';
import { nearest } from './issues.ts';
import type { AnyShape, FieldShape, Shape } from './shape.ts';
import { WIRE_SHAPES } from './wire-types.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const opaque = fc.jsonValue({ maxDepth: 2 }).map((value) => parseJson(JSON.stringify(value)));

function membersOf(fields: readonly FieldShape[], depth: number): fc.Arbitrary<JsonValue> {
  const members = fields.map((field) => {
    const value = jsonOf(field.shape, depth);
    const key = field.alias === undefined ? fc.constant(field.name) : fc.constantFrom(field.name, field.alias);
    const nullish = field.presence === 'nullable' || field.presence === 'optional';
    return fc.tuple(key, field.presence === 'required' ? value : fc.option(nullish ? fc.option(value) : value, { nil: undefined }));
  });
  return fc.tuple(...members).chain((pairs) =>
    fc.shuffledSubarray(pairs, { minLength: pairs.length }).map((shuffled) => {
      const out = emptyObject();
      for (const [key, value] of shuffled) if (value !== undefined) out[key] = value;
      return out;
    }),
  );
}

/** JSON that the shape accepts, in any order and with anything optional there or not. */
function jsonOf(shape: AnyShape, depth = 0): fc.Arbitrary<JsonValue> {
  switch (shape.kind) {
    case 'string':
      return text;
    case 'boolean':
      return fc.boolean();
    case 'double':
      return fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new JsonFloat(value)));
    case 'opaque':
      return opaque;
    case 'integer':
      return shape.max === undefined ? fc.bigInt(0n, 2n ** 64n - 1n).map((value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value)) : fc.integer({ min: 0, max: shape.max });
    case 'enum':
      return fc.constantFrom(...shape.values);
    case 'set':
      return fc.array(fc.constantFrom(...shape.values));
    case 'list':
      return fc.array(jsonOf(shape.item, depth), { maxLength: 3 });
    case 'map':
      return fc.dictionary(text, jsonOf(shape.item, depth) as fc.Arbitrary<string>, { maxKeys: 3, noNullPrototype: false });
    case 'struct':
      return membersOf(shape.fields, depth);
    case 'lazy':
      return depth > 3 ? fc.constant({ kind: 'operator', id: 'root' }) : fc.constant(null).chain(() => jsonOf(shape.shape(), depth + 1));
    case 'tagged':
      return fc.constantFrom(...shape.variants).chain(([name, inner]) => membersOf(inner.fields, depth).map((members) => ({ ...(members as object), [shape.tag]: name })));
    case 'variants':
      return fc.oneof(...shape.units.map((name) => fc.constant(name)), ...[...shape.structs].map(([name, inner]) => membersOf(inner.fields, depth).map((members) => ({ [name]: members }))));
  }
}

function read(shape: AnyShape, value: JsonValue): unknown {
  const { value: typed, errors } = decode<unknown>(shape, value);
  expect(errors.list).toEqual([]);
  return typed;
}

/** The same, with the members of every object the other way round. */
function reversed(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  const out = emptyObject();
  for (const key of Object.keys(value).reverse()) out[key] = reversed(value[key] as JsonValue);
  return out;
}

describe('decode() and encode()', () => {
  it.each(Object.entries(WIRE_SHAPES))('read %s, write it, and read the same again, whatever the order of its keys', (_name, shape) => {
    fc.assert(
      fc.property(jsonOf(shape), (value) => {
        const written = encodeText(shape, read(shape, value));
        expect(encodeText(shape, read(shape, parseJson(written)))).toBe(written);
        expect(encodeText(shape, read(shape, reversed(value)))).toBe(written);
        expect(canonicalText(encode(shape as Shape<unknown>, read(shape, value)))).toBe(canonicalText(parseJson(written)));
      }),
      { numRuns: 30 },
    );
  });

  it('leave out a member with a mistake rather than guess it [D3]', () => {
    const { value, errors } = decode(EXECUTION_CELL_SPEC, parseJson('{"id":1,"authority":{"egressRules":[{"host":"h","port":65536}]},"lifetime":{"ttlSeconds":1}}'));
    expect(value).not.toHaveProperty('id');
    expect(errors.list.map(({ rule, path }) => [rule, path.join('.')])).toEqual([
      ['wrong-type', 'id'],
      ['out-of-range', 'authority.egressRules.0.port'],
    ]);
  });

  it('take no member from a prototype', () => {
    const { errors, lenient } = decode(EXECUTION_CELL_SPEC, parseJson('{"__proto__":{"id":"a"},"constructor":1,"authority":{},"lifetime":{"ttlSeconds":1}}'));
    expect(errors.list).toMatchObject([{ rule: 'missing-key', path: ['id'] }]);
    expect(lenient.list.map(({ path }) => path[0])).toEqual(['__proto__', 'constructor']);
  });
});

describe('canonicalSpecHash()', () => {
  const hashOf = (json: string): string => canonicalSpecHash(decode(EXECUTION_CELL_SPEC, parseJson(json)).value as Parameters<typeof canonicalSpecHash>[0]);
  const spec = (labels: string): string => `{"id":"a","authority":{},"lifetime":{"ttlSeconds":1},"correlation":{"labels":${labels}}}`;

  it('gives the reference hash of the minimal spec', () => {
    expect(canonicalSpecHash({ id: 'a', authority: {}, lifetime: { ttlSeconds: 1 } })).toBe('sha256:ca73153629ed8d4d984ff2b1465d130d7cf8e679a124d3faeaa07dc2f81a5709');
  });

  it('sorts labels by code point, keys that look like numbers too', () => {
    expect(hashOf(spec('{"9":"a","10":"b","\\ud83d\\ude00":"c","\\ue000":"d"}'))).toBe(hashOf(spec('{"\\ue000":"d","\\ud83d\\ude00":"c","10":"b","9":"a"}')));
    expect(hashOf(spec('{"a":"b"}'))).not.toBe(hashOf(spec('{"b":"a"}')));
  });

  it('does not depend on white space', () => {
    fc.assert(
      fc.property(jsonOf(EXECUTION_CELL_SPEC), fc.constantFrom(' ', '\n', '\t', '\r\n  '), (value, space) => {
        const compact = encodeText(EXECUTION_CELL_SPEC, read(EXECUTION_CELL_SPEC, value) as never);
        const spaced = compact.replace(/("(?:[^"\\]|\\.)*")|([:,{}[\]])/g, (_all, string: string | undefined, sign: string) => string ?? `${space}${sign}${space}`);
        expect(hashOf(spaced)).toBe(hashOf(compact));
      }),
      { numRuns: 60 },
    );
  });
});

describe('nearest()', () => {
  it('finds what was meant, and nothing where nothing is near', () => {
    const known = ['ttlSeconds', 'secretRefs', 'egressRules', 'blockUdpDoq'];
    expect(['ttlSecond', 'ttl_seconds', 'TTLSeconds', 'secret_refs', 'egressRule', 'blockUDPDoq'].map((name) => nearest(name, known))).toEqual(['ttlSeconds', 'ttlSeconds', 'ttlSeconds', 'secretRefs', 'egressRules', 'blockUdpDoq']);
    expect(nearest('network', known)).toBeUndefined();
    expect(nearest('x'.repeat(100_000), known)).toBeUndefined();
  });
});
