/**
 * What the arguments of an event builder look like: one description gives their type at compile time and their check at run time.
 *
 *   K1  a value is checked before anything is built: its JSON type, and the width of an integer;
 *   K2  an argument that is `undefined` or `null` was not given; arguments nobody asked for are left out;
 *   K3  the same description is the JSON Schema (draft 2020-12) of what is written. Members it does not name may stand beside it.
 */
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonInteger, isJsonObject, JsonFloat, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';

declare const input: unique symbol;

/** A kind of value. `In` is what TypeScript callers may pass. */
export interface Kind<In> {
  readonly [input]?: In;
  /** @throws CellError `event.invalid` with the fact `path` */
  read(value: unknown, path: string): JsonValue;
  /** Of what `read` gives [K3]. */
  schema(): JsonObject;
}

export interface OptionalKind<In> extends Kind<In> {
  readonly optional: true;
}

export type Fields = { readonly [key: string]: Kind<unknown> };
type In<K> = K extends Kind<infer T> ? T : never;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends OptionalKind<unknown> ? K : never }[keyof F];

/** Arguments that a description asks for. */
export type Input<F> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: In<F[K]> } & { readonly [K in OptionalKeys<F>]?: In<F[K]> | undefined };

function wrong(path: string, expected: string): never {
  throw new CellError('event.invalid', `Cannot build an event: ${path} is not ${expected}`, { facts: { path } });
}

function kind<T>(expected: string, accepts: (value: unknown) => boolean, schema: () => JsonObject): Kind<T> {
  return { read: (value, path) => (accepts(value) ? (value as JsonValue) : wrong(path, expected)), schema };
}

const ofType = (type: string) => (): JsonObject => jsonObject({ type });

const isText = (value: unknown): boolean => typeof value === 'string' && value.isWellFormed();

export const text: Kind<string> = kind('a string', isText, ofType('string'));
export const flag: Kind<boolean> = kind('a boolean', (value) => typeof value === 'boolean', ofType('boolean'));

/** Any JSON value. */
export const anything: Kind<JsonValue> = { read: (value) => value as JsonValue, schema: () => jsonObject({}) };

/** Any string at run time, as in the reference; our own callers are held to the words listed. */
export function word<T extends string>(): Kind<T> {
  return text as Kind<T>;
}

/** One of a closed list, at run time too. */
export function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return kind(`one of ${words.join(', ')}`, (value) => words.includes(value as T), () => jsonObject({ enum: [...words] }));
}

function integer(name: string, min: bigint, max: bigint): Kind<number | bigint> {
  return kind(`an integer within ${name}`, (value) => {
    if (!isJsonInteger(value as JsonValue)) return false;
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
    const exact = BigInt(value as number | bigint);
    return exact >= min && exact <= max;
  }, () => jsonObject({ type: 'integer', minimum: min, maximum: max }));
}

export const u8 = integer('u8', 0n, 2n ** 8n - 1n);
export const u16 = integer('u16', 0n, 2n ** 16n - 1n);
export const u32 = integer('u32', 0n, 2n ** 32n - 1n);
export const u64 = integer('u64', 0n, 2n ** 64n - 1n);
export const i32 = integer('i32', -(2n ** 31n), 2n ** 31n - 1n);
export const i64 = integer('i64', -(2n ** 63n), 2n ** 63n - 1n);

/** Either; for the few members of which only one kind was ever seen. */
export const textOrU64: Kind<string | number | bigint> = {
  read: (value, path) => (typeof value === 'string' ? text : u64).read(value, path),
  schema: () => jsonObject({ anyOf: [text.schema(), u64.schema()] }),
};

/** A double. An integer given for one is written as a float (`1.0`). */
export const double: Kind<number | JsonFloat> = {
  read(value, path) {
    const plain = value instanceof JsonFloat ? value.value : typeof value === 'bigint' ? Number(value) : value;
    return typeof plain === 'number' && Number.isFinite(plain) ? new JsonFloat(plain) : wrong(path, 'a finite number');
  },
  schema: ofType('number'),
};

export function optional<T>(of: Kind<T>): OptionalKind<T> {
  return { ...of, optional: true };
}

/** May be left out, and is then written as `null`. */
export function nullable<T>(of: Kind<T>): OptionalKind<T | null> & { readonly writtenAsNull: true } {
  return { read: (value, path) => of.read(value, path), optional: true, writtenAsNull: true, schema: () => jsonObject({ anyOf: [of.schema(), { type: 'null' }] }) };
}

export function listOf<T>(of: Kind<T>): Kind<readonly T[]> {
  return { read: (value, path) => (isJsonArray(value as JsonValue) ? (value as JsonValue[]).map((item, i) => of.read(item, `${path}[${i}]`)) : wrong(path, 'a list')), schema: () => jsonObject({ type: 'array', items: of.schema() }) };
}

/** The members of a description, read from an object [K1] [K2]. */
export function readFields(fields: Fields, source: { readonly [key: string]: unknown }, path = ''): JsonObject {
  const out: Record<string, JsonValue | undefined> = {};
  for (const [key, of] of Object.entries(fields)) {
    const value = source[key];
    const at = path === '' ? key : `${path}.${key}`;
    if (value !== undefined && value !== null) out[key] = of.read(value, at);
    else if ('writtenAsNull' in of) out[key] = null;
    else if (!('optional' in of)) wrong(at, 'given');
  }
  return jsonObject(out);
}

export function objectOf<const F extends Fields>(fields: F): Kind<Input<F>> {
  return { read: (value, path) => (isJsonObject(value as JsonValue) ? readFields(fields, value as JsonObject, path) : wrong(path, 'an object')), schema: () => fieldsSchema(fields) };
}

/** A text that never changes. */
export function constant<const T extends string>(value: T): Kind<T> {
  return kind(`"${value}"`, (given) => given === value, () => jsonObject({ const: value }));
}

/** An object whose members all are of one kind, under any name. */
export function mapOf<T>(of: Kind<T>): Kind<{ readonly [key: string]: T }> {
  return {
    read: (value, path) => (isJsonObject(value as JsonValue) ? jsonObject(Object.fromEntries(Object.entries(value as JsonObject).map(([key, member]) => [key, of.read(member, `${path}.${key}`)]))) : wrong(path, 'an object')),
    schema: () => jsonObject({ type: 'object', additionalProperties: of.schema() }),
  };
}

/** [K3] What is written as `null` when it was not given is always there. */
export function fieldsSchema(fields: Fields): JsonObject {
  const members = Object.entries(fields);
  const required = members.filter(([, of]) => !('optional' in of) || 'writtenAsNull' in of).map(([key]) => key);
  return jsonObject({ type: 'object', properties: jsonObject(Object.fromEntries(members.map(([key, of]) => [key, of.schema()]))), ...(required.length === 0 ? {} : { required }) });
}
