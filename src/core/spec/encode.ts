/** Typed values → JSON text in declaration order (reference/01 §4, encoding A). Total over well-typed values. */
import { canonicalText, compareCodePoints, floatText, stringText } from '../../base/canonical-json.ts';
import { CellError } from '../../base/errors.ts';
import { emptyObject, type JsonFloat, type JsonValue, type MutableJsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import type { AnyShape, FieldShape, Shape, StructShape } from './shape.ts';

type Members = Readonly<Record<string, unknown>>;

function isOmitted(field: FieldShape, value: unknown): boolean {
  if (value === undefined) return field.presence !== 'nullable';
  return field.presence === 'omitted' && (value === false || (Array.isArray(value) && value.length === 0));
}

function writeFields(shape: StructShape, value: Members, lead: string): string {
  let out = lead;
  for (const field of shape.fields) {
    const member = value[field.name];
    if (isOmitted(field, member)) continue;
    if (out !== '') out += ',';
    out += field.label;
    out += member === undefined ? 'null' : write(field.shape, member);
  }
  return `{${out}}`;
}

function writeList(item: AnyShape, values: readonly unknown[]): string {
  let out = '';
  for (const value of values) out += out === '' ? write(item, value) : `,${write(item, value)}`;
  return `[${out}]`;
}

function writeMap(item: AnyShape, value: Members): string {
  if (item.kind === 'list' && item.item.kind === 'string') {
    // Nothing in it to bring into order but the keys.
    const keys = Object.keys(value).sort(compareCodePoints);
    return `{${keys.map((key) => `${stringText(key)}:${write(item, value[key])}`).join(',')}}`;
  }
  const written: MutableJsonObject = emptyObject();
  for (const key of Object.keys(value)) written[key] = item.kind === 'string' ? (value[key] as string) : parseJson(write(item, value[key]));
  return canonicalText(written);
}

function writeVariant(shape: Extract<AnyShape, { kind: 'variants' }>, value: unknown): string {
  if (typeof value === 'string') return stringText(value);
  const [[name, members] = ['', {}]] = Object.entries(value as Members);
  const inner = shape.structs.get(name);
  if (inner === undefined) throw new CellError('internal.bug', `No variant ${name} to write`);
  return `{"${name}":${writeFields(inner, members as Members, '')}}`;
}

function write(shape: AnyShape, value: unknown): string {
  switch (shape.kind) {
    case 'string':
    case 'enum':
      return stringText(value as string);
    case 'boolean':
      return value === true ? 'true' : 'false';
    case 'integer':
      return String(value as number | bigint);
    case 'double':
      return floatText((value as JsonFloat).value);
    case 'opaque':
      return canonicalText(value as JsonValue);
    case 'list':
      return writeList(shape.item, value as readonly unknown[]);
    case 'set': {
      const held = new Set(value as readonly string[]);
      return `[${shape.values.filter((name) => held.has(name)).map(stringText).join(',')}]`;
    }
    case 'lazy':
      return write(shape.shape(), value);
    case 'map':
      return writeMap(shape.item, value as Members);
    case 'struct':
      return writeFields(shape, value as Members, '');
    case 'tagged': {
      const name = (value as Members)[shape.tag] as string;
      const inner = shape.variants.get(name);
      if (inner === undefined) throw new CellError('internal.bug', `No variant ${name} to write`);
      return writeFields(inner, value as Members, `"${shape.tag}":${stringText(name)}`);
    }
    case 'variants':
      return writeVariant(shape, value);
  }
}

/** Compact JSON text: members in declaration order, the keys of maps and opaque values by code point. */
export function encodeText<T>(shape: Shape<T>, value: T): string {
  return write(shape, value);
}

/** The same as a JSON value. */
export function encode<T>(shape: Shape<T>, value: T): JsonValue {
  return parseJson(encodeText(shape, value));
}
