/** A start that ends before there is a run: by a rule that has a name, with everything else that is wrong beside it. */
import { CellError, type ErrorCode, isCellError } from '../../base/errors.ts';
import { type StartProblem, START_STEPS, type StartStep, type SupervisorRule } from '../../config/supervisor-problem.ts';

/** The name of a rule as it is told: ours, or `spec.` and the rule of the document. */
export type ToldRule = SupervisorRule | `spec.${string}`;

export function startRefused(rule: ToldRule, message: string, options: { code?: ErrorCode; also?: readonly string[]; cause?: unknown } = {}): CellError {
  return new CellError(options.code ?? 'config.invalid', message, { facts: { rule, also: [...(options.also ?? [])] }, ...(options.cause === undefined ? {} : { cause: options.cause }) });
}

/** Ends the start when a setting is wrong that this step, or one before, would stop at; all of them are told. */
export function stopAt(step: StartStep, problems: readonly StartProblem[]): void {
  const [first, ...others] = problems;
  if (first === undefined || START_STEPS.indexOf(first.step) > START_STEPS.indexOf(step)) return;
  throw startRefused(first.rule, first.message, { also: others.map((problem) => problem.message) });
}

/** The rule an error of a part of ours stands for, when it has none yet. */
export function asRefusal(error: unknown, rule: ToldRule): CellError {
  if (!isCellError(error)) throw error;
  return error.facts['rule'] === undefined ? startRefused(rule, error.message, { code: error.code, cause: error }) : error;
}
