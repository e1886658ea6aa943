/** What `cellos history` says: the history first, then what does not stand in it. Pure. */
import type { HistoryItem, HistoryReport } from '../compose/log-history.ts';
import { plural, type Style, visible, wrap } from './render.ts';

const MEANING: Readonly<Record<HistoryReport['verdict'], string>> = {
  complete: 'all of it is of one history',
  'incomplete-tail': 'some of it is of another log, and cannot be held against this one',
  tampered: 'some of it is not of this history',
};

const STANDING: Readonly<Record<HistoryItem['standing'], string>> = {
  part: 'is of this history',
  unfinished: 'has no end',
  missing: 'has records that are not in the log',
  ahead: 'is ahead of the log: the log was put back, or this is an older copy of it',
  other: 'is of another history',
  elsewhere: 'is of another log',
  unverified: 'does not verify',
};

/** More are counted only. */
const RANGES_SHOWN = 8;

function itemText({ path, runId, standing, detail, records, found }: HistoryItem): string {
  const counted = records !== undefined && found !== records && standing !== 'part' ? `; ${found} of its ${plural(records, 'record')} are in the log` : '';
  return `${visible(runId ?? path)} ${STANDING[standing]}${detail === undefined ? '' : ` (${visible(detail)})`}${counted}`;
}

function unseenText({ unseen }: HistoryReport): string {
  if (unseen.length === 0) return 'no leaf: all of them are of what was given';
  const leaves = unseen.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const ranges = unseen.slice(0, RANGES_SHOWN).map(({ first, last }) => (first === last ? String(first) : `${first} to ${last}`)).join(', ');
  return `${plural(leaves, 'leaf', 'leaves')} of runs that were removed, or not given: ${ranges}${unseen.length > RANGES_SHOWN ? ' …' : ''}`;
}

export function historyLines(report: HistoryReport, { width, style, kept }: { width: number; style: Style; kept?: string }): string[] {
  const { verdict, origin, size, items } = report;
  const paint = verdict === 'complete' ? style.green : verdict === 'tampered' ? style.red : style.yellow;
  const row = (title: string, text: string): string[] => wrap(text, width, ' '.repeat(11)).map((line, at) => (at === 0 ? `  ${title.padEnd(9)}${line.trimStart()}` : line));
  const count = (kind: HistoryItem['kind']): number => items.filter((item) => item.kind === kind && item.standing === 'part').length;
  return [
    `${style.bold(paint(verdict))}: ${MEANING[verdict]}`,
    ...items.filter(({ standing }) => standing !== 'part').flatMap((item) => wrap(itemText(item), width, '  ')),
    ...row('Log', `${visible(origin)}, ${plural(Number(size), 'leaf', 'leaves')}, every tile as its checkpoint says`),
    ...row('Part', `${plural(count('run'), 'run')}, ${plural(count('checkpoint'), 'checkpoint')}`),
    ...(items.some(({ kind }) => kind === 'run') ? row('Unseen', unseenText(report)) : []),
    ...(kept === undefined ? [] : row('Kept', `the newest checkpoint in ${visible(kept)}`)),
  ];
}
