/**
 * The JSON value model that keeps number tokens apart.
 *
 * JavaScript has one number type; the documents and signatures here tell `1` from `1.0` and need all 64 bits of an integer.
 *   J1  an integer token is a `number` when it is a safe integer, else a `bigint` within i64/u64;
 *   J2  a float token is a `JsonFloat`; a bare JS `number` that is not a safe integer never is a JsonValue;
 *   J3  objects inherit no member, so no key can reach one.
 */

/** A float token: its value, and its text as written (or undefined when made by us). */
export class JsonFloat {
  readonly value: number;
  readonly token: string | undefined;
  constructor(value: number, token?: string) {
    this.value = value;
    this.token = token;
  }
}

export type JsonValue = null | boolean | string | number | bigint | JsonFloat | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
export type MutableJsonObject = { [key: string]: JsonValue };

/** Instances inherit from an empty object that inherits from nothing: no key is found on them that was not set, and they stay fast. */
function makeNothing(): void {
  // an instance begins with nothing of its own
}
makeNothing.prototype = Object.freeze(Object.create(null));
const Bare = makeNothing as unknown as new () => MutableJsonObject;

/** An empty object from which no key reaches a prototype [J3]. */
export function emptyObject(): MutableJsonObject {
  return new Bare();
}

/** Copies the defined members of a plain object; `undefined` means "leave the key out". */
export function jsonObject(members: { readonly [key: string]: JsonValue | undefined }): JsonObject {
  const out = emptyObject();
  for (const key of Object.keys(members)) {
    const value = members[key];
    if (value !== undefined) out[key] = value;
  }
  return out;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonFloat);
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Is the value an integer token? */
export function isJsonInteger(value: JsonValue | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
