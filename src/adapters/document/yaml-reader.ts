/**
 * YAML → a document source, for people who write documents by hand. Only what means the same to every reader is taken.
 *
 *   Y1  one document, YAML 1.2 core schema; no tags, no directives, no merge keys; keys are texts, none given twice;
 *   Y2  number tokens keep what they are (1 is not 1.0) and all their digits; a document in YAML has the spec hash of the same in JSON;
 *   Y3  aliases cannot make a small text large: their number, and the values they stand for, are bounded, and so is the depth;
 *   Y4  every value has its line and column.
 */
import { type Alias, Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Pair, type ParsedNode, Parser, type Scalar } from 'yaml';
import { type Bytes, tryDecodeUtf8 } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { emptyObject, JsonFloat, type JsonValue } from '../../base/json.ts';
import { numberOfToken } from '../../base/json-number.ts';
import type { JsonPosition } from '../../base/json-parse.ts';
import type { PathSegment } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import type { DocumentReader, DocumentSource } from '../../core/spec/source.ts';

type Node = ParsedNode | Alias.Parsed;

/** What YAML 1.2.2 §5.1 lets a text hold, the byte-order mark left out. */
const NOT_PRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

function invalid(reason: string, { line, column }: JsonPosition): CellError {
  return new CellError('yaml.invalid', `Cannot read YAML at line ${line}, column ${column}: ${reason}`, { facts: { line, column, reason } });
}

/** A number as JSON would have it; undefined for `.inf`, `.nan` and what is out of range. */
function numberOf(source: string, value: unknown): JsonValue | undefined {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(source)) return numberOfToken(source);
  // Hexadecimal and octal: nothing within 64 bits is longer.
  if (typeof value === 'bigint') return source.length > 32 ? undefined : numberOfToken(String(value));
  return typeof value === 'number' && Number.isFinite(value) ? new JsonFloat(value) : undefined;
}

/** A value counts as one, and as one more for every 16 characters. */
const weightOf = (text: string): number => 1 + (text.length >> 4);

/** A value, and what it costs. */
interface Sized {
  readonly value: JsonValue;
  /** Values in it and their text, aliases expanded. */
  readonly weight: number;
  /** Levels of containers. */
  readonly depth: number;
}

class Reader {
  readonly lines: LineCounter;
  readonly #anchors = new Map<string, { readonly node: Node; readonly sized: Sized }>();
  #aliases = 0;
  #depth = 0;

  constructor(lines: LineCounter) {
    this.lines = lines;
  }

  position(offset: number): JsonPosition {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  fail(reason: string, node: { readonly range?: readonly number[] | null | undefined }): never {
    throw invalid(reason, this.position(node.range?.[0] ?? 0));
  }

  anchored(name: string): Node | undefined {
    return this.#anchors.get(name)?.node;
  }

  convert(node: Node | null): Sized {
    if (node === null) return { value: null, weight: 1, depth: 0 };
    if (isAlias(node)) return this.#alias(node);
    if (node.tag !== undefined) this.fail('tags are not supported: the form of a value says what it is', node);
    const sized = isScalar(node) ? { value: this.#scalar(node), weight: weightOf(node.source), depth: 0 } : this.#container(node);
    if (sized.weight > LIMITS.yamlWeightMax) this.fail('too much is in it, aliases expanded', node);
    if (this.#depth + sized.depth > LIMITS.jsonDepthMax) this.fail(`more than ${LIMITS.jsonDepthMax} nested levels`, node);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, { node, sized });
    return sized;
  }

  #alias(node: Alias.Parsed): Sized {
    this.#aliases += 1;
    if (this.#aliases > LIMITS.yamlAliasCountMax) this.fail(`more than ${LIMITS.yamlAliasCountMax} aliases`, node);
    const target = this.#anchors.get(node.source);
    if (target === undefined) this.fail('an alias needs its anchor before it, and not around it', node);
    if (this.#depth + target.sized.depth > LIMITS.jsonDepthMax) this.fail(`more than ${LIMITS.jsonDepthMax} nested levels`, node);
    return target.sized;
  }

  #scalar(node: Scalar.Parsed): JsonValue {
    const { value, source } = node;
    if (typeof value === 'string') {
      if (!value.isWellFormed()) this.fail('half of a surrogate pair is escaped alone', node);
      return value;
    }
    if (value === null || typeof value === 'boolean') return value;
    const number = numberOf(source, value);
    if (number === undefined) this.fail('the number has no form in JSON', node);
    return number;
  }

  #container(node: Exclude<Node, Scalar.Parsed | Alias.Parsed>): Sized {
    this.#depth += 1;
    if (this.#depth > LIMITS.jsonDepthMax) this.fail(`more than ${LIMITS.jsonDepthMax} nested levels`, node);
    const sized = isSeq(node) ? this.#list(node.items as Node[]) : this.#map(node.items as Pair<Node, Node | null>[]);
    this.#depth -= 1;
    return sized;
  }

  #list(items: readonly Node[]): Sized {
    const value: JsonValue[] = [];
    let weight = 1;
    let depth = 0;
    for (const item of items) {
      const inner = this.convert(item);
      value.push(inner.value);
      weight += inner.weight;
      depth = Math.max(depth, inner.depth);
    }
    return { value, weight, depth: depth + 1 };
  }

  #map(pairs: readonly Pair<Node, Node | null>[]): Sized {
    const value = emptyObject();
    let weight = 1;
    let depth = 0;
    for (const pair of pairs) {
      const key = this.#key(pair.key);
      if (value[key] !== undefined) this.fail(`the key ${JSON.stringify(key.slice(0, 64))} is given twice`, pair.key);
      const inner = this.convert(pair.value);
      value[key] = inner.value;
      weight += weightOf(key) + inner.weight;
      depth = Math.max(depth, inner.depth);
    }
    return { value, weight, depth: depth + 1 };
  }

  #key(node: Node): string {
    if (!isScalar(node)) this.fail('a key has to be a text', node);
    if (node.tag !== undefined) this.fail('tags are not supported: the form of a value says what it is', node);
    if (typeof node.value !== 'string') this.fail(`a key has to be a text: put ${JSON.stringify(String(node.source).slice(0, 64))} in quotes`, node);
    if (node.value === '<<' && node.type === 'PLAIN') this.fail('merge keys are not supported: write the members out', node);
    if (!node.value.isWellFormed()) this.fail('half of a surrogate pair is escaped alone', node);
    // An anchor on a key is as good as any other.
    if (node.anchor !== undefined) this.convert(node);
    return node.value;
  }
}

function textOf(bytes: Bytes): string {
  const start = { line: 1, column: 1 };
  if (bytes.byteLength > LIMITS.yamlSizeBytesMax) throw invalid(`it has more than ${LIMITS.yamlSizeBytesMax} bytes; JSON may have ${LIMITS.documentSizeBytesMax}`, start);
  const text = tryDecodeUtf8(bytes);
  if (text === undefined) throw invalid('the bytes are not valid UTF-8', start);
  const found = NOT_PRINTABLE.exec(text);
  if (found !== null) {
    const before = text.slice(0, found.index).split('\n');
    throw invalid(found[0] === '\ufeff' ? 'a byte-order mark is not allowed' : 'a control character is not allowed; escape it in double quotes', { line: before.length, column: (before.at(-1) ?? '').length + 1 });
  }
  return text;
}

/**
 * The tokens of the text, refused at the first mistake and at the first that goes beyond a limit: what is built from them is built
 * recursively, and slowly.
 */
function* tokensOf(text: string, reader: Reader): Generator<CST.Token> {
  const parser = new Parser(reader.lines.addNewLine);
  reader.lines.addNewLine(0);
  let lexemes = 0;
  const checked = function* (tokens: Iterable<CST.Token>): Generator<CST.Token> {
    for (const token of tokens) {
      if (token.type === 'error') throw invalid(token.message.split('\n')[0] ?? 'a mistake', reader.position(token.offset));
      if (token.type === 'directive') throw invalid('directives are not supported', reader.position(token.offset));
      yield token;
    }
  };
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1;
    if (lexemes > LIMITS.yamlLexemeCountMax) throw invalid(`more than ${LIMITS.yamlLexemeCountMax} words and signs: write large documents in JSON`, reader.position(parser.offset));
    yield* checked(parser.next(lexeme));
    // One entry is the document's own, and the innermost may be a scalar.
    if (parser.stack.length > LIMITS.jsonDepthMax + 2) throw invalid(`more than ${LIMITS.jsonDepthMax} nested levels`, reader.position(parser.offset));
  }
  yield* checked(parser.end());
}

function compose(text: string, reader: Reader): Document.Parsed {
  let document: Document.Parsed | undefined;
  const composer = new Composer<ParsedNode, true>({ version: '1.2', schema: 'core', merge: false, intAsBigInt: true, uniqueKeys: false, strict: true, prettyErrors: false, logLevel: 'silent' });
  const take = (found: Document.Parsed): void => {
    if (document !== undefined) reader.fail('more than one document', { range: found.range });
    const error = found.errors[0] ?? found.warnings[0];
    if (error !== undefined) throw invalid(error.message.split('\n')[0] ?? error.code, reader.position(error.pos[0]));
    document = found;
  };
  for (const token of tokensOf(text, reader)) for (const found of composer.next(token)) take(found);
  for (const found of composer.end(true, text.length)) take(found);
  if (document === undefined) throw invalid('the text is empty', { line: 1, column: 1 });
  return document;
}

function locator(reader: Reader, root: Node | null): DocumentSource['locate'] {
  const follow = (node: Node | null | undefined): Node | null | undefined => (isAlias(node) ? reader.anchored(node.source) : node);
  return (path: readonly PathSegment[], what: 'key' | 'value') => {
    let node: Node | null | undefined = root;
    let offset = root?.range[0] ?? 0;
    for (const [i, segment] of path.entries()) {
      const container = follow(node);
      if (isSeq(container) && typeof segment === 'number') node = container.items[segment] as Node | undefined;
      else if (isMap(container)) {
        const pair = (container.items as Pair<Node, Node | null>[]).find(({ key }) => isScalar(key) && key.value === segment);
        if (pair === undefined) break;
        node = pair.value;
        // The key says more than a value which is empty or on the lines below.
        if (!isScalar(node) || (what === 'key' && i === path.length - 1)) {
          offset = pair.key.range?.[0] ?? offset;
          continue;
        }
      } else break;
      if (node === undefined) break;
      offset = node?.range?.[0] ?? offset;
    }
    return reader.position(offset);
  };
}

/** @throws CellError `yaml.invalid` */
export const readYaml: DocumentReader = (bytes) => {
  const reader = new Reader(new LineCounter());
  const document = compose(textOf(bytes), reader);
  const root = document.contents as Node | null;
  const { value } = reader.convert(root);
  return { value, repeated: [], tooDeep: false, locate: locator(reader, root), locateOffset: (offset) => reader.position(offset) };
};
