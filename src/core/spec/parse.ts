/**
 * Bytes → `SpecDocument`, or every reason why not.
 *
 *   S1  nothing doubtful passes in strict mode, the default: unknown keys, repeated keys, lists for objects and the second pass are errors;
 *   S2  in compatible mode exactly what the reference accepts is accepted, and what strict mode would refuse is a warning;
 *   S3  the first error is the one the reference stops at; strict-only errors follow it;
 *   S4  the time taken grows with the size of the document, whatever is in it.
 */
import type { Bytes } from '../../base/bytes.ts';
import { type Digest, sha256Hex } from '../../base/crypto.ts';
import { CellError, isCellError } from '../../base/errors.ts';
import { renderPath } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import { type Decoded, decode } from './decode.ts';
import type { ExecutionCellDocument, SpecDocument } from './document.ts';
import { EXECUTION_CELL_DOCUMENT } from './document-shape.ts';
import { canonicalSpecHash } from './hash.ts';
import { Findings, quoted, renderIssue, type SpecIssue } from './issues.ts';
import { FLOAT_RULE, REVIEW_RULES } from './review.ts';
import { Report, type RuleGroup, type Section } from './rule-set.ts';
import { type DocumentReader, type DocumentSource, isRepeatedIn, readJsonSource, sniffFormat } from './source.ts';
import { REFERENCE_RULES } from './validate.ts';

export interface SpecOptions {
  /** Default `strict`. */
  readonly mode?: 'strict' | 'compatible';
  /** Default `auto`: by the first character. */
  readonly format?: 'json' | 'yaml' | 'auto';
  /** Reads YAML; without it a YAML document is refused. */
  readonly yaml?: DocumentReader;
  /** What messages call the document, usually its path. */
  readonly name?: string;
}

export type SpecCheck =
  | { readonly kind: 'ok'; readonly document: SpecDocument }
  /** Errors first. `errorCount`: all that were found; at most `LIMITS.specIssueCountMax` are listed. */
  | { readonly kind: 'invalid'; readonly issues: readonly SpecIssue[]; readonly errorCount: number };

/** What must not be judged, because a part of it could not be read. */
function brokenSections(errors: Findings): ((section: Section) => boolean) | undefined {
  if (errors.count === 0) return undefined;
  // Not all are kept: then nothing is known to be whole.
  if (errors.count > errors.list.length) return () => true;
  const sections = new Set(errors.list.map(({ path: [top, member] }) => (top === 'spec' ? member : top)));
  // A list in the place of an object, or the whole: no section can be named.
  if ([...sections].some((section) => typeof section !== 'string')) return () => true;
  return (section) => sections.has(section);
}

function runRules(groups: readonly RuleGroup[], document: ExecutionCellDocument, isBroken: ((section: Section) => boolean) | undefined, into: Findings): void {
  const report = new Report(into);
  for (const group of groups) if (isBroken === undefined || !group.reads.some(isBroken)) group.check(document, report);
}

/** Repeats that the decoder does not reject: of unknown keys, and inside maps and opaque values. */
export function addRepeatedKeys(source: DocumentSource, decoded: Decoded<unknown>, into: Findings): void {
  if (source.repeated.length === 0) return;
  const rejected = new Set(decoded.errors.list.filter(({ rule }) => rule === 'duplicate-key').map(({ path }) => path.at(-1)));
  for (const { key, offset } of source.repeated) {
    if (!rejected.has(key) && !into.onlyCounts()) into.add({ rule: 'repeated-key', path: [], offset, message: `the key ${quoted(key)} is given more than once` });
  }
}

interface Judged {
  readonly document: ExecutionCellDocument | undefined;
  readonly errors: Findings;
  readonly warnings: Findings;
}

function judge(source: DocumentSource, strict: boolean): Judged {
  const isRepeated = isRepeatedIn(source);
  const decoded = decode(EXECUTION_CELL_DOCUMENT, source.value, { tooDeep: source.tooDeep, ...(isRepeated === undefined ? {} : { isRepeated }) });
  const { value, errors } = decoded;
  const isBroken = brokenSections(errors);
  const doubtful = new Findings();
  const warnings = new Findings();
  if (value !== undefined) runRules(REFERENCE_RULES, value, isBroken, errors);
  doubtful.take(decoded.lenient);
  addRepeatedKeys(source, decoded, doubtful);
  if (value !== undefined) {
    runRules(REVIEW_RULES, value, isBroken, doubtful);
    runRules([FLOAT_RULE], value, isBroken, warnings);
  }
  (strict ? errors : warnings).take(doubtful);
  return { document: value, errors, warnings };
}

function placed(findings: Findings, severity: SpecIssue['severity'], source: DocumentSource): SpecIssue[] {
  return findings.list.map(({ rule, path, atKey, offset, message }) => {
    const { line, column } = offset === undefined ? source.locate(path, atKey === true ? 'key' : 'value') : source.locateOffset(offset);
    return { rule, path: renderPath(path), line, column, message, severity };
  });
}

export function syntaxIssue(error: CellError): SpecIssue {
  const { line, column, reason } = error.facts;
  return { rule: 'syntax', path: '', line: Number(line ?? 1), column: Number(column ?? 1), message: typeof reason === 'string' ? reason : error.message, severity: 'error' };
}

const unreadableYaml: DocumentReader = () => {
  throw new CellError('yaml.invalid', 'Cannot read YAML: only JSON is read here', { facts: { reason: 'only JSON is read here' } });
};

/** The canonical hash costs as much as reading does, and not everybody asks for it: made when it is. */
function specDocument(read: Omit<SpecDocument, 'specHash'>): SpecDocument {
  let hash: Digest | undefined;
  return {
    ...read,
    get specHash(): Digest {
      hash ??= canonicalSpecHash(read.document.spec);
      return hash;
    },
  };
}

/** Every finding about the document, as a value. Never throws. */
export function checkSpec(bytes: Bytes, options: SpecOptions = {}): SpecCheck {
  const asked = options.format ?? 'auto';
  const format = asked === 'auto' ? sniffFormat(bytes) : asked;
  const read = format === 'json' ? readJsonSource : (options.yaml ?? unreadableYaml);
  let source: DocumentSource;
  try {
    source = read(bytes);
  } catch (error) {
    if (!isCellError(error, 'json.invalid') && !isCellError(error, 'yaml.invalid')) throw error;
    return { kind: 'invalid', issues: [syntaxIssue(error)], errorCount: 1 };
  }
  const { document, errors, warnings } = judge(source, options.mode !== 'compatible');
  const told = placed(warnings, 'warning', source);
  if (document === undefined || errors.count > 0) return { kind: 'invalid', issues: [...placed(errors, 'error', source), ...told], errorCount: errors.count };
  return { kind: 'ok', document: specDocument({ document, format, rawHash: sha256Hex(bytes), warnings: told }) };
}

/**
 * Reads one document.
 *
 * @throws CellError `spec.invalid`; its message has a line for each finding, with path, line and column; its facts hold `rules` and `issues`
 * in the same order
 */
export function parseSpec(bytes: Bytes, options: SpecOptions = {}): SpecDocument {
  const checked = checkSpec(bytes, options);
  if (checked.kind === 'ok') return checked.document;
  const { issues, errorCount } = checked;
  const lines = issues.map((issue) => renderIssue(issue, options.name));
  if (errorCount > LIMITS.specIssueCountMax) lines.push(`and ${errorCount - LIMITS.specIssueCountMax} more`);
  throw new CellError('spec.invalid', `Cannot use ${options.name ?? 'the document'}: ${errorCount} ${errorCount === 1 ? 'mistake' : 'mistakes'}\n  ${lines.join('\n  ')}`, {
    facts: { rules: issues.map((issue) => issue.rule), issues: lines },
  });
}
