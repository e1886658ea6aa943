/**
 * The vocabulary in which every wire type is declared, once, as data: its members in the order they are written, the type of each, and what
 * its absence means. Reading (`decode.ts`), writing (`encode.ts`), unknown keys and the place of a mistake all come from these tables.
 *
 *   W1  a table and its TypeScript type cannot drift apart: a missing, surplus or wrongly typed member does not compile;
 *   W2  the order of the members is the order on the wire: it decides the spec hash (reference/01 §4.2).
 */
import type { JsonFloat, JsonValue } from '../../base/json.ts';
import type { U64 } from './document.ts';

export declare const typed: unique symbol;
export declare const presentAlways: unique symbol;

export type AnyShape =
  | { readonly kind: 'string' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'double' }
  /** Any JSON; `null` counts as none. */
  | { readonly kind: 'opaque' }
  /** `max`: largest value, `undefined` for all of u64. */
  | { readonly kind: 'integer'; readonly max: number | undefined }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly item: AnyShape }
  /** A list of names without order: written in the order of `values`, repeats merged. */
  | { readonly kind: 'set'; readonly values: readonly string[] }
  /** For shapes that hold themselves. */
  | { readonly kind: 'lazy'; readonly shape: () => AnyShape }
  /** Object of any keys; written sorted by code point. */
  | { readonly kind: 'map'; readonly item: AnyShape }
  | StructShape
  /** Object whose member `tag` says which members follow it. */
  | { readonly kind: 'tagged'; readonly tag: string; readonly variants: ReadonlyMap<string, StructShape> }
  /** A bare name, or an object with one member: the name and its value. */
  | { readonly kind: 'variants'; readonly units: readonly string[]; readonly structs: ReadonlyMap<string, StructShape> };

export interface StructShape {
  readonly kind: 'struct';
  readonly fields: readonly FieldShape[];
  readonly byKey: ReadonlyMap<string, FieldShape>;
  /** May it be written as a list of its members (reference/01 §1.1)? */
  readonly positional: boolean;
}

/**
 * What absence means:
 *   required   an error
 *   nullable   none, written as `null`       (O-null)
 *   optional   none, left out                (O-skip)
 *   defaulted  the default, always written
 *   omitted    the default, left out when it is the default
 */
export type Presence = 'required' | 'nullable' | 'optional' | 'defaulted' | 'omitted';

export interface FieldShape {
  readonly name: string;
  /** The name as it is written: `"name":`. */
  readonly label: string;
  readonly shape: AnyShape;
  readonly presence: Presence;
  readonly fallback?: JsonValue;
  /** Another spelling accepted on input. */
  readonly alias?: string;
}

export type Shape<T> = AnyShape & { readonly [typed]?: T };
export type TypeOf<S> = S extends { readonly [typed]?: infer T } ? T : never;
type Field<T, Present extends boolean> = Omit<FieldShape, 'name' | 'label'> & { readonly [typed]?: T; readonly [presentAlways]?: Present };
type FieldsOf<T> = { readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>, object extends Pick<T, K> ? false : true> };

export const STRING: Shape<string> = { kind: 'string' };
export const BOOLEAN: Shape<boolean> = { kind: 'boolean' };
export const DOUBLE: Shape<JsonFloat> = { kind: 'double' };
export const OPAQUE: Shape<JsonValue> = { kind: 'opaque' };
export const U8: Shape<number> = { kind: 'integer', max: 0xff };
export const U16: Shape<number> = { kind: 'integer', max: 0xffff };
export const U32: Shape<number> = { kind: 'integer', max: 0xffff_ffff };
export const UINT64: Shape<U64> = { kind: 'integer', max: undefined };

export function oneOf<const V extends readonly string[]>(...values: V): Shape<V[number]> {
  return { kind: 'enum', values };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return { kind: 'list', item };
}

export function setOf<const V extends readonly string[]>(...values: V): Shape<readonly V[number][]> {
  return { kind: 'set', values };
}

export function lazy<T>(shape: () => Shape<T>): Shape<T> {
  return { kind: 'lazy', shape };
}

export function map<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return { kind: 'map', item };
}

export function required<T>(shape: Shape<T>, alias?: string): Field<T, true> {
  return { shape, presence: 'required', ...(alias === undefined ? {} : { alias }) };
}

export function nullable<T>(shape: Shape<T>): Field<T, false> {
  return { shape, presence: 'nullable' };
}

export function optional<T>(shape: Shape<T>, alias?: string): Field<T, false> {
  return { shape, presence: 'optional', ...(alias === undefined ? {} : { alias }) };
}

/** `fallback`: as on the wire. */
export function defaulted<T>(shape: Shape<T>, fallback: JsonValue): Field<T, true> {
  return { shape, presence: 'defaulted', fallback };
}

/** An empty list or `false` by default, and then not written. */
export function omitted<T>(shape: Shape<T>): Field<T, true> {
  return { shape, presence: 'omitted', fallback: shape.kind === 'boolean' ? false : [] };
}

/** @param options.positional default true */
export function struct<T extends object>(fields: FieldsOf<T>, options: { positional?: boolean } = {}): Shape<T> & StructShape {
  const rows = Object.entries<Omit<FieldShape, 'name' | 'label'>>(fields).map(([name, field]) => ({ name, label: `"${name}":`, ...field }));
  const byKey = new Map(rows.flatMap((row) => [[row.name, row] as const, ...(row.alias === undefined ? [] : [[row.alias, row] as const])]));
  return { kind: 'struct', fields: rows, byKey, positional: options.positional ?? true };
}

type AnyFields = Readonly<Record<string, Field<unknown, boolean>>>;
type RecordOf<F extends AnyFields> = { readonly [K in keyof F as F[K] extends Field<unknown, true> ? K : never]: TypeOf<F[K]> } & { readonly [K in keyof F as F[K] extends Field<unknown, true> ? never : K]?: TypeOf<F[K]> };

/** A struct whose type is made from its table. */
export function record<F extends AnyFields>(fields: F, options: { positional?: boolean } = {}): Shape<RecordOf<F>> & StructShape {
  return struct(fields as never, options);
}

export function tagged<T extends { readonly kind: string }>(variants: { readonly [K in T['kind']]: Shape<Omit<Extract<T, { readonly kind: K }>, 'kind'>> & StructShape }): Shape<T> {
  return { kind: 'tagged', tag: 'kind', variants: new Map(Object.entries<StructShape>(variants)) };
}

export function variants<T>(units: readonly Extract<T, string>[], structs: Readonly<Record<string, StructShape>>): Shape<T> {
  return { kind: 'variants', units, structs: new Map(Object.entries(structs)) };
}
