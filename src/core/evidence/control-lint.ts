/**
 * Is a control catalogue true of a source tree (reference/02 §12)? Every claim that can be checked without judgement is: the schema, the files it
 * points at, and that what is called implemented names what proves it. Pure: the tree is a list of paths.
 *
 *   L1  all findings, in the reference's order: the schema of every entry first, then entry by entry the rest;
 *   L2  a path is looked for in the tree alone: one that leaves it does not resolve. LIMIT: the number after a colon is not looked at.
 */
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../../base/json.ts';
import { trimWhiteSpace } from '../spec/predicates.ts';
import { type ControlEntry, parseControlCatalogue } from './control-rollup.ts';
import { compileSchema, type SchemaViolation } from './json-schema.ts';

export type ControlRule = 'schema' | 'code-seam' | 'proving-test' | 'no-event-types' | 'no-tests' | 'no-degraded-note';

export interface ControlLintFinding {
  readonly rule: ControlRule;
  /** The control, or `entry[i]`. */
  readonly entry: string;
  readonly message: string;
}

/** Files and folders of a tree, by their paths from its root. */
export class PathTree {
  readonly #files: ReadonlySet<string>;
  readonly #folders = new Set(['']);

  constructor(files: readonly string[]) {
    this.#files = new Set(files);
    for (const file of files) for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) this.#folders.add(file.slice(0, at));
  }

  /** Is it a file or a folder of the tree [L2]? The root, written as nothing, is one. Every step of the way has to be there, as for a file system. */
  has(path: string): boolean {
    if (path.startsWith('/')) return false;
    const at: string[] = [];
    for (const step of path.split('/')) {
      if (!this.#folders.has(at.join('/'))) return false;
      if (step === '' || step === '.') continue;
      if (step !== '..') at.push(step);
      else if (at.pop() === undefined) return false;
    }
    const found = at.join('/');
    return this.#folders.has(found) || (this.#files.has(found) && !path.endsWith('/'));
  }
}

const pathOf = (seam: string): string => seam.split(':')[0] ?? '';

function entryFindings(entry: ControlEntry, tree: PathTree): ControlLintFinding[] {
  const found: ControlLintFinding[] = [];
  const add = (rule: ControlRule, message: string): void => void found.push({ rule, entry: entry.controlId, message });
  for (const seam of entry.codeSeams) if (!tree.has(pathOf(seam))) add('code-seam', `names the code ${seam}, which is not there`);
  for (const test of entry.provingTests) if (!tree.has(pathOf(test))) add('proving-test', `names the test ${test}, which is not there`);
  if (entry.status !== 'implemented') return found;
  if (entry.provingEventTypes.length === 0) add('no-event-types', 'is called implemented, and names no event that proves it');
  if (entry.provingTests.length === 0) add('no-tests', 'is called implemented, and names no test that proves it');
  const note = trimWhiteSpace(entry.degradedBindingNote ?? '');
  if (entry.enforcementBinding === 'linux-nftables' && note === '') add('no-degraded-note', 'is bound to nftables, and does not say what holds where there is none');
  return found;
}

function labelOf(value: JsonValue, i: number): string {
  const id = isJsonObject(value) ? value['controlId'] : undefined;
  return typeof id === 'string' ? id : `entry[${i}]`;
}

/**
 * @param input.catalogue, input.schema undefined: the file is not there
 * @returns the entries, and every finding; the catalogue holds when there is none
 * @throws CellError `document.invalid`, its fact `reason` `catalogue-missing` or `schema`, or without one for a catalogue of another shape
 */
export function lintControls(input: { catalogue: JsonValue | undefined; schema: JsonValue | undefined; tree: PathTree }): { readonly entries: readonly ControlEntry[]; readonly findings: readonly ControlLintFinding[] } {
  const { catalogue, schema, tree } = input;
  if (catalogue === undefined) throw new CellError('document.invalid', 'Cannot check the control catalogue: it is not there', { facts: { reason: 'catalogue-missing' } });
  const entries = parseControlCatalogue(catalogue);
  if (schema === undefined) throw new CellError('document.invalid', 'Cannot check the control catalogue: its schema is not there', { facts: { reason: 'schema' } });
  const check = compileSchema(schema);
  const ofSchema = (isJsonArray(catalogue) ? catalogue : []).flatMap((value, i) => {
    const violations: SchemaViolation[] = [];
    check(value, '', violations);
    return violations.map(({ pointer, message }): ControlLintFinding => ({ rule: 'schema', entry: labelOf(value, i), message: `${pointer === '' ? '' : `${pointer} `}${message}` }));
  });
  return { entries, findings: [...ofSchema, ...entries.flatMap((entry) => entryFindings(entry, tree))] };
}
