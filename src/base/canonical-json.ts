/**
 * Bytes of JSON values. Three forms, never mixed:
 *   canonical  keys by UTF-8 bytes, the reference's number tokens (reference/02 §1.1): events, records, hashes of the reference's vocabulary
 *   compact    keys as they stand, the same tokens: the reference's struct serialisation
 *   JCS        RFC 8785: our own documents
 */
import { type Bytes, utf8 } from './bytes.ts';
import { CellError } from './errors.ts';
import { JsonFloat, type JsonObject, type JsonValue } from './json.ts';

/** A double as the reference prints it: always told from an integer; exponent form from 1e16 up and below 1e-5. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) throw new CellError('json.number', 'Cannot write a number: it is not finite');
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [digits = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -5 && exponent <= 15) {
    const plain = exponent < 0 ? value.toFixed(digits.replace(/[-.]/g, '').length - 1 - exponent) : String(value);
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  return `${digits}e${exponent < 0 ? '' : '+'}${exponent}`;
}

const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A string as JSON; raw but for what JSON demands (reference/01 §4.1). */
export function stringText(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new CellError('json.invalid', 'Cannot write a string: it holds half of a surrogate pair');
  return JSON.stringify(value);
}

/** The order of the texts' UTF-8 bytes, which is the order of their code points. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // UTF-16 units order surrogates below U+E000..U+FFFF; code points do not.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/** How one form writes: the order it brings the keys of an object into, in place, and how it spells numbers. */
interface Form {
  readonly order?: (keys: string[]) => void;
  readonly number: (value: number | bigint | JsonFloat) => string;
}

const SURROGATE_OR_ABOVE = /[\ud800-\uffff]/;

/** By code point. UTF-16 order, which the engine sorts by itself, is the same below U+D800: only other keys need the slow comparison. */
function orderByCodePoint(keys: string[]): void {
  let sorted = true;
  let plain = true;
  let before = '';
  for (const key of keys) {
    if (key < before) sorted = false;
    if (SURROGATE_OR_ABOVE.test(key)) plain = false;
    before = key;
  }
  if (!plain) keys.sort(compareCodePoints);
  else if (!sorted) keys.sort();
}

function write(value: JsonValue, form: Form): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
    case 'bigint':
      return form.number(value);
    default:
      break;
  }
  if (value instanceof JsonFloat) return form.number(value);
  let out = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) out += out === '' ? write(item, form) : `,${write(item, form)}`;
    return `[${out}]`;
  }
  const object = value as JsonObject;
  const keys = Object.keys(object);
  form.order?.(keys);
  for (const key of keys) out += `${out === '' ? '' : ','}${stringText(key)}:${write(object[key] as JsonValue, form)}`;
  return `{${out}}`;
}

function referenceNumber(value: number | bigint | JsonFloat): string {
  if (value instanceof JsonFloat) return floatText(value.value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new CellError('json.number', `Cannot write the number ${value}: a float is a JsonFloat, an integer beyond 2^53 a bigint`);
  return String(value);
}

function jcsNumber(value: number | bigint | JsonFloat): string {
  const plain = value instanceof JsonFloat ? value.value : value;
  if (typeof plain === 'bigint') throw new CellError('json.number', `Cannot write the integer ${plain} canonically: it is beyond 2^53; carry it as a string`);
  if (!Number.isFinite(plain)) throw new CellError('json.number', 'Cannot write a number: it is not finite');
  return plain === 0 ? '0' : String(plain); // RFC 8785 §3.2.2.3
}

const CANONICAL: Form = { order: orderByCodePoint, number: referenceNumber };
const COMPACT: Form = { number: referenceNumber };
const JCS: Form = { order: (keys) => void keys.sort(), number: jcsNumber };

/** The reference's canonical form, version 1. @throws CellError `json.number` | `json.invalid` */
export function canonicalText(value: JsonValue): string {
  return write(value, CANONICAL);
}

export function canonicalBytes(value: JsonValue): Bytes {
  return utf8(canonicalText(value));
}

/** Keys in the order they stand. */
export function compactText(value: JsonValue): string {
  return write(value, COMPACT);
}

/** RFC 8785. @throws CellError `json.number` for what I-JSON cannot carry */
export function jcsBytes(value: JsonValue): Bytes {
  return utf8(write(value, JCS));
}
