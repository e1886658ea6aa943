/** How the rules of a document are written down: in groups, each with the parts of the document it reads. */
import { isPortableIdentifier } from '../../base/ids.ts';
import type { PathSegment } from '../../base/json-path.ts';
import type { ExecutionCellDocument, ExecutionCellSpec } from './document.ts';
import type { Findings, SpecRule } from './issues.ts';
import { PORTABLE } from './predicates.ts';

export type Section = 'apiVersion' | 'kind' | keyof ExecutionCellSpec;

export class Report {
  readonly #into: Findings;

  constructor(into: Findings) {
    this.#into = into;
  }

  add(rule: SpecRule, path: readonly PathSegment[], message: string): void {
    this.#into.add({ rule, path, message });
  }

  /** `unless(condition)?.add(…)`: what is to be said is put together only when it has to be said. */
  unless(condition: boolean): this | undefined {
    return condition || this.#into.onlyCounts() ? undefined : this;
  }

  /** An absent member is right. @param member name of the member at `path`, when the path does not end with it */
  portable(text: string | undefined, rule: SpecRule, path: readonly PathSegment[], member?: string): void {
    this.unless(text === undefined || isPortableIdentifier(text))?.add(rule, member === undefined ? path : [...path, member], PORTABLE);
  }
}

export interface RuleGroup {
  /** Not checked while one of these has a mistake of shape: it would be judged by what is not there. */
  readonly reads: readonly Section[];
  readonly check: (document: ExecutionCellDocument, report: Report) => void;
}
