/** What a command left in its workspace overlay, as values; and `workspace.json` of a bundle, which lists them. Pure. */
import type { Bytes } from '../../base/bytes.ts';
import { jcsBytes } from '../../base/canonical-json.ts';
import type { Digest } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';

/** What stands at a path. `special`: a socket, a queue, a device, or a name that is not UTF-8; listed, and never applied. */
export type WorkspaceEntry =
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly digest: Digest; /** Permission bits, without set-user-ID and its like. */ readonly mode: number }
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'special' };

export interface WorkspaceChange {
  /** Relative to the workspace, `/` between parts. */
  readonly path: string;
  /** What the folder holds there; undefined: nothing. */
  readonly before?: WorkspaceEntry;
  /** What the command left there; undefined: it was removed. */
  readonly after?: WorkspaceEntry;
}

export interface WorkspaceDocument {
  /** Host folder the command was shown. */
  readonly source: string;
  readonly changes: readonly WorkspaceChange[];
}

export function workspaceDocumentBytes(document: WorkspaceDocument): Bytes {
  const entry = (value: WorkspaceEntry | undefined): JsonObject | null => (value === undefined ? null : jsonObject({ ...value }));
  const changes = document.changes.map(({ path, before, after }) => jsonObject({ path, before: entry(before), after: entry(after) }));
  return jcsBytes(jsonObject({ v: 1, source: document.source, changes }));
}

function bad(what: string): never {
  throw new CellError('document.invalid', `Cannot read workspace.json: ${what}`);
}

function entryOf(value: JsonValue | undefined): WorkspaceEntry | undefined {
  if (value === null || value === undefined) return undefined;
  if (!isJsonObject(value)) bad('an entry is not an object');
  const { kind, sizeBytes, digest, mode, target } = value;
  if (kind === 'directory' || kind === 'special') return { kind };
  if (kind === 'symlink' && typeof target === 'string') return { kind, target };
  if (kind === 'file' && typeof sizeBytes === 'number' && typeof mode === 'number' && typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) return { kind, sizeBytes, digest: digest as Digest, mode };
  return bad(`an entry of kind ${JSON.stringify(kind)} is malformed`);
}

/** @throws CellError `document.invalid` | `json.invalid` */
export function parseWorkspaceDocument(bytes: Bytes): WorkspaceDocument {
  const value = parseJson(bytes);
  if (!isJsonObject(value) || value['v'] !== 1 || typeof value['source'] !== 'string' || !isJsonArray(value['changes'])) bad('it is not a list of changes, version 1');
  const changes = value['changes'].map((item): WorkspaceChange => {
    const path = isJsonObject(item) ? item['path'] : undefined;
    if (!isJsonObject(item) || typeof path !== 'string') bad('a change has no path');
    const before = entryOf(item['before']);
    const after = entryOf(item['after']);
    return { path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  });
  return { source: value['source'], changes };
}

export interface ChangeCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
}

export function countChanges(changes: readonly WorkspaceChange[]): ChangeCounts {
  const sum = { added: 0, modified: 0, deleted: 0 };
  for (const { before, after } of changes) sum[before === undefined ? 'added' : after === undefined ? 'deleted' : 'modified'] += 1;
  return sum;
}

/** One line a change: `A`, `M` or `D` and the path; `!` marks what can never be applied. A folder ends in `/`. */
export function changeLine({ path, before, after }: WorkspaceChange): string {
  const letter = after?.kind === 'special' ? '!' : before === undefined ? 'A' : after === undefined ? 'D' : 'M';
  return `${letter} ${path}${(after ?? before)?.kind === 'directory' ? '/' : ''}`;
}
