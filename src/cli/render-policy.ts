/** What a policy pack says, for people. Pure. */
import type { EffectiveRule } from '../core/policy/effective.ts';
import type { PolicyViolation } from '../core/policy/evaluate.ts';
import type { LoadedPack } from '../core/policy/read-policy.ts';
import { fit, plural, type Style, visible, wrap } from './render.ts';

export interface Checked {
  readonly verdict: 'admitted' | 'refused';
  readonly applied: boolean;
  readonly violations: readonly PolicyViolation[];
  /** Of the document. */
  readonly id: string;
  readonly pack: LoadedPack;
}

const nameOf = ({ document: { spec } }: LoadedPack): string => `${spec.id}${spec.version === undefined ? '' : ` ${spec.version}`}`;

/** Which pack it is: name, version, the digest evidence names it by, and what it says of itself. */
export function packLines(pack: LoadedPack, { width, style }: { width: number; style: Style }): string[] {
  const { description } = pack.document.spec;
  const digest = `${pack.digest.slice(0, 'sha256:'.length + 12)}…`;
  const name = fit(`Pack ${visible(nameOf(pack))}`, width - digest.length - 2);
  return [`${style.bold(name)}  ${style.dim(digest)}`, ...(description === undefined ? [] : wrap(visible(description), width, '  '))];
}

/** The verdict first, then every rule that is broken, in the order of the evaluation. */
export function checkLines({ verdict, applied, violations, id, pack }: Checked, options: { width: number; style: Style }): string[] {
  const { width, style } = options;
  const name = visible(nameOf(pack));
  const what = visible(id);
  if (verdict === 'admitted') {
    return wrap(applied ? `permitted: the pack ${name} lets ${what} run` : `permitted: no pack applied: ${name} is for another placement than that of ${what}`, width).map((line, i) => (i === 0 ? style.green(line) : line));
  }
  const head = wrap(`refused: ${what} breaks ${plural(violations.length, 'rule')} of the pack ${name}`, width).map(style.red);
  return [...head, ...violations.flatMap(({ rule, path, message }) => [`  ${visible(rule)}`, ...wrap(visible(`${path} ${message}`), width, '    ')])];
}

const MARKS: Readonly<Record<NonNullable<EffectiveRule['decision']>, string>> = { kept: 'yes', broken: 'NO', silent: '-' };

/** One entry a rule: whose it is, what came of it, and what it says, wrapped. */
export function effectiveTable(rules: readonly EffectiveRule[], { width, style }: { width: number; style: Style }): string[] {
  if (rules.length === 0) return ['The pack demands nothing.'];
  return rules.flatMap(({ rule, source, says, decision }) => {
    const mark = decision === undefined ? '' : `  ${MARKS[decision]}`;
    const painted = decision === 'broken' ? style.red(mark) : decision === 'kept' ? style.green(mark) : style.dim(mark);
    return [`${rule}  ${style.dim(source)}${painted}`, ...wrap(visible(says), width, '    ')];
  });
}
