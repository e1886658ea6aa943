/**
 * JSON values as YAML 1.2 that people read and our own reader reads back as the same values. Pure.
 *
 *   YT1  a text that is not plainly a word stands in double quotes, with everything escaped that moves a cursor, turns text around or ends a line [TX1];
 *   YT2  a comment is made harmless the same way, and never ends before its line does.
 */
import { floatText } from '../base/canonical-json.ts';
import { isJsonArray, isJsonObject, JsonFloat, type JsonValue } from '../base/json.ts';
import { visible, wrap } from './render.ts';

/** Words that no YAML reader, however old, takes for something else. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
const RESERVED = /^(?:true|false|yes|no|on|off|null|y|n)$/i;
const UNSAFE = /[\u007f-\u009f\u061c\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]/gu;
const COMMENT_WIDTH = 110;

function quoted(text: string): string {
  return JSON.stringify(text).replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const word = (text: string): string => (PLAIN.test(text) && !RESERVED.test(text) ? text : quoted(text));

function scalar(value: Exclude<JsonValue, readonly JsonValue[] | object>): string {
  if (value === null) return 'null';
  return typeof value === 'string' ? word(value) : String(value);
}

export function commentLines(text: string, indent = ''): string[] {
  return wrap(visible(text), COMMENT_WIDTH - indent.length - 2).map((line) => `${indent}# ${line}`); // YT2
}

export type Comments = ReadonlyMap<string, readonly string[]>;

interface Place {
  readonly indent: string;
  readonly path: string;
  readonly comments: Comments;
}

const commentsAt = ({ comments, indent, path }: Place): string[] => (comments.get(path) ?? []).flatMap((text) => commentLines(text, indent));
const isInline = (value: JsonValue): boolean => (isJsonArray(value) ? value.length === 0 : isJsonObject(value) ? Object.keys(value).length === 0 : true);

function inline(value: JsonValue): string {
  if (value instanceof JsonFloat) return floatText(value.value);
  if (isJsonArray(value)) return '[]';
  return isJsonObject(value) ? '{}' : scalar(value);
}

function members(value: { readonly [key: string]: JsonValue }, place: Place): string[] {
  return Object.entries(value).flatMap(([key, member]) => {
    const here: Place = { ...place, path: place.path === '' ? key : `${place.path}.${key}` };
    const head = `${place.indent}${word(key)}:`;
    if (isInline(member)) return [...commentsAt(here), `${head} ${inline(member)}`];
    return [...commentsAt(here), head, ...block(member, { ...here, indent: `${place.indent}  ` })];
  });
}

function block(value: JsonValue, place: Place): string[] {
  if (isJsonObject(value)) return members(value, place);
  if (!isJsonArray(value)) return [`${place.indent}${inline(value)}`];
  return value.flatMap((item, at) => {
    const here: Place = { ...place, path: `${place.path}[${at}]` };
    if (isInline(item)) return [...commentsAt(here), `${place.indent}- ${inline(item)}`];
    const lines = block(item, { ...here, indent: `${place.indent}  ` });
    // The dash takes the place of the indent of the first line that is no comment.
    const first = lines.findIndex((line) => !line.trimStart().startsWith('# '));
    return [...commentsAt(here), ...lines.map((line, i) => (i === first ? `${place.indent}- ${line.slice(place.indent.length + 2)}` : line))];
  });
}

/** @param comments by path (`spec.run.argv[0]`): lines above the member */
export function yamlLines(value: JsonValue, comments: Comments = new Map()): string[] {
  return isInline(value) ? [inline(value)] : block(value, { indent: '', path: '', comments });
}
