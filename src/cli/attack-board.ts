/** The scoreboard of the attacks as text: a line a class, then each attack that was not held and why. Pure. */
import { ATTACK_CLASSES, type AttackClass } from '../attacks/attack.ts';
import type { AttackResult, Scoreboard } from '../compose/attacks.ts';
import { visible } from './render.ts';

const FAULTS_SHOWN_MAX = 4;

function rows(results: readonly AttackResult[]): string[][] {
  const count = (name: AttackClass, verdict: AttackResult['verdict']): string => String(results.filter((result) => result.class === name && result.verdict === verdict).length);
  const classes = (Object.keys(ATTACK_CLASSES) as AttackClass[]).filter((name) => results.some((result) => result.class === name));
  return classes.map((name) => [name, count(name, 'held'), count(name, 'broken'), count(name, 'not-applicable'), ATTACK_CLASSES[name]]);
}

function table(lines: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...lines.map((line) => line[column]?.length ?? 0));
  const widths = [0, 1, 2, 3].map(width);
  return lines.map(([name = '', ...rest]) => [name.padEnd(widths[0] ?? 0), ...rest.slice(0, 3).map((cell, i) => cell.padStart(widths[i + 1] ?? 0)), rest[3] ?? ''].join('  ').trimEnd());
}

/** What is said of one attack that was not held. */
function explained(result: AttackResult): string[] {
  const more = result.faults.length - FAULTS_SHOWN_MAX;
  return [`  ${result.id}: to ${result.title}`, ...result.faults.slice(0, FAULTS_SHOWN_MAX).map((fault) => `    ${visible(fault)}`), ...(more > 0 ? [`    and ${more} more`] : []), ...(result.runId === undefined ? [] : [`    run ${result.runId}`])];
}

/** Attacks that could not be made or judged here, under the reason they share. */
function byReason(results: readonly AttackResult[]): string[] {
  const reasons = Map.groupBy(results, (result) => result.faults.join('; '));
  return [...reasons].flatMap(([reason, found]) => [`  ${visible(reason)}`, `    ${found.map((result) => result.id).join(', ')}`]);
}

export function attackBoard(board: Scoreboard): string {
  const of = (verdict: AttackResult['verdict']): AttackResult[] => board.results.filter((result) => result.verdict === verdict);
  const part = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);
  return [
    ...table([['class', 'held', 'broken', 'n/a', ''], ...rows(board.results)]),
    ...part('Broken: an attack that succeeded, or evidence that does not say it was refused. Please report it.', of('broken').flatMap(explained)),
    ...part('Not applicable on this host:', byReason(of('not-applicable'))),
    '',
    `${board.results.length} attacks: ${board.held} held, ${board.broken} broken, ${board.notApplicable} not applicable`,
    `bubblewrap tier, CellOS ${board.cellosVersion}, kernel ${board.kernel}, ${board.arch}, ${(board.durationMs / 1000).toFixed(1)} s`,
    `filter ${board.filter}`,
    '',
  ].join('\n');
}
