/**
 * JSON of the evidence format (section 2): a strict reader and the two canonical writers.
 *
 * Nothing here comes from src/: the second verifier has to be wrong in other places than the first. A value keeps what the format tells
 * apart: an integer is a `bigint`, a float a `number`, an object a `Map`.
 */
export type Json = null | boolean | bigint | number | string | readonly Json[] | JsonMap;
export type JsonMap = ReadonlyMap<string, Json>;

/** Input that the format refuses. */
export class Refusal extends Error {}

export function refuse(why: string): never {
  throw new Refusal(why);
}

const DEPTH_MAX = 127;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  space(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  value(depth: number): Json {
    this.space();
    if (depth > DEPTH_MAX && '[{'.includes(this.text[this.at] ?? 'x')) refuse('too deep');
    const value = this.bare(depth);
    this.space();
    return value;
  }

  bare(depth: number): Json {
    if (this.take('{')) return this.object(depth);
    if (this.take('[')) return this.list(depth);
    if (this.take('"')) return this.string();
    if (this.take('null')) return null;
    if (this.take('true')) return true;
    if (this.take('false')) return false;
    return this.number();
  }

  list(depth: number): Json[] {
    const items: Json[] = [];
    this.space();
    if (this.take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.take(','));
    if (!this.take(']')) refuse('a list does not end');
    return items;
  }

  object(depth: number): JsonMap {
    const members = new Map<string, Json>();
    this.space();
    if (this.take('}')) return members;
    do {
      this.space();
      if (!this.take('"')) refuse('a key is no string');
      const key = this.string();
      if (members.has(key)) refuse('a key stands twice');
      this.space();
      if (!this.take(':')) refuse('a key has no value');
      members.set(key, this.value(depth + 1));
    } while (this.take(','));
    if (!this.take('}')) refuse('an object does not end');
    return members;
  }

  string(): string {
    let text = '';
    for (;;) {
      PLAIN.lastIndex = this.at;
      const plain = PLAIN.exec(this.text)?.[0] ?? '';
      text += plain;
      this.at += plain.length;
      if (this.take('"')) break;
      if (!this.take('\\')) refuse('a string does not end');
      const letter = this.text[this.at] ?? '';
      this.at += 1;
      if (letter === 'u') {
        const hex = this.text.slice(this.at, this.at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) refuse('an escape is none');
        text += String.fromCharCode(Number.parseInt(hex, 16));
        this.at += 4;
      } else text += ESCAPES[letter] ?? refuse('an escape is none');
    }
    return text.isWellFormed() ? text : refuse('a surrogate stands alone');
  }

  number(): bigint | number {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) return refuse('not a value');
    this.at += match[0].length;
    if (match[1] === undefined && match[2] === undefined && match[0] !== '-0') {
      const integer = BigInt(match[0]);
      if (integer >= -(2n ** 63n) && integer < 2n ** 64n) return integer;
    }
    const float = Number(match[0]);
    return Number.isFinite(float) ? float : refuse('a number is too large');
  }
}

/** @throws Refusal for bytes that are no UTF-8, or no JSON text by section 2 */
export function readJson(bytes: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('not UTF-8');
  }
  const reader = new Reader(text);
  const value = reader.value(1);
  return reader.at === text.length ? value : refuse('something follows the value');
}

function quote(text: string): string {
  // JSON.stringify escapes exactly what the format escapes, once lone surrogates are out of the way.
  return text.isWellFormed() ? JSON.stringify(text) : refuse('a surrogate stands alone');
}

/** Shortest digits that read back as the same double, always with a point or an exponent. */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  const [mantissa = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -5 || exponent > 15) return `${mantissa}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
  const sign = value < 0 ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface Form {
  readonly number: (value: bigint | number) => string;
  readonly order: (a: string, b: string) => number;
}

const CANONICAL: Form = { number: (value) => (typeof value === 'bigint' ? String(value) : floatText(value)), order: byCodePoint };
const JCS: Form = { number: (value) => String(Number(value)), order: byCodeUnit };

function write(value: Json, form: Form): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'bigint' || typeof value === 'number') return form.number(value);
  if (value instanceof Map) return `{${[...value.keys()].sort(form.order).map((key) => `${quote(key)}:${write(value.get(key) ?? null, form)}`).join(',')}}`;
  return `[${(value as readonly Json[]).map((item) => write(item, form)).join(',')}]`;
}

/** Canonical JSON: records, events, keysets. */
export const canonical = (value: Json): Buffer => Buffer.from(write(value, CANONICAL));

/** RFC 8785: the attestation and its payload. */
export const jcs = (value: Json): Buffer => Buffer.from(write(value, JCS));

/** Reads, writes again and compares. @throws Refusal for another spelling */
export function readExact(bytes: Uint8Array, form: (value: Json) => Buffer): Json {
  const value = readJson(bytes);
  return form(value).equals(bytes) ? value : refuse('not the canonical spelling');
}

export const isMap = (value: Json | undefined): value is JsonMap => value instanceof Map;
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** An integer that every reader of JSON can hold. */
export function isWhole(value: Json | undefined): value is bigint {
  return typeof value === 'bigint' && value >= -(2n ** 53n) + 1n && value < 2n ** 53n;
}

/** An object with all of `required`, any of `optional`, and no other member. @throws Refusal */
export function exactMembers(value: Json | undefined, required: readonly string[], optional: readonly string[] = []): JsonMap {
  if (!isMap(value)) return refuse('not an object');
  for (const key of required) if (!value.has(key)) refuse(`no ${key}`);
  for (const key of value.keys()) if (!required.includes(key) && !optional.includes(key)) refuse(`unknown ${key}`);
  return value;
}

export function textAt(map: JsonMap, key: string): string {
  const value = map.get(key);
  return typeof value === 'string' ? value : refuse(`${key} is no text`);
}

export function integerAt(map: JsonMap, key: string): bigint {
  const value = map.get(key);
  return isWhole(value) ? value : refuse(`${key} is no whole number`);
}
