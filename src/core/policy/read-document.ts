/**
 * Bytes → one of the policy documents, or every mistake with its place. The same reader as for cell documents: strict by default, so that a
 * misspelt rule is a mistake and never a rule that is not there.
 */
import type { Bytes } from '../../base/bytes.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { CellError, isCellError } from '../../base/errors.ts';
import { type PathSegment, renderPath } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import { decode } from '../spec/decode.ts';
import { Findings, renderIssue, type SpecIssue } from '../spec/issues.ts';
import { addRepeatedKeys, syntaxIssue } from '../spec/parse.ts';
import type { Shape } from '../spec/shape.ts';
import { type DocumentReader, type DocumentSource, isRepeatedIn, readJsonSource } from '../spec/source.ts';

export interface PolicyReadOptions {
  /** Default `strict`: unknown and repeated keys, and lists for objects, are mistakes; `compatible` makes them warnings. */
  readonly mode?: 'strict' | 'compatible';
  /** Takes packs older than the floor; default false. */
  readonly allowDowngrade?: boolean;
  /** What messages call the document, usually its path. */
  readonly name?: string;
  /** Reads the bytes; default JSON. */
  readonly reader?: DocumentReader;
}

/** A rule of the structural check that the document breaks. */
export interface Fault<R extends string> {
  readonly rule: R;
  readonly path: readonly PathSegment[];
  readonly message: string;
}

/** One mistake, with its place; `rule` is that of the reader or of the structural check. */
export type PolicyIssue = Omit<SpecIssue, 'rule'> & { readonly rule: string };

export type PolicyDocumentCheck<T> =
  /** `fileHash`: SHA-256 of the bytes as read, 64 hex digits. */
  | { readonly kind: 'ok'; readonly document: T; readonly fileHash: string; readonly warnings: readonly PolicyIssue[] }
  | { readonly kind: 'invalid'; readonly issues: readonly PolicyIssue[]; readonly errorCount: number };

function placed(findings: Findings, severity: SpecIssue['severity'], source: DocumentSource): PolicyIssue[] {
  return findings.list.map(({ rule, path, atKey, offset, message }) => {
    const { line, column } = offset === undefined ? source.locate(path, atKey === true ? 'key' : 'value') : source.locateOffset(offset);
    return { rule, path: renderPath(path), line, column, message, severity };
  });
}

function readSource(bytes: Bytes, reader: DocumentReader): DocumentSource | PolicyIssue {
  if (bytes.byteLength > LIMITS.policySizeBytesMax) return { rule: 'size', path: '', line: 1, column: 1, message: `has more than ${LIMITS.policySizeBytesMax} bytes`, severity: 'error' };
  try {
    return reader(bytes);
  } catch (error) {
    if (!isCellError(error, 'json.invalid') && !isCellError(error, 'yaml.invalid')) throw error;
    return syntaxIssue(error);
  }
}

/** Every mistake as a value. `faults`: the structural check, asked only of a document whose shape is right. Never throws. */
export function checkDocument<T, R extends string>(bytes: Bytes, shape: Shape<T>, faults: (document: T) => readonly Fault<R>[], options: PolicyReadOptions): PolicyDocumentCheck<T> {
  const source = readSource(bytes, options.reader ?? readJsonSource);
  if ('rule' in source) return { kind: 'invalid', issues: [source], errorCount: 1 };
  const isRepeated = isRepeatedIn(source);
  const decoded = decode(shape, source.value, { tooDeep: source.tooDeep, ...(isRepeated === undefined ? {} : { isRepeated }) });
  const { value, errors } = decoded;
  const doubtful = new Findings();
  doubtful.take(decoded.lenient);
  addRepeatedKeys(source, decoded, doubtful);
  const strict = options.mode !== 'compatible';
  const found = value === undefined || errors.count > 0 ? [] : faults(value).map((fault): PolicyIssue => ({ rule: fault.rule, path: renderPath(fault.path), ...source.locate(fault.path, 'value'), message: fault.message, severity: 'error' }));
  const errorCount = errors.count + found.length + (strict ? doubtful.count : 0);
  const told = placed(doubtful, strict ? 'error' : 'warning', source);
  if (value === undefined || errorCount > 0) return { kind: 'invalid', issues: [...placed(errors, 'error', source), ...found, ...told], errorCount };
  return { kind: 'ok', document: value, fileHash: sha256Hex(bytes), warnings: told };
}

/** @throws CellError `document.invalid`; its message has a line for each mistake, its facts hold `rules` and `issues` in the same order */
export function documentOrThrow<T>(checked: PolicyDocumentCheck<T>, what: string, name: string | undefined): Extract<PolicyDocumentCheck<T>, { kind: 'ok' }> {
  if (checked.kind === 'ok') return checked;
  const { issues, errorCount } = checked;
  const lines = issues.map((issue) => renderIssue(issue, name ?? what));
  if (errorCount > issues.length) lines.push(`and ${errorCount - issues.length} more`);
  throw new CellError('document.invalid', `Cannot use the ${what}${name === undefined ? '' : ` ${name}`}: ${errorCount} ${errorCount === 1 ? 'mistake' : 'mistakes'}\n  ${lines.join('\n  ')}`, {
    facts: { rules: issues.map((issue) => issue.rule), issues: lines },
  });
}
