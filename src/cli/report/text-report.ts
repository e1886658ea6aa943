/** The report for a terminal or a pipe. Pure. */
import type { Lane, Lanes } from '../../core/projection/report/run-times.ts';
import { fit, pad, visible, widthOf, wrap } from '../render.ts';
import { type Block, type PageText, type ReportPage, type Section, type Tone, tookText } from './page.ts';
import { paintOf, tableLines, type TextPage } from './text-table.ts';

const MARKS: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✗', quiet: '·' };
/** A pipe has no width; a picture needs one. */
const PICTURE_WIDTH = 100;

/** A mark, so that no reader needs the colour. */
function noteLines({ text, tone }: PageText, { width, style }: TextPage): string[] {
  const [first = '', ...rest] = wrap(visible(text), width, '  ');
  const mark = tone === undefined ? ' ' : MARKS[tone];
  return [`${paintOf(tone, style)(mark)} ${first.trimStart()}`, ...rest];
}

function laneLine(lane: Lane, { lengthMs, left, room }: { lengthMs: number; left: number; room: number }, page: TextPage): string {
  const column = (ms: number): number => Math.min(room - 1, Math.max(0, Math.floor((ms / Math.max(1, lengthMs)) * room)));
  const from = column(lane.fromMs);
  const to = lane.toMs === undefined ? room - 1 : column(lane.toMs);
  const bar: string[] = Array.from({ length: room }, (_, at) => (at < from || at > to ? ' ' : lane.toMs === undefined ? '╌' : '━'));
  for (const { atMs } of lane.marks) bar[column(atMs)] = '●';
  const took = tookText(lane);
  return `${pad(fit(visible(lane.name), left), left)}  ${bar.join('')}  ${page.style.dim(took)}`;
}

function pictureLines({ lanes, more, lengthMs }: Lanes, page: TextPage): string[] {
  const width = Math.min(page.width, PICTURE_WIDTH);
  const left = Math.min(24, Math.floor(width / 4), Math.max(...lanes.map(({ name }) => widthOf(visible(name)))));
  const room = width - left - 14;
  if (room < 12) return [];
  const lines = lanes.map((lane) => laneLine(lane, { lengthMs, left, room }, page));
  return [...lines, ...(more === 0 ? [] : [page.style.dim(`… and ${more} more`)])];
}

function blockLines(block: Block, page: TextPage): string[] {
  const { width, style } = page;
  switch (block.kind) {
    case 'facts': {
      const left = Math.max(...block.rows.map(([name]) => name.length)) + 2;
      return block.rows.flatMap(([name, { text, tone }]) => wrap(visible(text), width, ' '.repeat(left)).map((line, at) => (at === 0 ? style.dim(pad(name, left)) + paintOf(tone, style)(line.slice(left)) : paintOf(tone, style)(line))));
    }
    case 'notes':
      return block.notes.flatMap((note) => noteLines(note, page));
    case 'picture':
      return pictureLines(block.lanes, page);
    case 'table':
      return tableLines(block, page);
  }
}

function sectionLines({ title, blocks }: Section, page: TextPage): string[] {
  const bodies = blocks.map((block) => blockLines(block, page)).filter((lines) => lines.length > 0);
  return ['', page.style.bold(title), ...bodies.flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]))];
}

export function reportLines(report: ReportPage, page: TextPage): string[] {
  const { style, width } = page;
  const { verdict, meaning } = report;
  const [first = '', ...rest] = wrap(`${visible(verdict.text)}: ${meaning}`, width);
  return [
    style.bold(fit(visible(report.title), width)),
    ...[first, ...rest].map((line) => style.bold(paintOf(verdict.tone, style)(line))),
    ...report.glance.flatMap((note) => noteLines(note, page)),
    ...report.sections.flatMap((section) => sectionLines(section, page)),
    '',
    ...wrap(report.footer, width).map(style.dim),
  ];
}
