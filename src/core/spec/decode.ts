/**
 * JSON values → typed values, by the tables of `shape.ts`, as the reference reads them (reference/01 §1.1, §1.2).
 *
 *   D1  every mistake is found, not only the first, each with its path; they come in the order of the text, as the reference meets them;
 *   D2  what the reference accepts in silence (unknown keys, lists for objects, `{"env":null}`) is accepted and reported apart;
 *   D3  a value with a mistake is never part of the result as if it were right: its member is absent.
 */
import { isJsonInteger, isJsonObject, JsonFloat, type JsonObject, type JsonValue } from '../../base/json.ts';
import { BEYOND_DEPTH } from '../../base/json-parse.ts';
import type { PathSegment } from '../../base/json-path.ts';
import { Findings, nearest, quoted, type SpecRule } from './issues.ts';
import type { AnyShape, FieldShape, Shape, StructShape } from './shape.ts';

export interface DecodeOptions {
  /** Was `key` given more than once in this object? */
  readonly isRepeated?: (object: JsonObject, key: string) => boolean;
  /** Was something skipped for its depth? Then opaque values are searched for it. */
  readonly tooDeep?: boolean;
}

export interface Decoded<T> {
  /** undefined when the whole has a mistake that leaves nothing of it. With `errors`, members may be absent [D3]. */
  readonly value: T | undefined;
  /** The reference refuses these. */
  readonly errors: Findings;
  /** The reference accepts these [D2]. */
  readonly lenient: Findings;
}

const U64_MAX = 2n ** 64n - 1n;

const WHAT: Readonly<Record<AnyShape['kind'], string>> = {
  string: 'a text',
  boolean: 'true or false',
  double: 'a number',
  opaque: 'a value',
  integer: 'a whole number',
  enum: 'a text',
  list: 'a list',
  set: 'a list',
  lazy: 'a value',
  map: 'an object',
  struct: 'an object',
  tagged: 'an object',
  variants: 'a text or an object',
};

function shown(value: JsonValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  if (value instanceof JsonFloat) return `the number ${(value.token ?? String(value.value)).slice(0, 40)}, which is not whole`;
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}

const orList = (values: readonly string[]): string => (values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`);

function holdsBeyondDepth(value: JsonValue): boolean {
  if (value === BEYOND_DEPTH) return true;
  if (typeof value !== 'object' || value === null || value instanceof JsonFloat) return false;
  return Object.values(value).some((inner) => holdsBeyondDepth(inner as JsonValue));
}

class Decoder {
  readonly errors = new Findings();
  readonly lenient = new Findings();
  readonly options: DecodeOptions;
  readonly path: PathSegment[] = [];

  constructor(options: DecodeOptions) {
    this.options = options;
  }

  error(rule: SpecRule, message: string): undefined {
    if (!this.errors.onlyCounts()) this.errors.add({ rule, path: [...this.path], message });
    return undefined;
  }

  wrongType(shape: AnyShape, value: JsonValue): undefined {
    return this.error('wrong-type', `has to be ${WHAT[shape.kind]}, not ${shown(value)}`);
  }

  /** @returns undefined after a mistake, which is then recorded */
  value(shape: AnyShape, value: JsonValue): unknown {
    switch (shape.kind) {
      case 'string':
        return typeof value === 'string' ? value : this.wrongType(shape, value);
      case 'boolean':
        return typeof value === 'boolean' ? value : this.wrongType(shape, value);
      case 'double':
        if (value instanceof JsonFloat) return value;
        return isJsonInteger(value) ? new JsonFloat(Number(value)) : this.wrongType(shape, value);
      case 'opaque':
        return this.options.tooDeep === true && holdsBeyondDepth(value) ? this.error('too-deep', 'is nested too deep') : value;
      case 'integer':
        return this.integer(shape, value);
      case 'enum':
        return this.enumeration(shape, value);
      case 'list':
        return Array.isArray(value) ? this.list(shape.item, value) : this.wrongType(shape, value);
      case 'set':
        return Array.isArray(value) ? this.list({ kind: 'enum', values: shape.values }, value) : this.wrongType(shape, value);
      case 'lazy':
        return this.value(shape.shape(), value);
      case 'map':
        return isJsonObject(value) ? this.map(shape.item, value) : this.wrongType(shape, value);
      case 'struct':
        return this.struct(shape, value);
      case 'tagged':
        return this.tagged(shape, value);
      case 'variants':
        return this.variants(shape, value);
    }
  }

  integer(shape: Extract<AnyShape, { kind: 'integer' }>, value: JsonValue): unknown {
    if (!isJsonInteger(value)) return this.wrongType(shape, value);
    if (value >= 0 && value <= (shape.max ?? U64_MAX)) return value;
    return this.error('out-of-range', `has to be a whole number from 0 to ${shape.max ?? U64_MAX}, not ${value}`);
  }

  enumeration(shape: Extract<AnyShape, { kind: 'enum' }>, value: JsonValue): unknown {
    const name = this.unitName(value);
    if (name === undefined) return this.wrongType(shape, value);
    return shape.values.includes(name) ? name : this.unknownValue(name, shape.values);
  }

  unknownValue(name: string, known: readonly string[]): undefined {
    return this.error('unknown-value', `has to be ${orList(known)}, not ${quoted(name)}`);
  }

  /** A bare name, or `{"name":null}` [D2]. */
  unitName(value: JsonValue): string | undefined {
    if (typeof value === 'string') return value;
    if (!isJsonObject(value)) return undefined;
    const keys = Object.keys(value);
    const [name] = keys;
    if (keys.length !== 1 || name === undefined || value[name] !== null) return undefined;
    this.lenient.add({ rule: 'enum-object', path: [...this.path], message: `has to be the text ${quoted(name)}, not an object around it` });
    return name;
  }

  list(item: AnyShape, values: readonly JsonValue[]): unknown[] {
    const out: unknown[] = [];
    for (let i = 0; i < values.length; i += 1) {
      this.path.push(i);
      const value = this.value(item, values[i] as JsonValue);
      if (value !== undefined) out.push(value);
      this.path.pop();
    }
    return out;
  }

  map(item: AnyShape, object: JsonObject): unknown {
    const out = Object.create(null) as Record<string, unknown>;
    for (const key of Object.keys(object)) {
      this.path.push(key);
      const value = this.value(item, object[key] as JsonValue);
      if (value !== undefined) out[key] = value;
      this.path.pop();
    }
    return out;
  }

  struct(shape: StructShape, value: JsonValue): unknown {
    if (Array.isArray(value) && shape.positional) return this.positional(shape, value, {}, 0);
    return isJsonObject(value) ? this.members(shape, value, {}, undefined) : this.wrongType(shape, value);
  }

  /** `tag`: a member that was read already. */
  members(shape: StructShape, object: JsonObject, out: Record<string, unknown>, tag: string | undefined): unknown {
    for (const key in object) {
      const field = shape.byKey.get(key);
      this.path.push(key);
      if (field !== undefined) this.member(field, object, key, out);
      else if (key === tag) this.repeated(object, key);
      else this.unknownKey(shape, key, tag);
      this.path.pop();
    }
    for (const field of shape.fields) {
      if (object[field.name] === undefined && (field.alias === undefined || object[field.alias] === undefined)) this.absent(field, out);
    }
    return out;
  }

  member(field: FieldShape, object: JsonObject, key: string, out: Record<string, unknown>): void {
    this.repeated(object, key);
    if (key === field.alias && object[field.name] !== undefined) {
      this.errors.add({ rule: 'duplicate-key', path: [...this.path], atKey: true, message: `is given both as ${field.name} and as ${key}; keep ${field.name}` });
      return;
    }
    this.fill(field, object[key] as JsonValue, out);
  }

  fill(field: FieldShape, value: JsonValue, out: Record<string, unknown>): void {
    if (value === null && (field.presence === 'nullable' || field.presence === 'optional')) return;
    const decoded = this.value(field.shape, value);
    if (decoded !== undefined) out[field.name] = decoded;
  }

  absent(field: FieldShape, out: Record<string, unknown>): void {
    if (field.fallback !== undefined) out[field.name] = field.fallback;
    else if (field.presence === 'required') this.errors.add({ rule: 'missing-key', path: [...this.path, field.name], message: `is missing: ${WHAT[field.shape.kind]} is required` });
  }

  repeated(object: JsonObject, key: string): void {
    if (this.options.isRepeated?.(object, key) === true) this.errors.add({ rule: 'duplicate-key', path: [...this.path], atKey: true, message: 'is given more than once' });
  }

  unknownKey(shape: StructShape, key: string, tag: string | undefined): void {
    if (this.lenient.onlyCounts()) return;
    const known = [...(tag === undefined ? [] : [tag]), ...shape.fields.map((field) => field.name)];
    const meant = nearest(key, known);
    this.lenient.add({ rule: 'unknown-key', path: [...this.path], atKey: true, message: `is an unknown key; ${meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`}` });
  }

  /** reference/01 §1.1: members in declared order; those at the end that have a default or are optional may be left out. */
  positional(shape: StructShape, values: readonly JsonValue[], out: Record<string, unknown>, skip: number): unknown {
    this.lenient.add({ rule: 'positional', path: [...this.path], message: 'has to be an object with named members, not a list' });
    if (values.length - skip > shape.fields.length) return this.error('list-length', `has ${values.length - skip} members where ${shape.fields.length} are known`);
    for (const [i, field] of shape.fields.entries()) {
      const value = values[i + skip];
      if (value === undefined) {
        this.absent(field, out);
        continue;
      }
      this.path.push(i + skip);
      this.fill(field, value, out);
      this.path.pop();
    }
    return out;
  }

  tagged(shape: Extract<AnyShape, { kind: 'tagged' }>, value: JsonValue): unknown {
    const isList = Array.isArray(value);
    if (!isList && !isJsonObject(value)) return this.wrongType(shape, value);
    const name = (isList ? value[0] : (value as JsonObject)[shape.tag]) as JsonValue | undefined;
    this.path.push(isList ? 0 : shape.tag);
    const inner = this.variant(shape, name);
    this.path.pop();
    if (inner === undefined) return undefined;
    const out = { [shape.tag]: name };
    return isList ? this.positional(inner, value, out, 1) : this.members(inner, value as JsonObject, out, shape.tag);
  }

  variant(shape: Extract<AnyShape, { kind: 'tagged' }>, name: JsonValue | undefined): StructShape | undefined {
    const names = [...shape.variants.keys()];
    if (name === undefined) return this.error('missing-key', `is missing: ${orList(names)} is required`);
    if (typeof name !== 'string') return this.error('wrong-type', `has to be ${orList(names)}, not ${shown(name)}`);
    return shape.variants.get(name) ?? this.unknownValue(name, names);
  }

  variants(shape: Extract<AnyShape, { kind: 'variants' }>, value: JsonValue): unknown {
    const names = [...shape.units, ...shape.structs.keys()];
    const keys = isJsonObject(value) ? Object.keys(value) : [];
    const [key] = keys;
    const inner = key === undefined ? undefined : shape.structs.get(key);
    if (key !== undefined && inner !== undefined) {
      if (keys.length > 1) return this.error('list-length', `has to name one kind, not ${keys.length}`);
      this.path.push(key);
      this.repeated(value as JsonObject, key);
      const members = this.struct(inner, (value as JsonObject)[key] as JsonValue);
      this.path.pop();
      return members === undefined ? undefined : { [key]: members };
    }
    const name = this.unitName(value);
    if (name === undefined) return keys.length === 1 ? this.unknownValue(key ?? '', names) : this.wrongType(shape, value);
    if (shape.structs.has(name)) return this.error('wrong-type', `has to be an object {"${name}": …}, not the bare name`);
    return shape.units.includes(name) ? name : this.unknownValue(name, names);
  }
}

/** Reads a value as the shape says. Never throws. */
export function decode<T>(shape: Shape<T>, value: JsonValue, options: DecodeOptions = {}): Decoded<T> {
  const decoder = new Decoder(options);
  const decoded = decoder.value(shape, value) as T | undefined;
  return { value: decoded, errors: decoder.errors, lenient: decoder.lenient };
}
