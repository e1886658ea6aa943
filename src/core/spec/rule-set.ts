/** How the rules of a document are written down: in groups, each with the parts of the document it reads. */
import { isPortableIdentifier } from '../../base/ids.ts';
import type { PathSegment } from '../../base/json-path.ts';
import type { ExecutionCellDocument, ExecutionCellSpec } from './document.ts';
import type { SpecRule } from './issues.ts';
import { PORTABLE } from './predicates.ts';

export type Section = 'apiVersion' | 'kind' | keyof ExecutionCellSpec;

export class Report {
  readonly #add: (rule: SpecRule, path: readonly PathSegment[], message: string) => void;

  constructor(add: (rule: SpecRule, path: readonly PathSegment[], message: string) => void) {
    this.#add = add;
  }

  add(rule: SpecRule, path: readonly PathSegment[], message: string): void {
    this.#add(rule, path, message);
  }

  /** Records `rule` unless the condition holds. @returns the condition */
  need(condition: boolean, rule: SpecRule, path: readonly PathSegment[], message: string): boolean {
    if (!condition) this.#add(rule, path, message);
    return condition;
  }

  /** An absent member is right. */
  portable(text: string | undefined, rule: SpecRule, path: readonly PathSegment[]): void {
    if (text !== undefined && !isPortableIdentifier(text)) this.#add(rule, path, PORTABLE);
  }
}

export interface RuleGroup {
  /** Not checked while one of these has a mistake of shape: it would be judged by what is not there. */
  readonly reads: readonly Section[];
  readonly check: (document: ExecutionCellDocument, report: Report) => void;
}
