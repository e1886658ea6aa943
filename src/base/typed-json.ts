/** JSON as the reference reads a document of a known type. */
import type { Bytes } from './bytes.ts';
import { CellError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { type JsonParseOptions, parseJson } from './json-parse.ts';

export type FloatReading = NonNullable<JsonParseOptions['floats']>;

/** The members a type knows. */
export interface TypedMembers {
  readonly own: ReadonlySet<string>;
  /** Of the typed objects inside it, by the member that holds them. */
  readonly inside?: Readonly<Record<string, ReadonlySet<string>>>;
}

/**
 * A member that stands twice is refused where the type knows it, and the last one counts anywhere else.
 *
 * @param floats `exact`: a float that a signer printed is the one it signed. `reference`: by the reference's rule, which is not correctly rounded and
 *   breaks a few of its own signatures
 * @throws CellError `json.invalid`
 */
export function parseTypedJson(input: Bytes | string, members: TypedMembers, floats: FloatReading = 'exact'): JsonValue {
  const repeated: { readonly object: JsonObject; readonly key: string }[] = [];
  const value = parseJson(input, { duplicates: 'last', floats, onDuplicate: (object, key) => repeated.push({ object, key }) });
  if (!isJsonObject(value)) return value;
  const typed: readonly (readonly [JsonValue | undefined, ReadonlySet<string>])[] = [[value, members.own], ...Object.entries(members.inside ?? {}).map(([key, own]) => [value[key], own] as const)];
  const twice = repeated.find(({ object, key }) => typed.some(([place, own]) => place === object && own.has(key)));
  if (twice !== undefined) throw new CellError('json.invalid', `Cannot read JSON: the key "${twice.key}" is given twice`, { facts: { key: twice.key } });
  return value;
}
