/**
 * A lossless, strict JSON reader: number tokens are kept apart (json.ts), and nothing doubtful is repaired.
 *
 *   R1  strict UTF-8, no byte-order mark, no raw control character, no lone surrogate escape, nothing after the value;
 *   R2  at most 127 nested levels (reference/01 §1.1);
 *   R3  a repeated key is an error unless the caller asks for "last wins".
 */
import { type Bytes, tryDecodeUtf8 } from './bytes.ts';
import { CellError } from './errors.ts';
import { emptyObject, type JsonObject, type JsonValue } from './json.ts';
import { numberOfToken } from './json-number.ts';
import type { PathSegment } from './json-path.ts';
import { LIMITS } from './limits.ts';

export interface JsonParseOptions {
  /** What a repeated key of one object means. Default `reject`. */
  readonly duplicates?: 'reject' | 'last';
  /** Called for each repeated key when they are not rejected. */
  readonly onDuplicate?: (object: JsonObject, key: string, offset: number) => void;
  /** When given, a value beyond the deepest level is skipped, `BEYOND_DEPTH` stands in its place, and this is called. */
  readonly onTooDeep?: (offset: number) => void;
  /** `reference`: read float tokens by the reference's fast, not correctly rounded rule (reference/02 §1). Default `exact`. */
  readonly floats?: 'exact' | 'reference';
}

export interface JsonPosition {
  readonly line: number;
  readonly column: number;
}

/** Stands for a value that was nested too deep to be kept. */
export const BEYOND_DEPTH: JsonObject = Object.freeze(emptyObject());

const QUOTE = 34;
const BACKSLASH = 92;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isHexDigit = (code: number): boolean => isDigit(code) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);

const KNOWN_KEYS_MAX = 512;
const KNOWN_KEY_LENGTH_MAX = 32;
const KNOWN_KEYS: (string | undefined)[] = Array.from({ length: KNOWN_KEYS_MAX });

/** Where the members of a container begin. */
interface Trace {
  readonly at: number;
  readonly keys: Map<string, number>;
  readonly values: Map<string | number, number>;
}

class Reader {
  readonly text: string;
  readonly options: JsonParseOptions;
  /** Set while locating. */
  readonly traces: Map<JsonValue, Trace> | undefined;
  at = 0;
  depth = 0;

  constructor(text: string, options: JsonParseOptions, traces?: Map<JsonValue, Trace>) {
    this.text = text;
    this.options = options;
    this.traces = traces;
  }

  fail(what: string, at = this.at): never {
    const { line, column } = positionOf(this.text, at);
    throw new CellError('json.invalid', `Cannot read JSON at line ${line}, column ${column}: ${what}`, { facts: { line, column, offset: at, reason: what } });
  }

  /** @returns the code of the character that follows, NaN at the end */
  skipSpace(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return code;
      this.at += 1;
    }
  }

  value(): JsonValue {
    switch (this.skipSpace()) {
      case 123: // {
        return this.nested(true);
      case 91: // [
        return this.nested(false);
      case QUOTE:
        return this.string();
      case 116:
        return this.word('true', true);
      case 102:
        return this.word('false', false);
      case 110:
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  nested(isObject: boolean): JsonValue {
    if (this.depth >= LIMITS.jsonDepthMax) {
      if (this.options.onTooDeep === undefined) this.fail(`more than ${LIMITS.jsonDepthMax} nested levels`);
      this.options.onTooDeep(this.at);
      this.skipContainer();
      return BEYOND_DEPTH;
    }
    this.depth += 1;
    const value = isObject ? this.object() : this.array();
    this.depth -= 1;
    return value;
  }

  word<T>(text: string, value: T): T {
    if (!this.text.startsWith(text, this.at)) this.fail('a value is expected here');
    this.at += text.length;
    return value;
  }

  /** @returns the key; the reader then stands behind its colon */
  key(): string {
    if (this.skipSpace() !== QUOTE) this.fail('a key in double quotes is expected here');
    const start = this.at + 1;
    const end = this.text.indexOf('"', start);
    const key = this.knownKey(start, end) ?? this.string();
    if (this.skipSpace() !== 58) this.fail('a colon is expected here');
    this.at += 1;
    return key;
  }

  /** A key that was met before is not made again: documents have few, many times. */
  knownKey(start: number, end: number): string | undefined {
    const length = end - start;
    if (length < 1 || length > KNOWN_KEY_LENGTH_MAX) return undefined;
    const { text } = this;
    const slot = (length * 61 + text.charCodeAt(start) * 7 + text.charCodeAt(end - 1)) % KNOWN_KEYS_MAX;
    const known = KNOWN_KEYS[slot];
    if (known?.length === length && text.startsWith(known, start)) {
      this.at = end + 1;
      return known;
    }
    const key = this.string();
    if (this.at === end + 1 && key.length === length) KNOWN_KEYS[slot] = key; // without an escape: what stands in the text is the key
    return key;
  }

  object(): JsonObject {
    const out = emptyObject();
    const trace = this.trace(out);
    this.at += 1;
    if (this.skipSpace() === 125) {
      this.at += 1;
      return out;
    }
    for (;;) {
      this.skipSpace();
      const keyAt = this.at;
      const key = this.key();
      if (out[key] !== undefined) {
        if (this.options.duplicates !== 'last') this.fail(`the key ${JSON.stringify(key)} is given twice`, keyAt);
        this.options.onDuplicate?.(out, key, keyAt);
      }
      if (trace !== undefined) {
        this.skipSpace();
        trace.keys.set(key, keyAt);
        trace.values.set(key, this.at);
      }
      out[key] = this.value();
      if (this.separator(125)) return out;
    }
  }

  array(): JsonValue[] {
    const out: JsonValue[] = [];
    const trace = this.trace(out);
    this.at += 1;
    if (this.skipSpace() === 93) {
      this.at += 1;
      return out;
    }
    for (;;) {
      if (trace !== undefined) {
        this.skipSpace();
        trace.values.set(out.length, this.at);
      }
      out.push(this.value());
      if (this.separator(93)) return out;
    }
  }

  trace(container: JsonValue): Trace | undefined {
    if (this.traces === undefined) return undefined;
    const trace = { at: this.at, keys: new Map(), values: new Map() };
    this.traces.set(container, trace);
    return trace;
  }

  /** @returns true when the container ended */
  separator(close: number): boolean {
    const found = this.skipSpace();
    if (found !== 44 && found !== close) this.fail(`a comma or ${String.fromCharCode(close)} is expected here`);
    this.at += 1;
    return found === close;
  }

  /** Reads a container of any depth without keeping or nesting anything. */
  skipContainer(): void {
    const closers: number[] = [];
    for (;;) {
      const code = this.skipSpace();
      if (code === 123 || code === 91) {
        this.at += 1;
        if (this.skipSpace() !== code + 2) {
          closers.push(code + 2);
          if (code === 123) this.key();
          continue;
        }
        this.at += 1;
      } else {
        this.value();
      }
      // A value ended here, and with it perhaps the containers around it.
      for (;;) {
        const close = closers.at(-1);
        if (close === undefined) return;
        if (!this.separator(close)) {
          if (close === 125) this.key();
          break;
        }
        closers.pop();
      }
    }
  }

  string(): string {
    const start = this.at + 1;
    let at = start;
    for (;;) {
      const code = this.text.charCodeAt(at);
      if (code === QUOTE) {
        this.at = at + 1;
        return this.text.slice(start, at);
      }
      if (code === BACKSLASH) return this.escapedString(start, at);
      this.plain(code, at);
      at += 1;
    }
  }

  plain(code: number, at: number): void {
    if (code >= 32) return;
    this.fail(Number.isNaN(code) ? 'the text ends inside a string' : 'a control character has to be escaped', at);
  }

  /** `at`: the first backslash. */
  escapedString(start: number, at: number): string {
    const { text } = this;
    for (let code = BACKSLASH; code !== QUOTE; code = text.charCodeAt(at)) {
      if (code === BACKSLASH) at += this.escapeLength(at);
      else {
        this.plain(code, at);
        at += 1;
      }
    }
    const value = JSON.parse(text.slice(start - 1, at + 1)) as string;
    if (!value.isWellFormed()) this.fail('half of a surrogate pair is escaped alone', start);
    this.at = at + 1;
    return value;
  }

  escapeLength(at: number): number {
    const { text } = this;
    const kind = text[at + 1] ?? '';
    if (kind === 'u') {
      for (let i = 2; i < 6; i += 1) if (!isHexDigit(text.charCodeAt(at + i))) this.fail('an escape is not one JSON knows', at);
      return 6;
    }
    if (kind === '' || !'"\\/bfnrt'.includes(kind)) this.fail('an escape is not one JSON knows', at);
    return 2;
  }

  number(): JsonValue {
    const start = this.at;
    const { text } = this;
    let at = start;
    if (text[at] === '-') at += 1;
    if (text[at] === '0') at += 1;
    else if (isDigit(text.charCodeAt(at))) while (isDigit(text.charCodeAt(at))) at += 1;
    else this.fail('a value is expected here', start);
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
    const value = numberOfToken(text.slice(start, at), this.options.floats);
    if (value === undefined) this.fail('the number is out of range', start);
    return value;
  }
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

/** Offsets → lines, for many offsets of one text. */
function lineIndex(text: string): (offset: number) => JsonPosition {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

function textOf(input: Bytes | string): string {
  const text = typeof input === 'string' ? input : tryDecodeUtf8(input);
  const reason = text === undefined ? 'the bytes are not valid UTF-8' : `it has more than ${LIMITS.documentSizeBytesMax} characters`;
  if (text === undefined || text.length > LIMITS.documentSizeBytesMax) throw new CellError('json.invalid', `Cannot read JSON: ${reason}`, { facts: { line: 1, column: 1, offset: 0, reason } });
  return text;
}

/** Reads one JSON value. @throws CellError `json.invalid` with facts `line`, `column` (1-based), `offset` and `reason` */
export function parseJson(input: Bytes | string, options: JsonParseOptions = {}): JsonValue {
  const reader = new Reader(textOf(input), options);
  const value = reader.value();
  reader.skipSpace();
  if (reader.at !== reader.text.length) reader.fail('nothing may follow the value');
  return value;
}

export interface JsonLocator {
  /** Where a value, or the key it stands under, begins; what is not there is found at its nearest parent. */
  at(path: readonly PathSegment[], what?: 'key' | 'value'): JsonPosition;
  /** Line and column (1-based) of an offset. */
  offset(offset: number): JsonPosition;
}

/** Finds places in a text that `parseJson` accepts. It is read again, once, when the first place is asked for. */
export function jsonLocator(input: Bytes | string): JsonLocator {
  let read: { position: (offset: number) => JsonPosition; root: JsonValue; traces: Map<JsonValue, Trace> } | undefined;
  const opened = (): NonNullable<typeof read> => {
    if (read === undefined) {
      const text = textOf(input);
      const traces = new Map<JsonValue, Trace>();
      read = { position: lineIndex(text), root: new Reader(text, { duplicates: 'last', onTooDeep: () => undefined }, traces).value(), traces };
    }
    return read;
  };
  return {
    offset: (offset) => opened().position(offset),
    at: (path, what = 'value') => {
      const { position, root, traces } = opened();
      let value: JsonValue | undefined = root;
      let offset = traces.get(root)?.at ?? 0;
      for (const [i, segment] of path.entries()) {
        const trace = traces.get(value ?? null);
        const found = what === 'key' && i === path.length - 1 && typeof segment === 'string' ? trace?.keys.get(segment) : trace?.values.get(segment);
        if (found === undefined) break;
        offset = found;
        value = (value as JsonObject)[segment];
      }
      return position(offset);
    },
  };
}
