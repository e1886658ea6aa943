/** A suggested document as YAML with its reasons as comments, and the command line that goes with it. Pure. */
import { isJsonArray, isJsonObject, jsonObject, type JsonValue } from '../base/json.ts';
import type { RunReport } from '../core/projection/report/report-model.ts';
import type { SuggestedOption } from '../core/projection/suggest/suggest-options.ts';
import type { SuggestedField, Suggestion } from '../core/projection/suggest/suggest-spec.ts';
import type { ExecutionCellDocument } from '../core/spec/document.ts';
import { EXECUTION_CELL_DOCUMENT } from '../core/spec/document-shape.ts';
import { encode } from '../core/spec/encode.ts';
import { commandText, plural, visible, wrap } from './render.ts';
import { commentLines, yamlLines } from './yaml-text.ts';

/** Members whose JSON is the document's own, null and all. */
const OPAQUE: ReadonlySet<string> = new Set(['spec.authority.filesystem', 'spec.authority.network']);

/** `null` of an optional member says what its absence says. */
function withoutNulls(value: JsonValue, path: string): JsonValue {
  if (OPAQUE.has(path)) return value;
  if (isJsonArray(value)) return value.map((item) => withoutNulls(item, `${path}[]`));
  if (!isJsonObject(value)) return value;
  return jsonObject(Object.fromEntries(Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, withoutNulls(member, path === '' ? key : `${path}.${key}`)]]))));
}

/** What `cellos run` takes. */
export function documentJson(document: ExecutionCellDocument): JsonValue {
  return withoutNulls(encode(EXECUTION_CELL_DOCUMENT, document), '');
}

function has(value: JsonValue, path: string): boolean {
  let at: JsonValue | undefined = value;
  for (const key of path.split('.')) at = isJsonObject(at) && key in at ? at[key] : undefined;
  return at !== undefined;
}

/** The member a reason is written above: itself, its list, or what it was taken from. */
function anchorOf(document: JsonValue, path: string): string {
  let anchor = path.replace(/\[\d+\]$/, '');
  while (anchor.includes('.') && !has(document, anchor)) anchor = anchor.slice(0, anchor.lastIndexOf('.'));
  return anchor;
}

function reasonText({ path, decision, why }: SuggestedField, anchor: string): string {
  const about = path === anchor ? '' : `${path.slice(path.startsWith(`${anchor}[`) ? path.lastIndexOf('[') : anchor.length + 1)} `;
  return `${about}${decision}: ${why}`;
}

/** The command that runs it as the run was, by what its plan tells. */
function commandOf(options: readonly SuggestedOption[]): string {
  return `cellos run ${options.map(({ option, value }) => `${option} ${commandText([value])} `).join('')}suggested.yaml`;
}

export interface SuggestedPage {
  readonly report: RunReport;
  readonly suggestion: Suggestion;
  readonly options: readonly SuggestedOption[];
}

export function suggestionYaml({ report, suggestion, options }: SuggestedPage): string[] {
  const document = documentJson(suggestion.document);
  const comments = new Map<string, string[]>();
  for (const field of suggestion.fields) {
    const anchor = anchorOf(document, field.path);
    comments.set(anchor, [...(comments.get(anchor) ?? []), reasonText(field, anchor)]);
  }
  const narrowed = suggestion.fields.filter(({ decision }) => decision === 'narrowed').length;
  return [
    ...commentLines(`What run ${report.run.id} would have been fine with: ${plural(narrowed, 'member')} narrowed, nothing widened. One run is one run: look at it before you use it.`),
    ...commentLines(commandOf(options)),
    ...options.flatMap(({ option, why }) => commentLines(`${option}: ${why}`)),
    ...yamlLines(document, comments),
  ];
}

/** The reasons without the document, for stderr beside JSON. */
export function reasonLines({ suggestion, options }: SuggestedPage, width: number): string[] {
  return [
    ...suggestion.fields.flatMap(({ path, decision, why }) => wrap(visible(`${path} ${decision}: ${why}`), width, '  ').map((line, at) => (at === 0 ? line.trimStart() : line))),
    ...wrap(visible(commandOf(options)), width, '  ').map((line, at) => (at === 0 ? line.trimStart() : line)),
    ...options.flatMap(({ option, why }) => wrap(visible(`${option}: ${why}`), width, '  ')),
  ];
}
