/** Members of the data of an event, read leniently: what is not of the kind that is asked for is absent, and nothing is thrown. */
import { isJsonArray, isJsonObject, JsonFloat, jsonObject, type JsonObject, type JsonValue } from '../../../base/json.ts';

export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Any number token, as a finite number. */
export function numberOf(value: JsonValue | undefined): number | undefined {
  const number = value instanceof JsonFloat ? value.value : typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : jsonObject({});
}

export function objectsOf(value: JsonValue | undefined): readonly JsonObject[] {
  return isJsonArray(value) ? value.filter((item): item is JsonObject => isJsonObject(item)) : [];
}

export function textsOf(value: JsonValue | undefined): readonly string[] {
  return isJsonArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Leaves out what is undefined, so that a value can be spread into an exact type. */
export function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A list that keeps its first entries and counts the rest. */
export class Bounded<T> {
  readonly items: T[] = [];
  more = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  push(item: T): void {
    if (this.items.length < this.#max) this.items.push(item);
    else this.more += 1;
  }
}
