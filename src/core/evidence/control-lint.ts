/**
 * Looks for what is wrong in a catalogue of controls (reference/02 §12): what its schema finds, paths that lead nowhere, and controls that are called
 * implemented and prove nothing.
 *
 *   CL1  all findings are told: those of the schema first, then those of each entry, in the order of the reference;
 *   CL2  ours: a path that leaves the tree does not resolve, whatever is there; the caller looks, and follows no link out of it.
 */
import { type ControlEntry, parseControlCatalogue } from './control-rollup.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../../base/json.ts';
import { CellError } from '../../base/errors.ts';

export type LintRule = 'schema' | 'code-seam' | 'proving-test' | 'no-event-types' | 'no-tests' | 'no-degraded-note';

export interface LintFinding {
  readonly rule: LintRule;
  /** Its controlId, or `entry[i]`. */
  readonly entry: string;
  readonly message: string;
}

/** What is looked up outside. */
export interface LintSources {
  /** What a JSON Schema finds in an entry: a text, and where, as a JSON pointer. */
  readonly schemaFindings: (entry: JsonValue) => readonly { readonly message: string; readonly pointer: string }[];
  /** Is there a file or folder at this path beneath the root? */
  readonly exists: (path: string) => boolean;
}

const nameOf = (entry: JsonValue, index: number): string => (isJsonObject(entry) && typeof entry['controlId'] === 'string' ? entry['controlId'] : `entry[${index}]`);

/** A line number may follow the path. */
const pathOf = (seam: string): string => seam.split(':')[0] ?? '';

/** Beneath the root, whatever its `..` say. */
function staysInside(path: string): boolean {
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return !path.startsWith('/');
}

function entryFindings(entry: ControlEntry, exists: LintSources['exists']): LintFinding[] {
  const found: LintFinding[] = [];
  const add = (rule: LintRule, message: string): void => void found.push({ rule, entry: entry.controlId, message });
  const resolves = (path: string): boolean => staysInside(path) && exists(path); // CL2
  for (const seam of entry.codeSeams) if (!resolves(pathOf(seam))) add('code-seam', `the code seam ${seam} leads to nothing in the tree`);
  for (const test of entry.provingTests) if (!resolves(pathOf(test))) add('proving-test', `the proving test ${test} leads to nothing in the tree`);
  if (entry.status !== 'implemented') return found;
  if (entry.provingEventTypes.length === 0) add('no-event-types', 'it is called implemented, and no event type proves it');
  if (entry.provingTests.length === 0) add('no-tests', 'it is called implemented, and no test proves it');
  if (entry.enforcementBinding === 'linux-nftables' && (entry.degradedBindingNote ?? '').trim() === '') add('no-degraded-note', 'it is bound to linux-nftables, and says nothing of where that is missing');
  return found;
}

/** @returns the findings, none when all is well [CL1]. @throws CellError `document.invalid` for what is no catalogue */
export function lintControls(catalogue: JsonValue, sources: LintSources): readonly LintFinding[] {
  if (!isJsonArray(catalogue)) throw new CellError('document.invalid', 'Cannot read the control catalogue: it is not a list');
  const entries = parseControlCatalogue(catalogue);
  const ofSchema = catalogue.flatMap((entry, i) => sources.schemaFindings(entry).map(({ message, pointer }): LintFinding => ({ rule: 'schema', entry: nameOf(entry, i), message: `${pointer} ${message}` })));
  return [...ofSchema, ...entries.flatMap((entry) => entryFindings(entry, sources.exists))];
}
