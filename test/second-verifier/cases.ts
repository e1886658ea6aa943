/** What a case is, and the edits that the tables of cases share. */
import type { Edit, Stage } from './builder.ts';
import { withMember } from './builder.ts';
import { draft, type Json, json, makeBundle, TRUST } from './drafts.ts';
import type { BundleDraft, Plain } from './builder.ts';
import { isMap } from './json.ts';
import type { Files, Options, Verdict } from './verify.ts';

export interface Case {
  readonly name: string;
  readonly files: () => Files;
  readonly trust?: Uint8Array;
  readonly options?: Options & { readonly epochSeen?: number };
  readonly verdict: Verdict;
  /** Position of the first bad record; absent when none is named. */
  readonly at?: number;
}

export type Table = readonly Case[];

export const trustOf = (one: Case): Uint8Array => one.trust ?? TRUST;

/** A bundle of a draft that differs from the plain one, and is made whole. */
export function made(name: string, rest: Partial<BundleDraft>, verdict: Verdict, more: Partial<Case> = {}): Case {
  return { name, files: () => makeBundle(draft(rest)), verdict, ...more };
}

/** A bundle with one value exchanged at its stage; everything after it is made anew. */
export function edited(name: string, edit: Edit, verdict: Verdict, more: Partial<Case> & { readonly rest?: Partial<BundleDraft> } = {}): Case {
  const { rest = {}, ...others } = more;
  return { name, files: () => makeBundle(draft(rest), edit), verdict, ...others };
}

export function editAt(stage: Stage, at: number, change: (value: Json) => Json): Edit {
  return (where, value, index) => (where === stage && index === at ? change(value) : value);
}

/** Sets (or, with undefined, removes) what stands at a path of members. */
export function set(path: readonly string[], member: Plain | undefined): (value: Json) => Json {
  const [key = '', ...rest] = path;
  return (value) => {
    if (rest.length === 0) return withMember(value, key, member === undefined ? undefined : json(member));
    return withMember(value, key, set(rest, member)(isMap(value) ? (value.get(key) ?? null) : null));
  };
}

export function withFiles(files: Files, changes: { readonly [path: string]: Uint8Array | string | undefined }): Files {
  const changed = new Map(files);
  for (const [path, bytes] of Object.entries(changes)) {
    if (bytes === undefined) changed.delete(path);
    else changed.set(path, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }
  return changed;
}

export function linesOf(files: Files): Buffer[] {
  const bytes = Buffer.from(files.get('records.jsonl') ?? []);
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = bytes.indexOf(10, at) < 0 ? bytes.byteLength : bytes.indexOf(10, at) + 1;
    lines.push(bytes.subarray(at, end));
    at = end;
  }
  return lines;
}

export const withLines = (files: Files, lines: readonly Uint8Array[]): Files => withFiles(files, { 'records.jsonl': Buffer.concat(lines) });

export function withRecordText(files: Files, at: number, change: (line: string) => string): Files {
  return withLines(files, linesOf(files).map((line, i) => (i === at ? Buffer.from(change(line.toString())) : line)));
}
