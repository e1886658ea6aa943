/** Comparisons shared by the vector adapters. */
import assert from 'node:assert/strict';
import { canonicalText } from '../../src/base/canonical-json.ts';
import { isCellError, type ErrorCode } from '../../src/base/errors.ts';
import { type JsonObject, type JsonValue, isJsonObject } from '../../src/base/json.ts';

/** Same value, number tokens told apart; the order of keys does not matter. */
export function sameJson(actual: JsonValue, expected: JsonValue | undefined): void {
  assert.equal(canonicalText(actual), canonicalText(expected ?? null));
}

/** A text member of an object of the vectors. */
export function textMember(object: JsonObject, key: string): string {
  const value = object[key];
  assert.equal(typeof value, 'string', `the vector has no text ${key}`);
  return value as string;
}

/** A string, or undefined for null and for nothing. */
export function optionalText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `expect.error` has to begin like one of the table's texts; ours has to be refused with the code or for the reason that stands beside it. */
export function refusesFor(work: () => unknown, expected: string, table: readonly (readonly [pattern: RegExp, reason: string])[], codes: readonly ErrorCode[]): void {
  const error = refuses(work, codes);
  const reason = table.find(([pattern]) => pattern.test(expected))?.[1];
  assert.ok(reason !== undefined, `no reason is known for: ${expected}`);
  if (error.code !== reason) assert.equal(error.facts['reason'], reason, `${expected} → ${error.message}`);
}

export function objectMember(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  assert.ok(isJsonObject(value), `the vector has no object ${key}`);
  return value;
}

/** Runs `work`; it has to fail with one of our codes. @returns the error */
export function refuses(work: () => unknown, codes: readonly ErrorCode[]): { readonly code: ErrorCode; readonly message: string; readonly facts: Readonly<Record<string, unknown>> } {
  let value: unknown;
  try {
    value = work();
  } catch (error) {
    if (isCellError(error) && codes.includes(error.code)) return error;
    throw error;
  }
  assert.fail(`accepted: ${typeof value === 'string' ? value : JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))}`);
}
