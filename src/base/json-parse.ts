/**
 * A lossless, strict JSON reader: number tokens are kept apart (json.ts), and nothing doubtful is repaired.
 *
 *   R1  strict UTF-8, no byte-order mark, no raw control character, no lone surrogate escape, nothing after the value;
 *   R2  at most 127 nested levels (reference/01 §1.1);
 *   R3  a repeated key is an error unless the caller asks for "last wins".
 */
import { type Bytes, tryDecodeUtf8 } from './bytes.ts';
import { CellError } from './errors.ts';
import { emptyObject, JsonFloat, type JsonObject, type JsonValue } from './json.ts';
import { LIMITS } from './limits.ts';

export interface JsonParseOptions {
  /** What a repeated key of one object means. Default `reject`. */
  readonly duplicates?: 'reject' | 'last';
  /** Called for each repeated key when they are not rejected. */
  readonly onDuplicate?: (object: JsonObject, key: string, offset: number) => void;
  /** `reference`: read float tokens by the reference's fast, not correctly rounded rule (reference/02 §1). Default `exact`. */
  readonly floats?: 'exact' | 'reference';
}

export interface JsonPosition {
  readonly line: number;
  readonly column: number;
}

const I64_MIN = -(2n ** 63n);
const U64_MAX = 2n ** 64n - 1n;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

class Reader {
  readonly text: string;
  readonly options: JsonParseOptions;
  /** Set while locating: where each path begins. */
  readonly positions: Map<string, number> | undefined;
  at = 0;
  depth = 0;

  constructor(text: string, options: JsonParseOptions, positions?: Map<string, number>) {
    this.text = text;
    this.options = options;
    this.positions = positions;
  }

  fail(what: string, at = this.at): never {
    const { line, column } = positionOf(this.text, at);
    throw new CellError('json.invalid', `Cannot read JSON at line ${line}, column ${column}: ${what}`, { facts: { line, column, offset: at } });
  }

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.at += 1;
    }
  }

  value(path: string): JsonValue {
    this.skipSpace();
    this.positions?.set(path, this.at);
    switch (this.text[this.at]) {
      case '{':
        return this.nested(() => this.object(path));
      case '[':
        return this.nested(() => this.array(path));
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > LIMITS.jsonDepthMax) this.fail(`more than ${LIMITS.jsonDepthMax} nested levels`);
    const value = read();
    this.depth -= 1;
    return value;
  }

  word<T>(text: string, value: T): T {
    if (!this.text.startsWith(text, this.at)) this.fail('a value is expected here');
    this.at += text.length;
    return value;
  }

  object(path: string): JsonObject {
    const out = emptyObject();
    this.at += 1;
    this.skipSpace();
    if (this.text[this.at] === '}') {
      this.at += 1;
      return out;
    }
    for (;;) {
      this.skipSpace();
      const keyAt = this.at;
      if (this.text[this.at] !== '"') this.fail('a key in double quotes is expected here');
      const key = this.string();
      const inner = path === '' ? key : `${path}.${key}`;
      if (Object.hasOwn(out, key)) {
        if (this.options.duplicates !== 'last') this.fail(`the key ${JSON.stringify(key)} is given twice`, keyAt);
        this.options.onDuplicate?.(out, key, keyAt);
      }
      this.skipSpace();
      if (this.text[this.at] !== ':') this.fail('a colon is expected here');
      this.at += 1;
      out[key] = this.value(inner);
      if (this.separator('}')) return out;
    }
  }

  array(path: string): JsonValue[] {
    const out: JsonValue[] = [];
    this.at += 1;
    this.skipSpace();
    if (this.text[this.at] === ']') {
      this.at += 1;
      return out;
    }
    for (;;) {
      out.push(this.value(`${path}[${out.length}]`));
      if (this.separator(']')) return out;
    }
  }

  /** @returns true when the container ended */
  separator(close: string): boolean {
    this.skipSpace();
    const found = this.text[this.at];
    if (found !== ',' && found !== close) this.fail(`a comma or ${close} is expected here`);
    this.at += 1;
    return found === close;
  }

  string(): string {
    const start = this.at + 1;
    let at = start;
    for (;;) {
      const code = this.text.charCodeAt(at);
      if (code === 34) {
        this.at = at + 1;
        return this.text.slice(start, at);
      }
      if (code === 92) return this.escapedString(start);
      if (Number.isNaN(code)) this.fail('the text ends inside a string', at);
      if (code < 32) this.fail('a control character has to be escaped', at);
      at += 1;
    }
  }

  escapedString(start: number): string {
    let at = start;
    while (this.text.charCodeAt(at) !== 34) {
      const code = this.text.charCodeAt(at);
      if (Number.isNaN(code)) this.fail('the text ends inside a string', at);
      if (code < 32) this.fail('a control character has to be escaped', at);
      at += code === 92 ? 2 : 1;
    }
    const raw = this.text.slice(start - 1, at + 1);
    if (!/^"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"$/.test(raw)) this.fail('an escape is not one JSON knows', start);
    const value = JSON.parse(raw) as string;
    if (!value.isWellFormed()) this.fail('half of a surrogate pair is escaped alone', start);
    this.at = at + 1;
    return value;
  }

  number(): JsonValue {
    const start = this.at;
    const { text } = this;
    let at = start;
    if (text[at] === '-') at += 1;
    if (text[at] === '0') at += 1;
    else if (isDigit(text.charCodeAt(at))) while (isDigit(text.charCodeAt(at))) at += 1;
    else this.fail('a value is expected here', start);
    const integerEnd = at;
    if (text[at] === '.') {
      at += 1;
      if (!isDigit(text.charCodeAt(at))) this.fail('a digit is expected here', at);
      while (isDigit(text.charCodeAt(at))) at += 1;
    }
    if (text[at] === 'e' || text[at] === 'E') {
      at += 1;
      if (text[at] === '+' || text[at] === '-') at += 1;
      if (!isDigit(text.charCodeAt(at))) this.fail('a digit is expected here', at);
      while (isDigit(text.charCodeAt(at))) at += 1;
    }
    this.at = at;
    const token = text.slice(start, at);
    if (at === integerEnd && token !== '-0') {
      if (token.length < 16) return Number(token);
      const exact = BigInt(token);
      if (exact >= I64_MIN && exact <= U64_MAX) return exact >= BigInt(Number.MIN_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
    }
    const value = this.options.floats === 'reference' ? referenceFloat(token) : Number(token);
    if (value === undefined || !Number.isFinite(value)) this.fail('the number is out of range', start);
    return new JsonFloat(value, token);
  }
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

function positionOf(text: string, at: number): JsonPosition {
  let line = 1;
  let start = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) {
    line += 1;
    start = i + 1;
  }
  return { line, column: at - start + 1 };
}

function textOf(input: Bytes | string): string {
  const text = typeof input === 'string' ? input : tryDecodeUtf8(input);
  if (text === undefined) throw new CellError('json.invalid', 'Cannot read JSON: the bytes are not valid UTF-8', { facts: { line: 1, column: 1, offset: 0 } });
  if (text.length > LIMITS.documentSizeBytesMax) {
    throw new CellError('json.invalid', `Cannot read JSON: it has more than ${LIMITS.documentSizeBytesMax} characters`, { facts: { line: 1, column: 1, offset: 0 } });
  }
  return text;
}

/** Reads one JSON value. @throws CellError `json.invalid` with facts `line`, `column` (1-based) and `offset` */
export function parseJson(input: Bytes | string, options: JsonParseOptions = {}): JsonValue {
  const reader = new Reader(textOf(input), options);
  const value = reader.value('');
  reader.skipSpace();
  if (reader.at !== reader.text.length) reader.fail('nothing may follow the value');
  return value;
}

/** Finds where values begin, by path (`spec.run.argv[0]`); a path that is not there is found at its nearest parent. */
export function jsonLocator(input: Bytes | string): (path: string) => JsonPosition | undefined {
  let text: string | undefined;
  const positions = new Map<string, number>();
  return (path) => {
    if (text === undefined) {
      text = textOf(input);
      new Reader(text, { duplicates: 'last' }, positions).value('');
    }
    for (let at = path; ; at = at.replace(/(?:\.[^.[\]]*|\[\d*\]|^[^.[\]]+)$/, '')) {
      const offset = positions.get(at);
      if (offset !== undefined) return positionOf(text, offset);
      if (at === '') return undefined;
    }
  };
}
