/**
 * What a run left changed in its workspace: the counts of its record, and the list of the bundle beside them.
 *
 *   WR1  the list is believed only when it has the digest that the signed record names; else the paths of the record itself are shown.
 */
import type { Bytes } from '../../../base/bytes.ts';
import { digestOf } from '../../../base/crypto.ts';
import { ignore } from '../../../base/errors.ts';
import { changeLine, parseWorkspaceDocument } from '../../workspace/changes.ts';
import { numberOf, textOf, textsOf } from './read-data.ts';
import type { RunFacts } from './run-facts.ts';

const CHANGES_MAX = 200;

export interface ReportChange {
  /** A, M, D, or `!` for what can never be applied; `?`: the list is not there, and the record does not tell. */
  readonly kind: string;
  readonly path: string;
}

export interface WorkspaceReport {
  readonly source: string;
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
  readonly changes: readonly ReportChange[];
  /** Changes beyond those kept. */
  readonly more: number;
  /** Is the list of the bundle the one that the record names? undefined: it is not there, or cannot be read. */
  readonly listFits?: boolean;
  /** What became of the changes; undefined: nobody asked the run to apply them. */
  readonly applied?: { readonly done: boolean; readonly reason?: string };
}

function listed(file: Bytes): readonly ReportChange[] | undefined {
  try {
    return parseWorkspaceDocument(file).changes.map((change) => {
      const line = changeLine(change);
      return { kind: line.slice(0, 1), path: line.slice(2) };
    });
  } catch (error) {
    ignore(error, 'the audit says what is wrong with the file');
    return undefined;
  }
}

/** @param file `workspace.json` of the bundle */
export function workspaceReport(facts: RunFacts, file: Bytes | undefined): WorkspaceReport | undefined {
  const changed = facts.first('workspaceChanged')?.data;
  if (changed === undefined) return undefined;
  const [added = 0, modified = 0, deleted = 0] = ['added', 'modified', 'deleted'].map((key) => numberOf(changed[key]));
  const fits = file === undefined ? undefined : digestOf(file) === changed['listDigest'];
  const list = fits === true && file !== undefined ? listed(file) : undefined; // WR1
  const changes = list ?? textsOf(changed['paths']).map((path) => ({ kind: '?', path }));
  const applied = facts.first('workspaceApplied')?.data;
  const reason = textOf(applied?.['reason']);
  return {
    source: textOf(changed['source']) ?? '?',
    added,
    modified,
    deleted,
    changes: changes.slice(0, CHANGES_MAX),
    more: Math.max(0, Math.max(changes.length, list === undefined ? added + modified + deleted : 0) - Math.min(changes.length, CHANGES_MAX)),
    ...(fits === undefined || (fits && list === undefined) ? {} : { listFits: fits }),
    ...(applied === undefined ? {} : { applied: { done: applied['applied'] === true, ...(reason === undefined ? {} : { reason }) } }),
  };
}
