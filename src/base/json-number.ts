/** Number tokens of JSON → values (json.ts, J1 and J2). */
import { JsonFloat, type JsonValue } from './json.ts';

const I64_MIN = -(2n ** 63n);
const U64_MAX = 2n ** 64n - 1n;
/** Characters of the longest integer token within i64 and u64. */
const INTEGER_LENGTH_MAX = 20;

/** The value of a number token in JSON's grammar. @returns undefined when it is out of a double's range */
export function numberOfToken(token: string, floats: 'exact' | 'reference' = 'exact'): JsonValue | undefined {
  if (token !== '-0' && token.length <= INTEGER_LENGTH_MAX && !/[.eE]/.test(token)) {
    if (token.length < 16) return Number(token);
    const exact = BigInt(token);
    if (exact >= I64_MIN && exact <= U64_MAX) return exact >= BigInt(Number.MIN_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
  }
  const value = floats === 'reference' ? referenceFloat(token) : Number(token);
  return value === undefined || !Number.isFinite(value) ? undefined : new JsonFloat(value, token);
}

/** reference/02 §1, "Reference defect: JSON float parsing". @returns undefined when out of range. */
export function referenceFloat(token: string): number | undefined {
  const [, sign, integer = '', fraction = '', exponentText] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  let significand = 0n;
  let exponent = 0;
  let full = false;
  const take = (digit: string): boolean => {
    const next = significand * 10n + BigInt(digit);
    if (full || next > U64_MAX) {
      full = true;
      return false;
    }
    significand = next;
    return true;
  };
  for (const digit of integer) if (!take(digit)) exponent += 1;
  for (const digit of fraction) {
    if (!take(digit)) break;
    exponent -= 1;
  }
  exponent += Number(exponentText ?? 0);
  let value = Number(significand);
  if (value !== 0) {
    if (exponent > 308) return undefined;
    while (exponent < -308 && value !== 0) {
      value /= 1e308;
      exponent += 308;
    }
    value = exponent >= 0 ? value * Number(`1e${exponent}`) : value / Number(`1e${-exponent}`);
    if (!Number.isFinite(value)) return undefined;
  }
  return sign === '-' ? -value : value;
}
